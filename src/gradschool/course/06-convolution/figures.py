"""Figures of chapter 6."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from gradschool.ops.conv import conv_transpose2d
from gradschool.ops.pool import blur_pool2d
from gradschool.scratch.filters import prewitt


def shown(pictures, titles, width=1.7, **kwargs) -> Figure:
    """Grey pictures side by side."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(width * len(pictures), width + 0.3))
    for ax, picture, title in zip(axes, pictures, titles, strict=True):
        ax.imshow(picture, cmap="gray_r", **kwargs)
        ax.set_title(title, fontsize=8)
        ax.set(xticks=[], yticks=[])
    return figure


def borders() -> Figure:
    """A dark disc on bright paper, and its edges with two kinds of border."""
    y, x = np.mgrid[-16:16, -16:16] + 0.5
    paper = (x**2 + y**2 > 90) * 1.0
    pictures = [1 - paper, prewitt(paper), prewitt(paper, "reflect")]
    return shown(pictures, ["a disc on white paper", "edges, zeros outside", "edges, mirrored outside"])


def fields() -> Figure:
    """One unit of the third of three layers of width 3, and all it sees."""
    figure, ax = plt.subplots(figsize=(4.6, 2.2))
    seen = [{3}]
    for _ in range(3):
        seen.append({i + d for i in seen[-1] for d in (-1, 0, 1)})
    for depth, units in enumerate(seen):
        height = 3 - depth
        ax.scatter(range(7), [height] * 7, s=60, color="white", edgecolors="lightgray", zorder=2)
        ax.scatter(sorted(units), [height] * len(units), s=60, color="C0", zorder=3)
        below = [(i, i + d) for i in units for d in (-1, 0, 1)] if depth < 3 else []
        for a, b in below:
            ax.plot([a, b], [height, height - 1], color="C0", lw=0.7, zorder=1)
    ax.set_yticks([3, 2, 1, 0], ["layer 3: sees 7", "layer 2: sees 5", "layer 1: sees 3", "pixels"])
    ax.set_xticks([])
    ax.spines[:].set_visible(False)
    return figure


def stripes() -> Figure:
    """Stripes one pixel wide, subsampled as they are and blurred first; then the same moved by one pixel."""
    x = (torch.arange(16) % 2).float().expand(1, 1, 16, 16)
    pictures, titles = [], []
    for word, image in (("stripes", x), ("moved by one", 1 - x)):
        views = image, image[:, :, ::2, ::2], blur_pool2d(image)
        pictures += [view[0, 0].numpy() for view in views]
        titles += [word, "every second pixel", "blurred first"]
    return shown(pictures, titles, 1.25, vmin=0, vmax=1)


def checkerboard() -> Figure:
    """How many stamps fall on each pixel, for kernels of 3 and 4 at stride 2."""
    counts = [
        conv_transpose2d(torch.ones(1, 1, 6, 6), torch.ones(1, 1, k, k), stride=2)[0, 0] for k in (3, 4)
    ]
    return shown([c.numpy() for c in counts], ["3x3 stamps, stride 2", "4x4 stamps, stride 2"], 2.2)
