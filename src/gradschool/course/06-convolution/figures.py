"""Figures of chapter 6."""

from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_sample_image

from gradschool.ops.conv import conv2d, conv_transpose2d
from gradschool.ops.norm import batch_norm
from gradschool.ops.pool import avg_pool2d, blur_pool2d
from gradschool.scratch.filters import prewitt

plt.rcParams["font.size"] = 10


def shown(pictures: list, titles: list[str], rows: int = 1, height: float = 2.1, **kwargs: Any) -> Figure:
    """Grey pictures in rows."""
    figure, axes = plt.subplots(rows, len(pictures) // rows, figsize=(5.6, rows * height))
    for axis, picture, title in zip(np.ravel(axes), pictures, titles, strict=True):
        axis.imshow(picture, **{"cmap": "gray", "interpolation": "nearest"} | kwargs)
        axis.set_title(title, fontsize=10)
        axis.set(xticks=[], yticks=[])
    figure.tight_layout(h_pad=1.2)
    return figure


@cache
def photograph() -> torch.Tensor:
    """A grey photograph of a Chinese temple, (1, 1, 424, 640), from 0 to 1."""
    grey = load_sample_image("china.jpg").mean(2) / 255
    return torch.tensor(grey[:424], dtype=torch.float32)[None, None]


def table(axis: Any, values: np.ndarray, marked: tuple[int, int, int, int], left: float) -> None:
    """Numbers in a grid from x = left on, with some cells (row, column, rows, columns) marked."""
    for (row, column), value in np.ndenumerate(values):
        axis.add_patch(Rectangle((left + column, row), 1, 1, fill=False, edgecolor="black", alpha=0.3))
        axis.text(left + column + 0.5, row + 0.5, f"{value:g}", ha="center", va="center", color="black")
    row, column, rows, columns = marked
    axis.add_patch(Rectangle((left + column, row), columns, rows, color="C0", alpha=0.3))


def sliding() -> Figure:
    """A filter of 3x3 taps on an image of 5x5 pixels, at one position, and the feature map."""
    image = np.array([[0, 0, 0, 9, 9]] * 3 + [[0, 0, 9, 9, 9]] * 2)
    kernel = np.array([[-1, 0, 1]] * 3)
    seen, weight = (torch.tensor(a, dtype=torch.float32)[None, None] for a in (image, kernel))
    result = conv2d(seen, weight)[0, 0]
    figure, axis = plt.subplots(1, 1, figsize=(5.6, 2.6))
    table(axis, image, (1, 1, 3, 3), 0)
    table(axis, kernel, (0, 0, 3, 3), 6.5)
    table(axis, result.numpy(), (1, 1, 1, 1), 11)
    for x, text in ((2.5, "image"), (8, "kernel"), (12.5, "feature map")):
        axis.text(x, -0.4, text, ha="center", color="black")
    axis.set(xlim=(-0.1, 14.1), ylim=(5.1, -1), aspect="equal")
    axis.axis("off")
    return figure


def feature_maps() -> Figure:
    """A photograph and three feature maps of it."""
    photo = avg_pool2d(photograph(), 4)
    across = torch.tensor([[-1.0, 0.0, 1.0]] * 3)
    filters = torch.stack([across, across.T, torch.full((3, 3), 1 / 9)])[:, None]
    maps = conv2d(photo, filters)[0]
    blurred = conv2d(maps[None, 2:], filters[2:])[0, 0]
    pictures = [picture.numpy() for picture in (photo[0, 0], maps[0], maps[1], blurred)]
    return shown(
        pictures, ["photograph", "right minus left", "below minus above", "mean of neighbours"], 2, 1.95
    )


def borders() -> Figure:
    """A dark disc on bright paper, and its edges with two kinds of border."""
    y, x = np.mgrid[-16:16, -16:16] + 0.5
    paper = (x**2 + y**2 > 90) * 1.0
    pictures = [1 - paper, prewitt(paper), prewitt(paper, "reflect")]
    return shown(pictures, ["dark disc", "zero padding", "reflect padding"], cmap="gray_r")


def fields() -> Figure:
    """One unit of the third of three layers of width 3, and all it sees."""
    figure, ax = plt.subplots(1, 1, figsize=(5.0, 2.3))
    seen = [{3}]
    for _ in range(3):
        seen.append({i + d for i in seen[-1] for d in (-1, 0, 1)})
    for depth, units in enumerate(seen):
        height = 3 - depth
        rest = sorted(set(range(7)) - units)
        ax.scatter(rest, [height] * len(rest), s=60, facecolors="none", edgecolors="black", alpha=0.4)
        ax.scatter(sorted(units), [height] * len(units), s=60, color="C0", zorder=3)
        below = [(i, i + d) for i in units for d in (-1, 0, 1)] if depth < 3 else []
        for a, b in below:
            ax.plot([a, b], [height, height - 1], color="C0", lw=0.7, zorder=1)
    ax.set_yticks([3, 2, 1, 0], ["layer 3: field 7", "layer 2: field 5", "layer 1: field 3", "pixels"])
    ax.set_xticks([])
    ax.spines[:].set_visible(False)
    return figure


def normalised() -> Figure:
    """Activations of three channels before and after batch normalisation."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 3, 64, generator=generator)
    x = x * torch.tensor([0.5, 1.5, 3.0])[:, None] + torch.tensor([-4.0, 0.0, 5.0])[:, None]
    figure, axes = plt.subplots(1, 2, figsize=(5.6, 2.4), sharey=True)
    for axis, values, title in zip(axes, (x, batch_norm(x, None, None)), ("before", "after"), strict=True):
        for channel in range(3):
            axis.hist(values[:, channel].flatten().numpy(), 40, histtype="step", density=True, lw=1.6)
        axis.set(title=title, xlabel="activation", xlim=(-10, 15) if title == "before" else (-4, 4))
    axes[0].set_ylabel("density")
    figure.tight_layout()
    return figure


def stripes() -> Figure:
    """Stripes one pixel wide, subsampled as they are and blurred first; then the same moved by one pixel."""
    x = (torch.arange(16) % 2).float().expand(1, 1, 16, 16)
    pictures, titles = [], []
    for word, image in (("stripes", x), ("moved by one", 1 - x)):
        views = image, image[:, :, ::2, ::2], blur_pool2d(image)
        pictures += [view[0, 0].numpy() for view in views]
        titles += [word, "every 2nd pixel", "blurred first"]
    return shown(pictures, titles, 2, 2.0, vmin=0, vmax=1)


def aliasing() -> Figure:
    """A detail of the photograph at a quarter of its resolution, without and with blur."""
    photo = photograph()
    plain, smooth = photo[:, :, ::4, ::4], blur_pool2d(blur_pool2d(photo))
    views = [image[0, 0, 25:80, 5:75].numpy() for image in (plain, smooth)]
    return shown(views, ["every 4th pixel", "blurred first"], height=2.4)


def matrix() -> Figure:
    """The matrix of a convolution with 3 taps and stride 2, and its transpose."""
    rows = np.full((3, 7), -1)
    for position in range(3):
        rows[position, 2 * position : 2 * position + 3] = range(3)
    figure, axes = plt.subplots(1, 2, figsize=(5.6, 2.7), width_ratios=[7, 3])
    for axis, taps, title in zip(
        axes, (rows, rows.T), ("convolution, 7 to 3", "transpose, 3 to 7"), strict=True
    ):
        for (row, column), tap in np.ndenumerate(taps):
            colour = to_rgba(f"C{tap}", 0.35) if tap >= 0 else "none"
            axis.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor=to_rgba("black", 0.3)))
            text = f"$w_{tap}$" if tap >= 0 else "0"
            axis.text(column + 0.5, row + 0.5, text, ha="center", va="center", color="black", fontsize=9)
        axis.set(xlim=(0, taps.shape[1]), ylim=(taps.shape[0], 0), aspect="equal")
        axis.set_title(title, fontsize=10)
        axis.axis("off")
    return figure


def checkerboard() -> Figure:
    """How many stamps fall on each pixel, for kernels of 3 and 4 at stride 2."""
    counts = [
        conv_transpose2d(torch.ones(1, 1, 6, 6), torch.ones(1, 1, k, k), stride=2)[0, 0] for k in (3, 4)
    ]
    return shown([c.numpy() for c in counts], ["3x3, stride 2", "4x4, stride 2"], height=2.6, cmap="gray_r")
