"""Figures of chapter 8."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_sample_image

from gradschool.classroom.author.drawing import draw
from gradschool.classroom.author.figure import measured
from gradschool.data.augment.hide import Damage
from gradschool.data.vision.borders import two_nearest
from gradschool.data.vision.shapes import shapes
from gradschool.evals.dense.tiles import ramp, starts
from gradschool.models.dense.unet import unet as build_unet
from gradschool.ops.loss import cross_entropy, focal_loss
from gradschool.ops.segment import boundary_weights, confusion, dice_loss, intersection_over_union
from gradschool.ops.similarity import structural_similarity

CLASSES = ListedColormap(["white", "C0", "C1", "C3"])


def subplots(rows: int, columns: int, width: float, height: float, **more) -> tuple[Figure, np.ndarray]:
    """Axes whose labels do not collide."""
    plt.rcParams["font.size"] = 9
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **more)


def bare(ax: Axes, title: str) -> None:
    """A picture needs no axes."""
    ax.set_title(title, fontsize=9)
    ax.set(xticks=[], yticks=[])


def show(ax: Axes, picture: torch.Tensor, title: str) -> None:
    """A grey picture, values 0 to 1, in 32 levels and its own number of pixels: the page stays small."""
    levels = (255 * picture[0, 0].clamp(0, 1)).byte().numpy() // 8 * 8
    ax.imshow(levels, cmap="gray", vmin=0, vmax=255, interpolation="none")
    bare(ax, title)


def photograph(side: int) -> torch.Tensor:
    """A square of a photograph, (1, 1, side, side), grey values from 0 to 1."""
    grey = torch.tensor(load_sample_image("china.jpg")[60:380, 140:460].mean(2)) / 255
    return torch.nn.functional.interpolate(grey[None, None].float(), (side, side), mode="area")


def scene() -> Figure:
    """Two pictures of shapes and their masks."""
    pictures, masks = shapes(2, 48, torch.Generator().manual_seed(3), each=6)
    figure, axes = subplots(2, 2, 4.4, 4.6)
    for row, picture, mask in zip(axes, pictures, masks, strict=True):
        row[0].imshow(picture[0], cmap="gray")
        row[1].imshow(mask, cmap=CLASSES, vmin=0, vmax=3, interpolation="nearest")
        bare(row[0], "image")
        bare(row[1], "mask")
    return figure


def overlap() -> Figure:
    """Truth and prediction, with their counts, IoU and Dice."""
    y, x = np.mgrid[:24, :36]
    truth = (y - 11.5) ** 2 + (x - 13.5) ** 2 < 81
    said = (y - 11.5) ** 2 + (x - 19.5) ** 2 < 81
    counts = confusion(torch.tensor(said).long(), torch.tensor(truth).long(), 2)
    found, missed, extra = int(counts[1, 1]), int(counts[1, 0]), int(counts[0, 1])
    iou = intersection_over_union(counts)[1].item()
    figure, axes = subplots(1, 1, 4.6, 3.4)
    ax = axes[0, 0]
    for kind, colour in ((truth & ~said, "C0"), (said & ~truth, "C1"), (truth & said, "C2")):
        ax.imshow(np.where(kind, 1.0, np.nan), cmap=ListedColormap([colour]), interpolation="nearest")
    for place, words in ((7, f"missed\n{missed}"), (16.5, f"found\n{found}"), (26, f"extra\n{extra}")):
        ax.text(place, 11.5, words, ha="center", va="center", color="white", fontweight="bold")
    ax.set_xlabel(
        f"IoU = {found} / {found + missed + extra} = {iou:.2f}\n"
        f"Dice = {2 * found} / ({found + missed} + {found + extra}) = {2 * iou / (1 + iou):.2f}"
    )
    bare(ax, "")
    return figure


def imbalance() -> Figure:
    """A small disc, and its share of the pixels and of the gradients of four losses at logits of 0."""
    picture, mask = shapes(1, 32, torch.Generator().manual_seed(4), each=1, radius=(2.5, 2.5), kinds=1)
    share = (mask > 0).float().mean().item()
    weight = torch.tensor([0.5 / (1 - share), 0.5 / share])
    truth = torch.stack([mask == 0, mask == 1], 1).float()
    losses = {
        "cross-\nentropy": lambda x: cross_entropy(x, mask),
        "focal": lambda x: focal_loss(x, truth),
        "class\nweights": lambda x: cross_entropy(x, mask, weight),
        "Dice": lambda x: dice_loss(x, mask),
    }
    shares = {"pixels": share}
    for name, loss in losses.items():
        logits = torch.zeros(1, 2, 32, 32, requires_grad=True)
        (slope,) = torch.autograd.grad(loss(logits), logits)
        size = slope.abs().sum(1)
        shares[name] = (size[mask > 0].sum() / size.sum()).item()
    figure, axes = subplots(1, 2, 5.8, 2.6, width_ratios=(1, 2))
    axes[0, 0].imshow(picture[0, 0], cmap="gray")
    bare(axes[0, 0], "image")
    axes[0, 1].bar(list(shares), [100 * value for value in shares.values()], color="C0")
    axes[0, 1].set(ylabel="share of the disc (%)", ylim=(0, 62))
    for i, value in enumerate(shares.values()):
        axes[0, 1].text(i, 100 * value + 1, f"{value:.1%}", ha="center")
    return figure


def focal() -> Figure:
    """Focal loss by the probability of the true class."""
    figure, axes = subplots(1, 1, 4.8, 2.8)
    p = torch.linspace(0.01, 0.999, 200)
    for gamma, look in ((0.0, "-"), (1.0, "--"), (2.0, "-."), (5.0, ":")):
        loss = focal_loss(torch.logit(p), torch.ones_like(p), gamma, reduction="none")
        name = "γ = 0 (cross-entropy)" if gamma == 0 else f"γ = {gamma:.0f}"
        axes[0, 0].plot(p, loss, look, label=name)
    axes[0, 0].set(xlabel="probability of the true class", ylabel="loss (nats)", ylim=(0, 4))
    axes[0, 0].legend(frameon=False)
    return figure


def unet() -> Figure:
    """The U-Net of this chapter, drawn from the model."""
    return draw(build_unet(labels=4, channels=1, width=8, depth=3), (1, 32, 32), depth=2, by_size=True)


def with_and_without() -> Figure:
    """Predictions with and without skip connections, from the result of the experiment."""
    found = measured(__file__, "examples")
    pictures, masks = shapes(2, 32, torch.Generator().manual_seed(found["scene"]), each=4)
    figure, axes = subplots(2, 4, 6.0, 3.3)
    for i, row in enumerate(axes):
        row[0].imshow(pictures[i, 0], cmap="gray")
        said = {name: [[int(c) for c in line] for line in found[name][i]] for name in ("with", "without")}
        for ax, mask in zip(row[1:], (masks[i], said["with"], said["without"]), strict=True):
            ax.imshow(mask, cmap=CLASSES, vmin=0, vmax=3, interpolation="nearest")
        for ax, title in zip(row, ("image", "mask", "with", "without"), strict=True):
            bare(ax, "" if i else title)
    return figure


def gaps() -> Figure:
    """Three cells and the weights of the pixels between them."""
    y, x = np.mgrid[:60, :60]
    cells = np.zeros((60, 60), bool)
    for row, column, radius in ((20, 16, 12), (22, 43, 13), (46, 28, 11)):
        cells |= (y - row) ** 2 + (x - column) ** 2 < radius**2
    first, second = (torch.from_numpy(far) for far in two_nearest(cells, 15))
    figure, axes = subplots(1, 2, 5.2, 2.4)
    axes[0, 0].imshow(cells, cmap="gray_r")
    shown = axes[0, 1].imshow(boundary_weights(first, second, 10.0, 3.0), cmap="magma")
    bare(axes[0, 0], "cells")
    bare(axes[0, 1], "weight of each pixel")
    figure.colorbar(shown, ax=axes[0, 1], fraction=0.046)
    return figure


def tile_picture() -> Figure:
    """A photograph with the borders of its tiles."""
    size, tile, shared = 160, 64, 16
    figure, axes = subplots(1, 1, 3.8, 3.8)
    ax = axes[0, 0]
    for i, top in enumerate(starts(size, tile, shared)):
        for k, left in enumerate(starts(size, tile, shared)):
            colour = "C1" if (i + k) % 2 else "C0"
            ax.add_patch(Rectangle((left, top), tile - 1, tile - 1, fill=False, edgecolor=colour, lw=2))
    show(ax, photograph(size), f"{size} × {size} pixels, tiles of {tile}, overlap of {shared} or more")
    return figure


def tiles() -> Figure:
    """How much each of three tiles counts along a side, and their sum."""
    figure, axes = subplots(1, 1, 5.6, 2.4)
    ax, size, tile, overlap = axes[0, 0], 120, 48, 12
    total = np.zeros(size)
    for i, start in enumerate(starts(size, tile, overlap)):
        weight = ramp(tile, overlap).numpy()
        ax.plot(range(start, start + tile), weight, color=f"C{i}", label=f"tile {i + 1}")
        total[start : start + tile] += weight
    ax.plot(total, color="black", ls=":", label="sum")
    ax.set(xlabel="position along the side (pixels)", ylabel="weight", ylim=(0, 2.15))
    ax.legend(frameon=False, ncols=4, loc="upper center")
    return figure


def damages() -> Figure:
    """One photograph, whole and damaged in four ways."""
    generator = torch.Generator().manual_seed(5)
    whole = photograph(80)
    ways = {
        "lines": Damage(lines=4, thickness=3.0), "pixels": Damage(pixels=0.6),
        "squares": Damage(squares=3, side=18), "noise": Damage(noise=0.2),
    }  # fmt: skip
    shown = {"whole": whole} | {name: way(whole, generator)[0] for name, way in ways.items()}
    figure, axes = subplots(2, 3, 5.4, 3.9)
    for ax, (name, one) in zip(axes.flat, shown.items(), strict=False):
        show(ax, one, name)
    axes[1, 2].axis("off")
    return figure


def equal_error() -> Figure:
    """Three distortions of nearly equal squared error, and their SSIM."""
    whole = photograph(128)
    noise = torch.randn(whole.shape, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(whole, (2,) * 4, "replicate"), 5, 1)
    error = (blurred - whole).square().mean().sqrt()
    shown = {
        "original": whole,
        "darker": whole - error,
        "blurred": blurred,
        "noise": whole + error * noise / noise.square().mean().sqrt(),
    }
    figure, axes = subplots(2, 2, 5.0, 5.6)
    for ax, (name, one) in zip(axes.flat, shown.items(), strict=True):
        show(ax, one, name)
        if name != "original":
            decibels = -10 * (one - whole).square().mean().log10()
            ax.set_xlabel(f"PSNR {decibels:.1f} dB, SSIM {structural_similarity(one, whole).item():.2f}")
    return figure
