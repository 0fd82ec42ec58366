"""Checks of chapter 1: oracles are the rules written out in whole numbers, without arrays."""

import numpy as np

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

EXACT = Tolerance(1e-12, 1e-12, "three sums and products of float64")


def update_by_hand(w, x, target, learning_rate=1.0):
    """The perceptron rule, coordinate by coordinate."""
    s = w[0] + sum(a * b for a, b in zip(w[1:], x, strict=True))
    answer = 1 if s >= 0 else 0
    if answer == target:
        return np.array(w, float)
    sign = 1 if target == 1 else -1
    extended = [1, *x]
    return np.array([a + sign * learning_rate * b for a, b in zip(w, extended, strict=True)])


def perceptron_update(ladder: Ladder) -> None:
    """Right and wrong answers of both classes, on the line itself, several sizes; then OR."""
    # 1. Cases small enough to work by hand, then random ones.
    cases = [
        case((-1.5, 0, 2), (1, 0), 0),
        case((-1.5, 0, 2), (1, 1), 0),
        case((-1.5, 0, 2), (1, 0), 1),
        case((0, 1, -1), (2, 2), 1),
        case((0, 1, -1), (2, 2), 0, learning_rate=0.5),
    ]
    rng = np.random.default_rng(0)
    for d in (1, 3, 5):
        for target in (0, 1):
            w, x = rng.normal(size=d + 1).round(2), rng.normal(size=d).round(2)
            cases.append(case(w, x, target, learning_rate=0.1))
    ladder.agrees(cases, update_by_hand, EXACT)
    # 2. The rule depends on the data alone: showing a point that is right twice moves nothing.
    w = ladder.subject(np.array([-0.5, 1.0, 1.0]), np.array([1.0, 1.0]), 1)
    ladder.same(
        "A point that is right leaves the weights where they are, which", w, np.array([-0.5, 1, 1]), EXACT
    )
    # 3. Shown the OR function again and again, it must end with all four points right.
    points, targets = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 1]
    w, mistakes = np.array([0.5, -1.0, -1.0]), 4
    for _ in range(30):
        mistakes = 0
        for x, target in zip(points, targets, strict=True):
            new = ladder.subject(w, np.array(x, float), target)
            mistakes += not np.array_equal(new, w)
            w = new
        if not mistakes:
            break
    ladder.trains(
        f"OR was to be learned within 30 passes; {mistakes} mistakes a pass are left.", not mistakes
    )


def case(w, x, target, **kwargs) -> Case:
    """One update, told in full."""
    rate = f", learning_rate = {kwargs['learning_rate']}" if kwargs else ""
    numbers = ", ".join(f"{v:g}" for v in w), ", ".join(f"{v:g}" for v in x)
    about = f"w = ({numbers[0]}), x = ({numbers[1]}), target = {target}{rate}"
    return Case(about, (np.array(w, float), np.array(x, float), target), kwargs)
