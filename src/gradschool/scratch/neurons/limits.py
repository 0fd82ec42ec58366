"""What a single neuron cannot do, in numbers, and the best it can do where no answer is right for all.

Sources: Cover 1965 (how many labellings a hyperplane can make), Gallant 1990 (the pocket algorithm).
"""

from collections.abc import Callable, Sequence
from math import comb

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.neurons.perceptron import predict, update


def dichotomies(n: int, d: int) -> int:
    """How many of the 2^n labellings of n points in d dimensions one perceptron can make.

    With C(n, d) for this number, C(n, d) = C(n - 1, d) + C(n - 1, d - 1): a new point doubles those
    labellings of the other points that a hyperplane through the new point can make. The solution is twice the
    sum of the binomial coefficients (n - 1 over k) for k = 0 to d.

    Args:
        n: number of points, >= 1, in general position: no d + 1 of them on one hyperplane.
        d: number of coordinates, >= 0; the bias is one more parameter.

    Returns:
        A whole number: 2^n as long as n <= d + 1, half of 2^n at n = 2 (d + 1), a small share beyond.

    Source: Cover 1965, theorem 1, with d + 1 for its d because of the bias.
    """
    # 1. In how many ways k of the other n - 1 points can be chosen, for each k.
    terms = [comb(n - 1, k) for k in range(d + 1)]
    # 2. With each labelling, the opposite one is possible, too.
    return 2 * sum(terms)


def pocket(points: Array, targets: Array, weights: Array, order: Sequence[int]) -> tuple[Array, int]:
    """The pocket algorithm: the perceptron rule, with the best weights seen so far kept in the pocket.

    Args:
        points: (n, d).
        targets: (n,), 0 or 1.
        weights: (d + 1,) to start from, bias first; not changed.
        order: index of the point shown at each step, 0 to n - 1; usually drawn at random.

    Returns:
        Of all weights seen, the start included, those with the fewest mistakes on the n points (the earliest
        if several), (d + 1,), and their number of mistakes, a whole number.

    Source: Gallant 1990, section 3, with ratchet.
    """
    # 1. The first weights and their number of mistakes go into the pocket.
    w = best = np.array(weights, float)
    fewest = int((predict(w, points) != targets).sum())
    for i in order:
        # 2. The perceptron rule with learning rate 1 moves w, never the weights in the pocket.
        w = update(w, points[i], int(targets[i]))
        # 3. Weights with fewer mistakes on all points replace those in the pocket.
        mistakes = int((predict(w, points) != targets).sum())
        if mistakes < fewest:
            best, fewest = w, mistakes
    return best, fewest


def best_output(targets: Sequence[float], slope: Callable[[float, float], float]) -> float:
    """The output with the smallest total loss for inputs that are all equal but differ in their targets.

    A network gives equal inputs the same output y. The total loss is smallest where its derivative in y is 0:
    below, the derivative is negative, above, it is positive.

    Args:
        targets: n numbers from 0 to 1.
        slope: slope(y, t) is the derivative of the loss in the output y, 0 < y < 1, for target t; it grows
            with y.

    Returns:
        y, to 12 digits; 1 if the total derivative is negative everywhere.
    """
    # 1. The minimum lies between 0 and 1.
    low, high = 0.0, 1.0
    # 2. Halve the range 40 times: if the total derivative in the middle is negative, y is above, else below.
    for _ in range(40):
        middle = (low + high) / 2
        if sum(slope(middle, t) for t in targets) < 0:
            low = middle
        else:
            high = middle
    return high
