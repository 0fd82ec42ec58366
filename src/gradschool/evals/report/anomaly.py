"""Which pictures are odd? Those that a network, trained on the usual ones, cannot rebuild.

Source: Sakurada and Yairi 2014, section 3 (reconstruction error as the score).
"""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.evals.classification.ood import auroc
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section

Rebuild = Callable[[Tensor], tuple[Tensor, Tensor]]


@torch.inference_mode()
def errors(rebuild: Rebuild, batches: Iterable[Tensor]) -> Float[Tensor, " n"]:
    """Mean squared error of each picture.

    Args:
        rebuild: pictures (b, c, h, w) to the truth and what was rebuilt, on one scale.
        batches: pictures.
    """
    found = []
    for x in batches:
        truth, again = rebuild(x)
        found.append((truth.float().cpu() - again.float().cpu()).square().flatten(1).mean(1))
    return torch.cat(found)


def section(home: Float[Tensor, " n"], away: Float[Tensor, " m"], names: tuple[str, str]) -> Section:
    """Errors of both sets, and how well they tell the sets apart."""
    drawn = charts.histogram(
        {name: np.log10(e.clamp_min(1e-8).numpy()) for name, e in zip(names, (home, away), strict=True)},
        "logarithm of the error",
    )
    area = auroc(away, home)
    reading = (
        f"A picture of {names[1]} is rebuilt worse than one of {names[0]} in {100 * area:.1f} % of all pairs "
        "(AUROC): 50 % would be no difference."
    )
    return Section("Odd pictures", reading, html.charts([drawn]))
