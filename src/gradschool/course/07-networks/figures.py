"""Figures of chapter 7."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image

from gradschool.classroom.author.drawing import draw
from gradschool.classroom.author.evidence import content
from gradschool.classroom.author.figure import measured
from gradschool.classroom.exercise.manifest import find_chapter
from gradschool.data.augment.colour import brightness
from gradschool.data.augment.geometry import crop_and_flip
from gradschool.data.augment.mix import blend_pairs, erase
from gradschool.evals.classification.calibration import confidences, equal_width
from gradschool.models.vision.inception import mixed
from gradschool.models.vision.lenet import lenet5
from gradschool.models.vision.resnet import resnet18
from gradschool.models.vision.senet import SqueezeExcite
from gradschool.models.vision.vgg import vgg16
from gradschool.nn.residual import BasicBlock
from gradschool.ops import activation


def subplots(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    """Axes on a transparent figure whose labels do not collide."""
    plt.rcParams["font.size"] = 9
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained")


def bare(ax: Axes, title: str) -> None:
    """A picture needs no axes."""
    ax.set_title(title, fontsize=9)
    ax.set(xticks=[], yticks=[])


def show(ax: Axes, pixels: np.ndarray, title: str) -> None:
    """A colour picture of bytes, in 32 levels and as many pixels as it has, so that the page stays small."""
    ax.imshow(pixels // 8 * 8, interpolation="none")
    bare(ax, title)


def lenet() -> Figure:
    """LeNet-5, layer by layer."""
    return draw(lenet5(10), (1, 32, 32))


def vgg() -> Figure:
    """VGG-16, convolutions of one size together."""
    with torch.device("meta"):
        model = vgg16(1000)
    return draw(model, (3, 224, 224), depth=2, by_size=True)


def inception() -> Figure:
    """The first Inception module of GoogLeNet."""
    return draw(mixed(192, 64, (96, 128), (16, 32), 32), (192, 28, 28), depth=2)


def residual_block() -> Figure:
    """A basic block that keeps its input's shape."""
    return draw(BasicBlock(64, 64), (64, 56, 56))


def resnet() -> Figure:
    """ResNet-18, stage by stage."""
    with torch.device("meta"):
        model = resnet18(1000)
    return draw(model, (3, 224, 224))


def excite() -> Figure:
    """A squeeze-and-excitation block for 64 channels."""
    return draw(SqueezeExcite(64), (64, 56, 56))


def units() -> Figure:
    """Activations and their derivatives."""
    figure, axes = subplots(1, 2, 6.0, 2.6)
    x = torch.linspace(-4, 4, 161)
    for name, look in (("sigmoid", "-"), ("tanh", "--"), ("relu", "-."), ("gelu", ":")):
        axes[0, 0].plot(x.numpy(), getattr(activation, name)(x).numpy(), look, label=name)
        axes[0, 1].plot(x.numpy(), activation.DERIVATIVES[name](x).numpy(), look)
    axes[0, 0].set(title="activation", xlabel="input x", ylim=(-1.2, 2.5))
    axes[0, 1].set(title="derivative", xlabel="input x")
    axes[0, 0].legend(frameon=False)
    return figure


def depth() -> Figure:
    """Training loss by depth, with and without shortcuts, from the result of the experiment."""
    values = measured(__file__, "depth")
    figure, axes = subplots(1, 1, 4.6, 2.6)
    ax, blocks = axes[0, 0], (2, 8, 20)
    for name, look in (("plain", "o--"), ("residual", "s-")):
        rows = [values[f"{name}_{n}"]["loss"] for n in blocks]
        ax.errorbar(
            [2 * n for n in blocks], [r["mean"] for r in rows], [r["deviation"] for r in rows],
            fmt=look, capsize=3, label=name,
        )  # fmt: skip
    ax.set(xlabel="convolutions in the blocks", ylabel="training loss (nats)", yscale="log")
    ax.legend(frameon=False)
    return figure


