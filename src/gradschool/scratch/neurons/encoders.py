"""N-2-K networks: two hidden units place every input in a square, and every output draws a line through it.

After the encoder task of COMP9444 (UNSW): star16 is its own table; heart18 and ch34 are on a grid, worked out
from published answers to the task; house and fish are our own. Inputs are one-hot, so a hidden unit's weights
are coordinates of the dots, and a hidden bias would only move all of them; it is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.backpropagation.descent import Adam
from gradschool.scratch.backpropagation.loss import sigmoid

HEART = (
    (0, 0), (6, 0), (6, 8), (0, 8), (3, 1), (4, 1), (2, 2), (5, 2), (1, 3), (5, 3), (0, 4), (4, 4), (1, 5),
    (5, 5), (2, 6), (5, 6), (3, 7), (4, 7),
)  # fmt: skip
CHINA = (
    (0, 0), (9, 0), (9, 14), (0, 14), (0, 7), (5, 1), (4, 2), (3, 3), (2, 4), (3, 5), (4, 6), (4, 7), (4, 8),
    (3, 9), (2, 10), (1, 10), (1, 11), (1, 12), (2, 13), (3, 12), (4, 11), (5, 12), (6, 12), (7, 12), (8, 11),
    (8, 10), (8, 9), (8, 8), (8, 7), (7, 6), (7, 5), (7, 4), (7, 3), (6, 2),
)  # fmt: skip
HOUSE = ((0, 0), (2, 0), (4, 0), (0, 2), (4, 2), (1, 1), (3, 1), (1, 3), (3, 3), (2, 4))
FISH = (
    (0, 1), (0, 5), (1, 2), (1, 4), (2, 3), (3, 2), (3, 4), (4, 1), (4, 5), (5, 0), (5, 6), (6, 1), (6, 5),
    (7, 2), (7, 4), (8, 3), (6, 3),
)  # fmt: skip


def star(n: int) -> Array:
    """The table of a star with n tips, drawn by n lines: a dot between any two tips, a dot beyond each tip.

    Args:
        n: lines, 5 or more; star(8) is star16.

    Returns:
        (2 n, n) of 0 and 1: row i < n is beyond lines i and i + 1, row n + i beyond i - 1, i and i + 1.
        The line after the last is line 0.
    """
    # 1. Between two tips: beyond two lines.
    lines = np.eye(n, dtype=int)
    between = lines + np.roll(lines, 1, axis=1)
    # 2. Beyond the tip where lines i - 1 and i + 1 meet: one line more.
    beyond = between + np.roll(lines, -1, axis=1)
    return np.concatenate([between, beyond])


def grid(dots: Sequence[tuple[int, int]]) -> Array:
    """The table of a picture on squared paper, with a line between any two neighbouring columns and rows.

    Args:
        dots: (column, row) of each dot, whole numbers from 0.

    Returns:
        (dots, lines) of the whole numbers 0 and 1. First the upright lines from left to right: 1 if the dot's
        column is larger than i for line i. Then the level lines: 1 if the dot's row is larger. The largest
        column and row have no line beyond them.
    """
    place = np.array(dots)
    columns, rows = place.max(axis=0)
    # 1. Line i lies between columns i and i + 1.
    right = place[:, :1] > np.arange(columns)
    # 2. The same for rows.
    beyond = place[:, 1:] > np.arange(rows)
    # 3. Upright lines first, then level ones.
    return np.concatenate([right, beyond], axis=1).astype(int)


def designs() -> dict[str, Array]:
    """The named pictures, each a table (dots, lines)."""
    tables = {"star16": star(8), "heart18": grid(HEART), "ch34": grid(CHINA)}
    return tables | {"house10": grid(HOUSE), "fish17": grid(FISH)}


def sides(points: Array, lines: Array) -> Array:
    """Which dots are on the positive side of which line.

    Args:
        points: (..., n, 2), hidden values of the inputs, each from -1 to 1.
        lines: (..., k, 3), bias and two weights of each output: c + a x + b y.

    Returns:
        (..., n, k) of 0 and 1: the outputs, rounded.
    """
    # 1. The weighted sum of each output for each dot.
    logits = lines[..., None, :, 0] + points @ np.swapaxes(lines[..., 1:], -1, -2)
    # 2. Its sign.
    return (logits > 0).astype(int)


def segment(line: Array) -> Array | None:
    """The part of an output's line c + a x + b y = 0 inside the square from -1 to 1.

    Args:
        line: (c, a, b), bias first; a and b are not both 0.

    Returns:
        The two ends (x, y), (2, 2), each coordinate from -1 to 1. Seen from the first end towards the second,
        the side where c + a x + b y > 0 is on the left. None if the line misses the square or touches
        only a corner.
    """
    c, normal = line[0], np.asarray(line[1:], float)
    # 1. The foot: the point of the line nearest to the centre.
    foot = -c * normal / (normal @ normal)
    # 2. The direction of the line: the normal (a, b), turned to the right by 90 degrees.
    along = np.array([normal[1], -normal[0]])
    # 3. The distance t along the line at which each coordinate is -1, and at which it is 1; it is infinite or
    #    NaN for upright and level lines.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        stops = np.array([(-1 - foot) / along, (1 - foot) / along])
    # 4. The line is in the square while both coordinates are.
    start, end = np.fmin(*stops).max(), np.fmax(*stops).min()
    return None if start >= end else np.stack([foot + start * along, foot + end * along])


def same_picture(a: Array, b: Array) -> bool:
    """Whether two tables are one picture, however it is rotated, mirrored or bent.

    They are if dots and lines can be renamed, and sides of lines exchanged, so that the tables become equal:
    then the same dots are together in the same part of the plane.

    Args:
        a, b: (dots, lines) of 0 and 1.
    """
    # 1. Sides have no names: write 1 where a dot is not on the side of one chosen dot.
    relative = a ^ a[0]
    # 2. Any dot of the other picture may be its counterpart.
    blank = [0] * len(a)
    return a.shape == b.shape and any(matched(relative, b ^ chosen, blank, blank) for chosen in b)


def matched(a: Array, b: Array, of_a: list[int], of_b: list[int]) -> bool:
    """Whether two tables are equal but for the order of rows of the same colour and of columns."""
    # 1. Give different colours to rows that cannot be each other's counterpart.
    of_a, of_b = refined(a, b, of_a, of_b)
    if sorted(of_a) != sorted(of_b):
        return False
    # 2. All rows have a colour of their own: now only columns can be renamed.
    doubles = [colour for colour in of_a if of_a.count(colour) > 1]
    if not doubles:
        left, right = (t[np.argsort(c)].T.tolist() for t, c in ((a, of_a), (b, of_b)))
        return sorted(left) == sorted(right)
    # 3. Else try every counterpart of one row.
    i, new = of_a.index(doubles[0]), len(of_a)
    given = [*of_a[:i], new, *of_a[i + 1 :]]
    tries = [j for j, colour in enumerate(of_b) if colour == doubles[0]]
    return any(matched(a, b, given, [*of_b[:j], new, *of_b[j + 1 :]]) for j in tries)


def refined(a: Array, b: Array, of_a: list[int], of_b: list[int]) -> tuple[list[int], list[int]]:
    """Colour rows by the colours of their columns, and those by their rows', until nothing more differs.

    Source: Weisfeiler and Leman 1968.
    """
    while True:
        keys = []
        for table, colours in ((a, of_a), (b, of_b)):
            # 1. A column is the colours of its rows of 1; a row is its own colour and its columns of 1.
            marks = np.array(colours)
            columns = [tuple(sorted(marks[column == 1].tolist())) for column in table.T]
            for row, colour in zip(table, colours, strict=True):
                keys.append((colour, tuple(sorted(columns[j] for j in np.flatnonzero(row)))))
        # 2. The same numbers for the same kinds, in both tables.
        number = {key: i for i, key in enumerate(sorted(set(keys)))}
        found = [number[key] for key in keys]
        if len(number) == len({*of_a, *of_b}):
            return found[: len(a)], found[len(a) :]
        of_a, of_b = found[: len(a)], found[len(a) :]


@dataclass(frozen=True)
class Pictures:
    """What came of training some nets on one table.

    Args:
        epochs: after which each net had all outputs right, (runs,); -1 if it never had.
        points: places of the dots, (runs, n, 2).
        lines: (runs, k, 3), bias first.
        losses: cross-entropy of the rows and columns, mean, (runs,).
    """

    epochs: Array
    points: Array
    lines: Array
    losses: Array


def train(
    table: Array, runs: int, rng: np.random.Generator, epochs: int = 4000, learning_rate: float = 0.03
) -> Pictures:
    """Train nets side by side, all rows in every step, from dots that are all but at the centre.

    Args:
        table: (n, k) of 0 and 1; row i is what the net should answer to input i.
        runs: how many nets.
        rng: draws the first weights, of deviation 0.01.
        epochs: steps, >= 1.
        learning_rate: Adam's.
    """
    n, k = table.shape
    # 1. First weights; lines begin without bias.
    where, lines = rng.normal(0, 0.01, (runs, n, 2)), rng.normal(0, 0.01, (runs, k, 3))
    lines[..., 0] = 0
    adam, right = Adam(learning_rate), np.full(runs, -1)
    for epoch in range(1, epochs + 1):
        # 2. Dots, outputs, and the loss's gradient in their sums.
        points = np.tanh(where)
        y = sigmoid(lines[:, None, :, 0] + points @ lines[..., 1:].swapaxes(1, 2))
        delta = (y - table) / n
        # 3. Back to lines and dots.
        pull = delta @ lines[..., 1:] * (1 - points**2)
        turn = np.concatenate([delta.sum(1)[..., None], delta.swapaxes(1, 2) @ points], axis=2)
        # 4. Who has all right for the first time?
        right[(right < 0) & ((y > 0.5) == table).all((1, 2))] = epoch - 1
        adam.step([where, lines], [pull, turn])
    losses = -np.log(np.where(table, y, 1 - y)).mean((1, 2))
    return Pictures(right, np.tanh(where), lines, losses)
