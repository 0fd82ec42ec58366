"""Block diagrams of networks, drawn from the network itself.

A box is a stage: its height grows with the resolution of its output, its width with the channels. A network
that shrinks its maps and enlarges them again, with connections across, is drawn as a U; any other from left
to right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle
from matplotlib.path import Path
from torch import nn

from gradschool.classroom.author.stages import Stage, stages

FONT = 9  # points; all lengths below are inches
LINE, LETTER = 0.15, 0.069  # height of a line of text, width of a letter
WIDEST = 6.0  # of a figure, as docs/authoring.md says
GAP = {False: 0.2, True: 0.11}  # between columns, and where there are too many of them
DOT = 0.09  # radius of a merge
TALLEST = {True: 0.9, False: 0.45}  # of a box where all stand in one row, and elsewhere
SIGNS = {"add": "+", "concat": "||", "multiply": "×"}
COLOURS = {"": "black", "add": "C0", "concat": "C2", "multiply": "C1"}
CROWD = 3  # a vector that feeds so many stages (a time, a class) is marked at each by a dot


def draw(
    model: nn.Module,
    shape: Sequence[int],
    *more: Any,
    depth: int = 1,
    by_size: bool = False,
    whole: tuple[type, ...] = (),
    names: Sequence[str] = (),
) -> Figure:
    """A network as boxes and arrows; above a box its operation, below it shape and parameters.

    Args:
        model: any module. Built under `torch.device("meta")`, a large one takes no memory.
        shape: of one input, without the batch axis.
        more: further arguments of `forward`, batches of tensors.
        depth: levels of modules that are opened: 1 for the children of the model, 2 for their children ...
        by_size: whether stages in a row whose maps have the same height and width become one box.
        whole: classes of modules that stay one box at any depth.
        names: what to write above the boxes, in their order, in place of what is found; "" keeps that.
    """
    found = stages(model, shape, *more, depth=depth, by_size=by_size, whole=whole)
    for stage, name in zip(found, names, strict=False):
        stage.label = name or stage.label
    return Diagram(found).figure


class Diagram:
    """Stages, each at a place, and the figure that shows them.

    Args:
        found: the stages in the order in which they run.
    """

    def __init__(self, found: list[Stage]) -> None:
        self.found = found
        self.told = crowds(found)
        self.columns = columns(found, self.told)
        self.across = is_u(found)
        in_a_row = len(set(self.columns.values())) == len(found)
        self.tallest = TALLEST[in_a_row and not self.across]
        self.narrow = False
        self.x = self.centres()
        if self.right() > WIDEST:  # shapes in two lines, columns closer together
            self.narrow = True
            self.x = self.centres()
        self.y = self.levels() if self.across else self.rows()
        self.high = max(self.above(i) for i in self.y)
        self.figure = Figure()
        self.ax = self.figure.add_axes((0, 0, 1, 1))
        for i, stage in enumerate(found):
            for before in stage.inputs.keys() - self.told:
                self.connect(before, i, stage.inputs[before])
        for i in range(len(found)):
            self.box(i)
        self.frame()

    # Sizes.

    def height(self, i: int) -> float:
        """Of a box: the root of its share of the largest side."""
        stage = self.found[i]
        if stage.merge:
            return 2 * DOT
        largest = max((max(s.size) for s in self.found if s.size), default=1)
        return 0.08 + self.tallest * math.sqrt(max(stage.size, default=1) / largest)

    def width(self, i: int) -> float:
        """Of a box: the logarithm of the channels."""
        stage = self.found[i]
        return 2 * DOT if stage.merge else 0.08 + 0.045 * math.log2(max(1, stage.shape[0]))

    def room(self, i: int) -> float:
        """Width of a box with its words."""
        longest = max(len(line) for line in [*words(self.found[i]), *numbers(self.found[i], self.narrow)])
        return max(self.width(i), LETTER * longest)

    def above(self, i: int) -> float:
        """Upper end of a box with its words."""
        return self.y[i] + self.height(i) / 2 + LINE * len(words(self.found[i])) + 0.04

    def right(self) -> float:
        """Right end of the last column."""
        last = len(self.found) - 1
        share = 1 if self.found[last].merge else 0.5  # of its words that stand on its right
        return self.x[self.columns[last]] + share * self.room(last) + 2 * DOT * (share == 1)

    # Places.

    def centres(self) -> dict[int, float]:
        """Horizontal centres of the columns."""
        x, at = {}, 0.0
        for column in range(max(self.columns.values()) + 1):
            room = max(self.room(i) for i, where in self.columns.items() if where == column)
            x[column] = at + room / 2
            at += room + GAP[self.narrow]
        return x

    def levels(self) -> dict[int, float]:
        """Of a U: a level for every resolution, finest first; vectors stand at the lowest."""
        sizes = sorted({stage.size for stage in self.found if stage.size}, reverse=True)
        at, y = 0.0, {}
        for size in sizes:
            mine = next(i for i, stage in enumerate(self.found) if stage.size == size)
            at -= self.height(mine) / 2
            y[size] = at
            at -= self.height(mine) / 2 + 4 * LINE + 0.1
        y[()] = y[sizes[-1]]
        return self.apart({i: y[stage.size] for i, stage in enumerate(self.found)})

    def rows(self) -> dict[int, float]:
        """Branches side by side around the stage that they begin at; where they join, in their middle."""
        step = self.tallest + 4 * LINE + 0.28
        y: dict[int, float] = {}
        for i, stage in enumerate(self.found):
            before = [k for k in stage.inputs if k not in self.told]
            y[i] = sum(y[k] for k in before) / max(1, len(before))
            if len(before) == 1:
                begun = [
                    k
                    for k, other in enumerate(self.found)
                    if before[0] in other.inputs and self.columns[k] == self.columns[i] and not other.merge
                ]
                y[i] += step * ((len(begun) - 1) / 2 - begun.index(i)) if i in begun else 0
        return self.apart(y)

    def apart(self, y: dict[int, float]) -> dict[int, float]:
        """No two stages at one place: the later one moves up."""
        taken: set[tuple[int, float]] = set()
        for i in y:
            while (self.columns[i], round(y[i], 2)) in taken:
                y[i] += self.height(i) + 4 * LINE + 0.2
            taken.add((self.columns[i], round(y[i], 2)))
        return y

    # Ink.

    def box(self, i: int) -> None:
        """A stage: a box or, where it only joins others, a sign in a circle; words above, numbers below."""
        stage, x, y = self.found[i], self.x[self.columns[i]], self.y[i]
        w, h = self.width(i), self.height(i)
        ink = "C3" if i in self.told else "black"
        if stage.merge:
            self.ax.add_patch(Circle((x, y), DOT, facecolor="none", edgecolor=COLOURS[stage.label]))
            self.text(x, y, SIGNS[stage.label], va="center_baseline", color=COLOURS[stage.label])
            if i == len(self.found) - 1:
                self.text(x + DOT + 0.06, y, "\n".join(numbers(stage, self.narrow)), va="center", ha="left")
                return
        else:
            shade = (0, 0, 0, 0.1) if stage.inputs else "none"
            self.ax.add_patch(Rectangle((x - w / 2, y - h / 2), w, h, facecolor=shade, edgecolor=ink))
        if self.told & stage.inputs.keys():
            self.ax.plot(x - w / 2, y + h / 2, "o", color="C3", markersize=4)
        self.text(x, y + h / 2 + 0.04, "\n".join(words(stage)), va="bottom", color=ink)
        self.text(x, y - h / 2 - 0.04, "\n".join(numbers(stage, self.narrow)), va="top")

    def text(self, x: float, y: float, words: str, **how: Any) -> None:
        """Words around a point."""
        self.ax.text(x, y, words, fontsize=FONT, linespacing=1.1, **{"ha": "center"} | how)

    def connect(self, before: int, i: int, how: str) -> None:
        """An arrow from one stage to another, around what stands between them."""
        first, last = self.columns[before], self.columns[i]
        start = (self.x[first] + self.width(before) / 2, self.y[before])
        end = (self.x[last] - self.width(i) / 2, self.y[i])
        left, right = self.edge(first, 1), self.edge(last, -1)
        between = [k for k in self.y if first < self.columns[k] < last]
        points = [start, end]
        if abs(start[1] - end[1]) > 0.05:  # a step, in the gap before a merge or after the stage
            turn = right if self.found[i].merge else left
            points = [start, (turn, start[1]), (turn, end[1]), end]
        elif any(abs(self.y[k] - start[1]) < 0.05 for k in between):  # above everything between
            top = max(self.above(k) for k in between) + 0.08
            self.high = max(self.high, top + 0.05)
            points = [start, (left, start[1]), (left, top), (right, top), (right, end[1]), end]
        elif how and self.across and between:
            self.text((start[0] + end[0]) / 2, start[1] + 0.03, how, va="bottom", color=COLOURS[how])
        head = "-|>,head_length=4,head_width=2"
        path = Path(points)
        self.ax.add_patch(FancyArrowPatch(path=path, arrowstyle=head, color=COLOURS[how], lw=1.1))

    def edge(self, column: int, side: int) -> float:
        """The middle of the gap on a side of a column, -1 for left and 1 for right."""
        room = max(self.room(i) for i, where in self.columns.items() if where == column)
        return self.x[column] + side * (room + GAP[self.narrow]) / 2

    def frame(self) -> None:
        """The figure is as large as what is drawn; one unit is an inch."""
        right = self.right()
        low = min(
            y - self.height(i) / 2 - LINE * len(numbers(self.found[i], self.narrow))
            for i, y in self.y.items()
        )
        self.ax.set(xlim=(-0.05, right + 0.05), ylim=(low - 0.08, self.high + 0.04))
        self.ax.axis("off")
        self.figure.set_size_inches(right + 0.1, self.high - low + 0.12)
        self.figure.patch.set_alpha(0)


def crowds(found: list[Stage]) -> set[int]:
    """Stages that give a vector to many others."""
    fed = [sum(i in stage.inputs for stage in found) for i in range(len(found))]
    return {i for i, stage in enumerate(found) if not stage.size and fed[i] >= CROWD}


def columns(found: list[Stage], told: set[int]) -> dict[int, int]:
    """How many stages lie on the longest path from an input to each stage."""
    made: dict[int, int] = {}
    for i, stage in enumerate(found):
        made[i] = max((made[before] + 1 for before in stage.inputs if before not in told), default=0)
    return made


def is_u(found: list[Stage]) -> bool:
    """Whether a map is added to or concatenated with one of its size from before maps were smaller."""
    return any(
        found[before].size == stage.size and how in ("add", "concat")
        for i, stage in enumerate(found)
        for before, how in stage.inputs.items()
        if any(math.prod(between.size) < math.prod(stage.size) for between in found[before:i] if between.size)
    )


def words(stage: Stage) -> list[str]:
    """What stands above a box, a line each."""
    return [] if stage.merge else re.split(r"(?<=,) | (?=\d+×)", stage.label)


def numbers(stage: Stage, narrow: bool) -> list[str]:
    """What stands below a box, a line each: how it joins, its shape, its parameters.

    A square map is 64×28², in two lines where it must be narrow.
    """
    high, wide = stage.size or (0, 0)
    lines = ["×".join(map(str, stage.shape))]
    if stage.size and high == wide:
        lines = [f"{stage.shape[0]}×", f"{high}²"] if narrow else [f"{stage.shape[0]}×{high}²"]
    return [
        line for line in ([stage.label] if stage.merge else []) + lines + [short(stage.parameters)] if line
    ]


def short(count: int) -> str:
    """1,234 as 1.2k; nothing for none."""
    for unit, name in ((1_000_000, "M"), (1_000, "k")):
        if count >= unit:
            return f"{count / unit:.1f}{name}" if count < 100 * unit else f"{count / unit:.0f}{name}"
    return str(count or "")
