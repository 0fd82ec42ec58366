"""How large should a model be for a given compute budget? From runs of several sizes at each of some budgets.

Two methods that need not agree: the best run of each budget, or the minimum of a parabola through its runs.
Source: Hoffmann et al. 2022, sections 3.1 and 3.2 (approach 2).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gradschool.errors import UserError

Column = Float[np.ndarray, " n"]
FLOPS = 6  # for a parameter and a token: 2 forward, 4 backward


@dataclass(frozen=True)
class Runs:
    """Training runs, one to a place.

    Args:
        parameters: N.
        compute: C, floating-point operations of the training, nearly 6 N D for D tokens.
        loss: at the end, in nats.
    """

    parameters: Column
    compute: Column
    loss: Column

    @property
    def tokens(self) -> Column:
        """D, from C = 6 N D."""
        return self.compute / (FLOPS * self.parameters)

    def take(self, which: NDArray[np.generic]) -> "Runs":
        """Some of them."""
        return Runs(self.parameters[which], self.compute[which], self.loss[which])


def read_runs(file: Path) -> Runs:
    """Runs from a JSON list of {"parameters", "compute_budget", "final_loss"}.

    Raises:
        UserError: it cannot be read, or holds something else.
    """
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        names = ("parameters", "compute_budget", "final_loss")
        return Runs(*(np.array([row[name] for row in rows], float) for name in names))
    except (OSError, ValueError, KeyError, TypeError) as error:
        wanted = "a JSON list of objects with parameters, compute_budget and final_loss"
        raise UserError(f"{file} cannot be read ({error!r})", wanted) from error


@dataclass(frozen=True)
class PowerLaw:
    """y = factor x^exponent: a straight line in logarithms."""

    factor: float
    exponent: float

    def at(self, x: float) -> float:
        """The value at a place, which may lie far outside what was measured."""
        return float(self.factor * x**self.exponent)


def power_law(x: Column, y: Column) -> PowerLaw:
    """The power law with the least squared error of log y.

    Args:
        x: at least two different numbers > 0.
        y: > 0.
    """
    exponent, constant = np.polyfit(np.log(x), np.log(y), 1)
    return PowerLaw(float(np.exp(constant)), float(exponent))


def best_runs(runs: Runs) -> tuple[Column, Column]:
    """Budgets, and of each the size of the run with the smallest loss: one of the sizes that were tried."""
    budgets = np.unique(runs.compute)
    parts = [runs.take(runs.compute == budget) for budget in budgets]
    return budgets, np.array([part.parameters[part.loss.argmin()] for part in parts])


def parabola_minima(runs: Runs) -> tuple[Column, Column]:
    """Budgets, and of each the minimum of a parabola of the loss in log N.

    Args:
        runs: of three sizes or more at each budget.

    Raises:
        UserError: a budget has too few sizes, or its parabola opens downwards.
    """
    budgets, sizes = np.unique(runs.compute), []
    for budget in budgets:
        part = runs.take(runs.compute == budget)
        if len(np.unique(part.parameters)) < 3:
            raise UserError(f"budget {budget:.3g} has {len(part.loss)} runs", "three sizes or more")
        curvature, slope, _ = np.polyfit(np.log(part.parameters), part.loss, 2)
        if curvature <= 0:
            raise UserError(
                f"the losses of budget {budget:.3g} have no minimum", "sizes on both sides of one"
            )
        sizes.append(np.exp(-slope / (2 * curvature)))
    return budgets, np.array(sizes)


def optimal_size(runs: Runs, method: Callable[[Runs], tuple[Column, Column]]) -> PowerLaw:
    """The best number of parameters as a power law of the compute budget.

    Args:
        runs: of two budgets or more.
        method: `best_runs` or `parabola_minima`.
    """
    return power_law(*method(runs))


def optimal_tokens(size: PowerLaw) -> PowerLaw:
    """The best number of tokens that goes with it: D = C / (6 N)."""
    return PowerLaw(1 / (FLOPS * size.factor), 1 - size.exponent)
