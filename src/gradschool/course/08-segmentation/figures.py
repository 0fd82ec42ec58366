"""Figures of chapter 8."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from gradschool.data.augment.hide import Damage
from gradschool.data.vision.borders import two_nearest
from gradschool.data.vision.shapes import shapes
from gradschool.evals.dense.tiles import ramp, starts
from gradschool.ops.segment import boundary_weights

COLOURS = plt.matplotlib.colors.ListedColormap(["white", "C0", "C1", "C3"])


def bare(axes, titles) -> None:
    """Pictures have no axes."""
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, fontsize=8)
        ax.set(xticks=[], yticks=[])


def scene() -> Figure:
    """Two pictures of shapes and their masks."""
    pictures, masks = shapes(2, 48, torch.Generator().manual_seed(3), each=6)
    figure, axes = plt.subplots(1, 4, figsize=(6.8, 2.0))
    for i in range(2):
        axes[2 * i].imshow(pictures[i, 0], cmap="gray")
        axes[2 * i + 1].imshow(masks[i], cmap=COLOURS, vmin=0, vmax=3, interpolation="nearest")
    bare(axes, ["picture", "mask", "picture", "mask"])
    return figure


def shape_of_a_u() -> Figure:
    """Maps of a U-Net on the way down and up, their sizes, and the shortcuts."""
    figure, ax = plt.subplots(figsize=(6.4, 2.9))
    size, width, depth = 32, 8, 3
    for level in range(depth + 1):
        pixels, channels, y = size >> level, width << level, -level
        for x, name in ((level, "down"), (2 * depth + 1 - level, "up")):
            if level == depth and name == "up":
                continue
            ax.scatter(x, y, s=520, marker="s", color="C0" if name == "down" else "C2", zorder=3)
            ax.text(
                x,
                y,
                f"{pixels}²\n{channels}",
                ha="center",
                va="center",
                fontsize=7.5,
                color="white",
                zorder=4,
            )
        if level < depth:
            right = 2 * depth + 1 - level
            arrow = {"arrowstyle": "->", "color": "gray", "shrinkA": 11, "shrinkB": 11}
            ax.annotate("", (level + 1, y - 1), (level, y), arrowprops=arrow | {"color": "C0"})
            start = (right - 1 if level + 1 < depth else depth, y - 1)
            ax.annotate("", (right, y), start, arrowprops=arrow | {"color": "C2"})
            ax.annotate("", (right, y), (level, y), arrowprops=arrow | {"linestyle": "--"})
            ax.text((level + right) / 2, y + 0.1, "shortcut", ha="center", fontsize=7, color="gray")
    ax.text(0.15, -1.75, "halve: what\nis there", fontsize=8, color="C0", ha="center")
    ax.text(6.9, -1.75, "double: where\nit is", fontsize=8, color="C2", ha="center")
    ax.set(xlim=(-0.6, 2 * depth + 1.6), ylim=(-depth - 0.5, 0.5))
    ax.axis("off")
    return figure


def gaps() -> Figure:
    """Three cells and the weights of the pixels between them."""
    y, x = np.mgrid[:60, :60]
    cells = np.zeros((60, 60), bool)
    for row, column, radius in ((20, 16, 12), (22, 43, 13), (46, 28, 11)):
        cells |= (y - row) ** 2 + (x - column) ** 2 < radius**2
    first, second = (torch.from_numpy(far) for far in two_nearest(cells, 15))
    figure, axes = plt.subplots(1, 2, figsize=(4.6, 2.2))
    axes[0].imshow(cells, cmap="gray_r")
    shown = axes[1].imshow(boundary_weights(first, second, 10.0, 3.0), cmap="magma")
    bare(axes, ["cells", "weight of each pixel"])
    figure.colorbar(shown, ax=axes[1], fraction=0.046)
    return figure


def tiles() -> Figure:
    """How much each of three tiles counts along a side, and their sum."""
    figure, ax = plt.subplots(figsize=(6.0, 1.9))
    size, tile, overlap = 120, 48, 12
    total = np.zeros(size)
    for i, start in enumerate(starts(size, tile, overlap)):
        weight = ramp(tile, overlap).numpy()
        ax.plot(range(start, start + tile), weight, color=f"C{i}", label=f"tile {i + 1}")
        total[start : start + tile] += weight
    ax.plot(total, color="gray", ls=":", label="sum, divided by")
    ax.set(xlabel="pixel", ylabel="weight", ylim=(0, 2.15))
    ax.legend(fontsize=7, frameon=False, ncols=4, loc="upper center")
    return figure


def damages() -> Figure:
    """One picture, whole and damaged in four ways."""
    generator = torch.Generator().manual_seed(5)
    picture = shapes(1, 40, generator, each=5)[0].mul(0.35).add(0.45).clamp(0, 1)
    ways = {
        "lines": Damage(lines=3), "pixels": Damage(pixels=0.6),
        "squares": Damage(squares=2, side=9), "noise": Damage(noise=0.25),
    }  # fmt: skip
    shown = [picture, *(way(picture, generator)[0] for way in ways.values())]
    figure, axes = plt.subplots(1, 5, figsize=(6.8, 1.7))
    for ax, one in zip(axes, shown, strict=True):
        ax.imshow(one[0, 0], cmap="gray", vmin=0, vmax=1)
    bare(axes, ["whole", *ways])
    return figure
