"""The perceptron and its learning rule, with every step written down.

Source: Rosenblatt 1958; convergence in a finite number of steps on separable points: Novikoff 1962. Weights
are (w0, w1, ..., wd): the bias first, as the weight of an input that is always 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.neurons.neuron import step


@dataclass(frozen=True)
class Step:
    """One row of the trace: the point shown, its weighted sum, what was done, and the weights after.

    Args:
        number: counted from 1.
        point, target: what was shown; target 0 or 1.
        s: weighted sum before the update.
        action: "none", "add" or "subtract".
        weights: after the update, bias first.
    """

    number: int
    point: tuple[float, ...]
    target: int
    s: float
    action: str
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Trace:
    """All steps of a training, and whether it ended with every point right."""

    steps: tuple[Step, ...]
    converged: bool

    @property
    def weights(self) -> Array:
        """The last weights, bias first."""
        return np.array(self.steps[-1].weights)

    def table(self) -> str:
        """The trace as the table one writes by hand."""
        lines = ["step  point          target  sum      action    weights"]
        for row in self.steps:
            point, weights = (
                "(" + ", ".join(f"{v:g}" for v in values) + ")" for values in (row.point, row.weights)
            )
            sign = "+" if row.target else "-"
            lines.append(f"{row.number:4}  {point:14} {sign:6}  {row.s:<+7g}  {row.action:8}  {weights}")
        return "\n".join(lines)


def weighted_sum(w: Array, x: Array) -> Array:
    """Weighted sum s = w0 + w1 x1 + ... + wd xd of each point.

    Args:
        w: (d + 1,), bias first.
        x: (..., d).

    Returns:
        (...): 0 on the decision boundary, above 0 on the side that the weights point to.
    """
    # 1. The part of the inputs.
    s = np.asarray(x) @ np.asarray(w)[1:]
    # 2. The bias.
    s = s + w[0]
    return np.asarray(s)


def predict(w: Array, x: Array) -> Array:
    """Class of each point, 1 where the weighted sum is at least 0, else 0; shapes as `weighted_sum`."""
    s = weighted_sum(w, x)
    return step(s)


def update(w: Array, x: Array, target: int, learning_rate: float = 1.0) -> Array:
    """One step of the perceptron learning rule: w plus learning_rate times error times (1, x).

    The error is the target minus the answer: 0, 1 or -1. A right answer leaves the weights as
    they are.

    Args:
        w: weights before the step, (d + 1,), bias first.
        x: one point, (d,), without the constant 1.
        target: the right answer, 0 or 1.
        learning_rate: size of the step, > 0.

    Returns:
        Weights after the step, (d + 1,); w itself is not changed.
    """
    # 1. The answer of the perceptron, 0 or 1.
    answer = predict(w, x)
    # 2. The extended input: the constant 1 that belongs to the bias, then x.
    extended = np.concatenate([[1.0], x])
    # 3. Answer too low: add the extended input. Too high: subtract it. Right: the difference is 0.
    new: Array = w + learning_rate * (target - answer) * extended
    return new


def train(
    points: Sequence[Sequence[float]],
    targets: Sequence[int],
    weights: Sequence[float],
    learning_rate: float = 1.0,
    max_steps: int = 10_000,
) -> Trace:
    """Show the points in turn, again and again, until all are right one after the other.

    Args:
        points: n points of d coordinates.
        targets: n right answers, 0 or 1.
        weights: d + 1 to start from, bias first.
        learning_rate: size of a step, > 0.
        max_steps: most rows of the trace; on points that no line separates the rule never ends by itself.

    Returns:
        One `Step` for each point shown, counted from 1, and `converged`: whether the last n answers are all
        right. A step holds the weighted sum before its update and the weights after it; its action is "none",
        "add" or "subtract".

    Raises:
        ValueError: no points, or numbers of points, targets, weights do not fit.
    """
    # 1. Refuse what does not fit.
    if not len(points) or len(points) != len(targets) or len(weights) != len(points[0]) + 1:
        raise ValueError(
            f"{len(points)} points, {len(targets)} targets, {len(weights)} weights; wanted a target for each "
            "point and one weight more than coordinates. Did you forget the bias?"
        )
    # 2. One point in each step; it ends after as many right answers in a row as there are points.
    w, right, steps = np.array(weights, float), 0, []
    for number in range(1, max_steps + 1):
        x, target = np.asarray(points[(number - 1) % len(points)], float), targets[(number - 1) % len(points)]
        s = float(weighted_sum(w, x))
        after = update(w, x, target, learning_rate)
        right = right + 1 if np.array_equal(after, w) else 0
        action = "none" if right else "add" if target else "subtract"
        w = after
        steps.append(Step(number, tuple(x.tolist()), target, s, action, tuple(w.tolist())))
        if right == len(points):
            break
    return Trace(tuple(steps), right == len(points))