def augmented() -> Figure:
    """A photograph and six changes of it."""
    photo = torch.tensor(load_sample_image("flower.jpg")[:420, 110:530].copy()).permute(2, 0, 1)[None]
    photo = torch.nn.functional.avg_pool2d(photo.float() / 255, 5)
    other = torch.tensor(load_sample_image("china.jpg")[:420, 110:530].copy()).permute(2, 0, 1)[None]
    other = torch.nn.functional.avg_pool2d(other.float() / 255, 5)
    yes, no, middle = torch.tensor([True]), torch.tensor([False]), torch.tensor([[18, 18]])
    pair, share = torch.cat([other, photo]), torch.tensor([1.0, 0.6])
    shown = {
        "original": photo,
        "mirrored": crop_and_flip(photo, middle, yes, 18),
        "moved": crop_and_flip(photo, torch.tensor([[6, 31]]), no, 18, "mirror"),
        "brighter": brightness(photo, torch.tensor([1.6])),
        "erased": erase(photo, torch.tensor([[24, 36, 27, 30]]), 0.5),
        "mixup, 60 : 40": blend_pairs(pair, torch.tensor([1, 0]), 2, share)[0][1:],
    }
    figure, axes = subplots(2, 3, 5.6, 4.0)
    for ax, (title, image) in zip(axes.flat, shown.items(), strict=True):
        show(ax, (255 * image[0].permute(1, 2, 0).clamp(0, 1)).byte().numpy(), title)
    return figure


def mirrored_digits() -> Figure:
    """Digits of 8x8 pixels, moved and mirrored."""
    images, chosen = load_digits().images, [2, 3, 7, 14]
    digits = torch.tensor(images[chosen], dtype=torch.float32)[:, None]
    yes, no = torch.ones(4, dtype=torch.bool), torch.zeros(4, dtype=torch.bool)
    moved = crop_and_flip(digits, torch.tensor([[0, 2], [2, 0], [1, 2], [2, 2]]), no, 1)
    mirrored = crop_and_flip(digits, torch.zeros(4, 2, dtype=torch.int64), yes, 0)
    figure, axes = subplots(3, 4, 4.2, 3.4)
    for row, (name, some) in zip(
        axes, {"original": digits, "moved": moved, "mirrored": mirrored}.items(), strict=True
    ):
        for ax, image in zip(row, some, strict=True):
            ax.imshow(image[0], cmap="gray_r")
            bare(ax, "")
        row[0].set_ylabel(name)
    return figure


def attention_maps() -> Figure:
    """Three photographs with the saliency and Grad-CAM of a network that was trained on ImageNet."""
    found = measured(__file__, "look")
    photos = content(find_chapter("networks"), "experiments").photographs()
    figure, axes = subplots(3, 3, 5.6, 6.0)
    for row, (name, one) in zip(axes, found.items(), strict=True):
        photo, maps = photos[name][::2, ::2], {key: unpacked(one[key]) for key in ("saliency", "grad_cam")}
        cam = Image.fromarray(maps["grad_cam"]).resize((112, 112), Image.Resampling.BICUBIC)
        heat = 255 * plt.colormaps["inferno"](np.array(cam))[..., :3]
        show(row[0], photo, f"{one['class'][0]}, {one['share'][0]:.0%}")
        row[1].imshow(maps["saliency"], cmap="magma", vmax=150, interpolation="none")
        bare(row[1], "saliency")
        show(row[2], (0.45 * photo.mean(2, keepdims=True) + 0.55 * heat).astype(np.uint8), "Grad-CAM")
    return figure


def class_pictures() -> Figure:
    """What five classes of digits like best, from the result of the experiment."""
    found = measured(__file__, "dream")
    figure, axes = subplots(2, 5, 5.0, 2.3)
    for row, name in zip(axes, ("free", "smooth"), strict=True):
        for ax, picture, number in zip(row, found[name], found["classes"], strict=True):
            ax.imshow(unpacked(picture), cmap="gray_r")
            bare(ax, str(number) if name == "free" else "")
    return figure


def unpacked(rows: list[str]) -> np.ndarray:
    """A map from its rows of hexadecimal bytes."""
    return np.array([list(bytes.fromhex(row)) for row in rows], np.uint8)


def reliability() -> Figure:
    """Confidence against accuracy for logits that are right, twice too large, and half as large."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(20000, 10, generator=generator, dtype=torch.float64)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    figure, axes = subplots(1, 1, 5.4, 3.1)
    ax = axes[0, 0]
    ax.plot([0, 1], [0, 1], color="black", alpha=0.4, lw=1)
    for factor, look, name in (
        (2.0, "o-", "over-confident"),
        (1.0, "s-", "calibrated"),
        (0.5, "^-", "under-confident"),
    ):
        confidence, right = confidences(factor * logits, labels)
        bins = equal_width(confidence, right, 10)
        used = bins.count > 50
        ax.plot(bins.confidence[used], bins.accuracy[used], look, label=f"{name}, ECE {bins.error:.2f}", ms=4)
    ax.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
