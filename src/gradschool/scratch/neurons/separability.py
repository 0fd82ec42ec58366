"""Does a hyperplane separate two classes? Either answer has a proof that can be checked by adding up.

The perceptron finds the line if there is one (Novikoff 1962). If there is none its weights stay bounded
(Minsky and Papert 1969, cycling theorem), so on numbers with finitely many digits they return to an earlier
state; the updates in between add up to zero, which gives a point that lies in the convex hulls of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class Verdict:
    """Whether a line separates the classes, with the proof.

    Args:
        separable: the answer.
        weights: if separable, a separating line, bias first: above 0 on class 1, below 0 on class 0.
        shares: if not, one share a point, at least 0 and adding up to 1 within each class: the mean of
            class 1 with these shares equals that of class 0.
    """

    separable: bool
    weights: tuple[Fraction, ...] = ()
    shares: tuple[Fraction, ...] = ()


def separability(
    points: Sequence[Sequence[float]], targets: Sequence[int], max_passes: int = 100_000
) -> Verdict:
    """Decide, in exact fractions, whether a hyperplane separates class 1 from class 0.

    The perceptron rule runs from zero weights, pass after pass. A pass without an update proves that the
    classes are separable. Weights at the end of a pass that an earlier pass started from prove that they are
    not.

    Args:
        points: n points of d coordinates, read as the decimal numbers that they are written as.
        targets: n classes, 0 or 1.
        max_passes: most passes over the points.

    Returns:
        The answer with its proof: separating weights, or what `hull_shares` makes of the updates in between.

    Raises:
        ValueError: undecided after `max_passes`: coordinates with fewer digits cycle sooner.
    """
    # 1. Extended inputs as exact fractions, negated for class 0: now every sum should be above 0.
    rows = []
    for point, target in zip(points, targets, strict=True):
        extended = [Fraction(1), *(Fraction(str(float(value))) for value in point)]
        rows.append(np.array(extended) if target else -np.array(extended))
    w, updates = np.array([Fraction(0)] * (len(points[0]) + 1)), [0] * len(points)
    seen: dict[tuple[Fraction, ...], list[int]] = {}
    # 2. Passes of the perceptron rule, until one has no update or its weights have been seen before.
    for _ in range(max_passes):
        before = seen[tuple(w)] = list(updates)
        for i, row in enumerate(rows):
            if w @ row <= 0:
                w = w + row
                updates[i] += 1
        if updates == before:
            return Verdict(True, weights=tuple(w))
        if tuple(w) in seen:
            return Verdict(False, shares=hull_shares(targets, updates, seen[tuple(w)]))
    raise ValueError(
        f"undecided after {max_passes} passes; wanted coordinates of few digits. Round, or raise max_passes."
    )


def hull_shares(targets: Sequence[int], after: Sequence[int], before: Sequence[int]) -> tuple[Fraction, ...]:
    """Turn the updates of one cycle into shares that add up to 1 within each class.

    Over the cycle the updates of class 1 minus those of class 0 are zero, in the leading 1 as well: each
    class was updated equally often. Divided by that number, the updates are shares.
    """
    # 1. Updates within the cycle.
    times = [b - a for a, b in zip(before, after, strict=True)]
    # 2. How many each class had.
    total = sum(n for n, target in zip(times, targets, strict=True) if target)
    return tuple(Fraction(n, total) for n in times)
