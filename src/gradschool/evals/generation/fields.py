"""A learnt score in the plane as a drawing: data, arrows uphill, samples."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

REACH = 3.0  # of the drawing, either way


def draw_field(
    file: Path, data: Tensor, score: Callable[[Tensor, Tensor], Tensor], sigmas: Tensor, samples: Tensor
) -> None:
    """Four panels: data, the score at much and at little noise, and what Langevin sampling made.

    Args:
        file: a PNG.
        data: points (n, 2).
        score: of points (n, 2) at noise levels (n, 1).
        sigmas: falling noise levels.
        samples: points (n, 2).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 3.5), layout="constrained")
    panels = figure.subplots(1, 4, sharex=True, sharey=True)
    # 1. Points.
    for panel, points, title in ((panels[0], data, "data"), (panels[3], samples, "samples")):
        panel.scatter(*points.T.numpy(), s=2, color="#1f5fa8")
        panel.set_title(title)
    # 2. Arrows, of lengths that can be seen: the direction is what counts.
    line = torch.linspace(-REACH, REACH, 21)
    places = torch.cartesian_prod(line, line)
    for panel, sigma in ((panels[1], sigmas[len(sigmas) // 3]), (panels[2], sigmas[-3])):
        arrows = score(places, sigma.expand(len(places), 1))
        arrows = arrows / (1e-6 + arrows.norm(dim=1, keepdim=True)) ** 0.8
        panel.quiver(*places.T.numpy(), *arrows.T.numpy(), color="#b4490f", width=0.004)
        panel.set_title(f"score at noise {sigma:.2g}")
    for panel in panels:
        panel.set(aspect="equal", xlim=(-REACH, REACH), ylim=(-REACH, REACH))
    figure.savefig(file, dpi=110)
