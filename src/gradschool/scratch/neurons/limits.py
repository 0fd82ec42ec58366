"""What a single neuron cannot do, in numbers, and the best it can do where no answer is right for all.

Sources: Cover 1965 (how many labelings a plane can make), Gallant 1990 (the pocket algorithm).
"""

from collections.abc import Callable, Sequence
from math import comb

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.neurons.perceptron import predict, update


def dichotomies(n: int, d: int) -> int:
    """How many of the 2^n labelings of n points in d dimensions one perceptron can make.

    With C(n, d) for this number: a new point doubles the labelings that a plane through it can make, so
    C(n, d) = C(n - 1, d) + C(n - 1, d - 1), which Pascal's triangle solves: twice the sum of the binomials
    (n - 1 over k) for k = 0 to d.

    Args:
        n: number of points, >= 1, in general position: no d + 1 of them on one plane (line, ...).
        d: number of coordinates, >= 0; the bias comes on top.

    Returns:
        2^n as long as n <= d + 1; half of all at n = 2 (d + 1); a vanishing share beyond.

    Source: Cover 1965, theorem 1, with d + 1 for its d because of the bias.
    """
    # 1. In how many ways k of the other n - 1 points can be chosen, for each k.
    terms = [comb(n - 1, k) for k in range(d + 1)]
    # 2. Each labeling comes with its opposite.
    return 2 * sum(terms)


def pocket(points: Array, targets: Array, weights: Array, order: Sequence[int]) -> tuple[Array, int]:
    """The perceptron rule where no line separates: wander on, but keep the best weights in the pocket.

    Args:
        points: (n, d).
        targets: (n,), 0 or 1.
        weights: (d + 1,) to start from, bias first.
        order: which point to show at each step, 0 to n - 1; drawn at random it cannot go round in a circle.

    Returns:
        Of all weights on the way, the start included, those with the fewest mistakes on the n points (the
        earliest if several), and how many mistakes these are.

    Source: Gallant 1990, section 3, with ratchet.
    """
    # 1. Into the pocket go the first weights and their mistakes.
    w = best = np.array(weights, float)
    fewest = int((predict(w, points) != targets).sum())
    for i in order:
        # 2. The rule moves the weights as ever, for better or worse.
        w = update(w, points[i], int(targets[i]))
        # 3. Only weights that are better on all points replace those in the pocket.
        mistakes = int((predict(w, points) != targets).sum())
        if mistakes < fewest:
            best, fewest = w, mistakes
    return best, fewest


def best_output(targets: Sequence[float], slope: Callable[[float, float], float]) -> float:
    """The one output with the least total loss for inputs that are all alike but differ in their targets.

    A network cannot tell equal inputs apart: one number y has to do for all. The total loss is least where
    its slope in y is 0; below, the slope is negative, above, it is positive.

    Args:
        targets: n numbers from 0 to 1.
        slope: slope(y, t) is the loss's derivative in the output y in (0, 1) for target t, rising in y.

    Returns:
        y, to 12 digits; the upper end of the range if the total slope is negative throughout.
    """
    # 1. It lies somewhere between 0 and 1.
    low, high = 0.0, 1.0
    # 2. Halve the range 40 times: if the total slope at the middle is negative, y is above, else below.
    for _ in range(40):
        middle = (low + high) / 2
        if sum(slope(middle, t) for t in targets) < 0:
            low = middle
        else:
            high = middle
    return high
