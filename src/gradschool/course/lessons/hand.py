"""Sheets of hand exercises on perceptrons: drawn by a seed, marked step by step, any right answer counts.

After the tutorial of week 1 of COMP9444 (UNSW). A step is marked with what you answered before: if the hidden
unit is unusual, but right, the output is judged with it. `gradschool hand trace 7` asks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.neurons.limits import best_output
from gradschool.scratch.neurons.logic import truth_table
from gradschool.scratch.neurons.perceptron import predict, train, weighted_sum

Reply = Sequence[float]


@dataclass(frozen=True)
class Task:
    """One step of a sheet.

    Args:
        ask: what to work out, and which numbers to give.
        numbers: how many.
        judge: from the replies so far, this one last, what is wrong in one sentence; "" if it is right.
    """

    ask: str
    numbers: int
    judge: Callable[[Sequence[Reply]], str]


@dataclass(frozen=True)
class Sheet:
    """A hand exercise: what is given, and its steps in order."""

    text: str
    tasks: tuple[Task, ...]


def mark(sheet: Sheet, replies: Sequence[Reply]) -> list[str]:
    """Mark the steps answered so far: one sentence each, "right" or what is wrong."""
    remarks = []
    for i, (task, reply) in enumerate(zip(sheet.tasks, replies, strict=False)):
        # 1. How many numbers come first: the judges count on it.
        few = f"{task.numbers} numbers were asked for, {len(reply)} came"
        # 2. Then the judge of this step, who sees all replies up to it.
        remarks.append(few if len(reply) != task.numbers else task.judge(replies[: i + 1]) or "right")
    return remarks


def misfit(weights: Reply, rows: Array, wanted: Array) -> str:
    """The first row that a perceptron gets wrong, with its sum; "" if there is none."""
    # 1. All rows at once.
    w = np.asarray(weights, float)
    wrong = np.flatnonzero(predict(w, rows) != wanted)
    if not len(wrong):
        return ""
    # 2. Tell the first.
    row = rows[wrong[0]]
    return f"{point(row)} should give {int(wanted[wrong[0]])}, but its sum is {float(weighted_sum(w, row)):g}"


def fires(rows: Array, wanted: Array) -> Callable[[Sequence[Reply]], str]:
    """A judge of weights: they must give what is wanted in every row."""
    return lambda replies: misfit(replies[-1], rows, wanted)


def near(y: float, told: str) -> Callable[[Sequence[Reply]], str]:
    """A judge of one number, to two digits."""
    return lambda replies: "" if np.isclose(replies[-1][0], y, atol=5e-3) else told


def point(values: Sequence[float] | Array) -> str:
    """Numbers as (a, b, c)."""
    return "(" + ", ".join(f"{v:g}" for v in values) + ")"


def line(rng: np.random.Generator) -> Sheet:
    """Weights of any line between three points."""
    # 1. Points that a line separates.
    points, targets, _ = separable(rng)
    shown = ", ".join(f"{point(p)}{'+' if t else '-'}" for p, t in zip(points, targets, strict=True))
    # 2. Right is what separates.
    rows, wanted = np.array(points, float), np.array(targets)
    task = Task("w0, w1, w2 of a line between them", 3, fires(rows, wanted))
    return Sheet(f"Draw the points {shown}.", (task,))


def separable(rng: np.random.Generator) -> tuple[list[tuple[int, ...]], list[int], list[float]]:
    """Three points on a grid, both classes, and first weights from which the rule takes 6 to 14 steps."""
    while True:
        points = [tuple(int(v) for v in p) for p in rng.integers(-1, 4, (3, 2))]
        targets = [int(t) for t in rng.integers(0, 2, 3)]
        weights = [float(v) / 2 for v in rng.integers(-4, 5, 3)]
        trace = train(points, targets, weights, max_steps=15)
        if len(set(points)) == 3 and len(set(targets)) == 2 and 6 <= len(trace.steps) <= 14:
            return points, targets, weights


def trace(rng: np.random.Generator) -> Sheet:
    """The table of the perceptron rule, one row a step."""
    # 1. The table as it should be.
    points, targets, weights = separable(rng)
    rows = train(points, targets, weights).steps

    # 2. A row is marked from the weights that the learner wrote in the row before.
    def judge(replies: Sequence[Reply]) -> str:
        row, w = rows[len(replies) - 1], (weights if len(replies) == 1 else replies[-2][1:])
        again = train([row.point], [row.target], w, max_steps=1).steps[0]
        if not np.isclose(replies[-1][0], again.s):
            return f"the sum of {point(row.point)} with {point(w)} is {again.s:g}"
        sign = "+" if row.target else "-"
        verb = {"none": "right, so the weights stay", "add": "too low: add", "subtract": "too high: subtract"}
        told = f"{again.s:g} for a point of class {sign} is {verb[again.action]} {point((1, *row.point))}"
        return "" if np.allclose(replies[-1][1:], again.weights) else told

    # 3. One task a row.
    ask = "row {}: {}{}; the sum, then w0, w1, w2 after this row"
    tasks = [Task(ask.format(r.number, point(r.point), "+" if r.target else "-"), 4, judge) for r in rows]
    return Sheet(
        f"Learning rate 1, w = {point(weights)}. All are right after {len(rows)} rows.", tuple(tasks)
    )


def literals(rng: np.random.Generator) -> Sheet:
    """An OR of some variables and some negations, then the AND of the same."""
    # 1. Which are negated.
    n = int(rng.integers(2, 5))
    negated = rng.integers(0, 2, n).astype(bool)
    names = ", ".join(f"{'not ' if no else ''}x{k}" for k, no in enumerate(negated, 1))
    # 2. Truth, row by row.
    rows = truth_table(n)
    holds = rows.astype(bool) != negated
    wanted = {"OR": holds.any(1).astype(int), "AND": holds.all(1).astype(int)}
    tasks = [Task(f"w0 to w{n} of their {name}", n + 1, fires(rows, y)) for name, y in wanted.items()]
    return Sheet(f"Literals: {names}.", tuple(tasks))


def formula(rng: np.random.Generator) -> Sheet:
    """Two layers for a formula in conjunctive normal form: the hidden units in order, then the output."""
    # 1. Two or three clauses over three variables.
    rows, m = truth_table(3), int(rng.integers(2, 4))
    clauses = [
        [int(k) * int(rng.choice([-1, 1])) for k in sorted(rng.choice(3, int(rng.integers(1, 4)), False) + 1)]
        for _ in range(m)
    ]
    words = " and ".join(
        "(" + " or ".join(("" if k > 0 else "not ") + "ABC"[abs(k) - 1] for k in clause) + ")"
        for clause in clauses
    )
    # 2. Each hidden unit on its own; the output sees all of them.
    units = [(np.stack([rows[:, abs(k) - 1] == (k > 0) for k in c]).any(0)).astype(int) for c in clauses]
    corners = truth_table(m)
    tasks = [Task(f"w0, wA, wB, wC of unit {i}", 4, fires(rows, y)) for i, y in enumerate(units, 1)]
    output = Task(
        f"w0 to w{m} of the output, from the units", m + 1,
        fires(corners, corners.all(1).astype(int)),
    )  # fmt: skip
    return Sheet(f"A net for {words}.", (*tasks, output))


def shortcut(rng: np.random.Generator) -> Sheet:
    """XOR or its opposite with one hidden unit, the inputs going straight to the output as well."""
    # 1. Which of the two.
    same = int(rng.integers(0, 2))
    rows = truth_table(2)
    wanted = (rows.sum(1) == 1).astype(int) ^ same

    # 2. The output is judged with the hidden unit that the learner chose.
    def judge(replies: Sequence[Reply]) -> str:
        hidden = predict(np.asarray(replies[0], float), rows)
        return misfit(replies[-1], np.column_stack([rows, hidden]), wanted)

    def useful(replies: Sequence[Reply]) -> str:
        ones = int(predict(np.asarray(replies[-1], float), rows).sum())
        return "" if ones in (1, 3) else f"it fires in {ones} of 4 rows: no output can make use of that"

    tasks = (
        Task("w0, w1, w2 of the hidden unit h", 3, useful),
        Task("w0, w1, w2, wh of the output", 4, judge),
    )
    name = ("XOR", "XNOR (1 where the inputs are equal)")[same]
    return Sheet(f"{name} of x1, x2 with one hidden unit and shortcuts.", tasks)


def alike(rng: np.random.Generator) -> Sheet:
    """Ten inputs that are all the same, with different targets: what will the output be?"""
    # 1. How many of them have target 1.
    ones = int(rng.integers(1, 10))
    targets = [1.0] * ones + [0.0] * (10 - ones)
    # 2. The least total loss, found numerically under either loss.
    slopes = {"squared error": lambda y, t: y - t, "cross-entropy": lambda y, t: (y - t) / (y * (1 - y))}
    tasks = []
    for name, slope in slopes.items():
        y = best_output(targets, slope)
        told = f"set the slope of the total loss to 0: {ones} terms pull up, {10 - ones} pull down"
        tasks.append(Task(f"the output that minimises the {name}", 1, near(y, told)))
    return Sheet(f"Ten inputs, all alike; {ones} have target 1, {10 - ones} have target 0.", tuple(tasks))


SHEETS = {f.__name__: f for f in (line, trace, literals, formula, shortcut, alike)}
