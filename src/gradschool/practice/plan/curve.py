"""What more data would bring: a power law through the errors of runs on parts of the training set."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import t as student

from gradschool.errors import UserError
from gradschool.ops.practice.power_law import gain_of_more, power_law

LEAST = 3  # runs, of which two fix the line and the rest say how sure it is


@dataclass(frozen=True)
class Curve:
    """A power law with what it predicts.

    Args:
        a: error with one example.
        b: exponent.
        low: lower end of the interval of b.
        high: upper end.
    """

    a: float
    b: float
    low: float
    high: float

    def error(self, n: float) -> float:
        """What it predicts for n examples."""
        return self.a * n**-self.b

    def gain(self, times: float = 2.0) -> tuple[float, float, float]:
        """The share of the error that goes away with so many times the data, and its interval."""
        found = [gain_of_more(b, times) for b in (self.b, self.low, self.high)]
        return found[0], found[1], found[2]


def fitted(n: Sequence[float], error: Sequence[float], level: float = 0.95) -> Curve:
    """Fit a power law to runs on several sizes of data; several seeds of a size may be among them.

    Args:
        n: training examples of each run.
        error: of each run, e.g. 1 - accuracy.
        level: of the interval, 0 to 1: Student's, of the slope of a line between logarithms.

    Raises:
        UserError: there are fewer than three runs or two sizes, or a number is not above 0.
    """
    if len(n) != len(error) or len(n) < LEAST or len(set(n)) < 2:
        what = f"{len(n)} runs of {len(set(n))} sizes and {len(error)} errors"
        raise UserError(what, f"{LEAST} runs or more, of two sizes or more", "Train on a half and a quarter.")
    if not all(0 < value < math.inf for value in (*n, *error)):
        raise UserError("a size or an error is not above 0", "numbers above 0", "Leave that run out.")
    sizes, errors = (torch.tensor(list(values), dtype=torch.float64) for values in (n, error))
    a, b = power_law(sizes, errors)
    # How far the points lie from the line says how sure its slope is.
    x, rest = sizes.log(), errors.log() - a.log() + b * sizes.log()
    spread = (rest.square().sum() / (len(n) - 2) / (x - x.mean()).square().sum()).sqrt()
    half = float(student.ppf((1 + level) / 2, len(n) - 2)) * float(spread)
    return Curve(float(a), float(b), float(b) - half, float(b) + half)
