"""Figures of the coursework: dots and lines of an encoder, and hidden states of recurrent networks."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup
from matplotlib.figure import Figure

from gradschool.classroom.coursework.frame import Shown
from gradschool.evals.report import html
from gradschool.evals.report.text import formal
from gradschool.evals.report.text.formal import FormalFacts
from gradschool.evals.report.text.hidden import COLOURS, lines, plane, space
from gradschool.scratch.arrays import Array
from gradschool.scratch.neurons import encoders


def squares(drawn: Sequence[tuple[str, Array, Array]], columns: int = 4) -> Figure:
    """One square for each network: its dots, and the line of each output.

    Args:
        drawn: title, places of the dots (n, 2), lines (k, 3).
        columns: squares side by side.
    """
    rows = -(-len(drawn) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.5 * rows), layout="constrained")
    for i, (title, points, outputs) in enumerate(drawn):
        ax = figure.add_subplot(rows, columns, i + 1)
        for line in outputs:
            ends = encoders.segment(line)
            if ends is not None:
                ax.plot(*ends.T, color="#8899aa", linewidth=0.8)
        ax.plot(*points.T, "o", color=COLOURS[1], markersize=5)
        ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xticks=[], yticks=[], aspect="equal")
        ax.set_title(title, fontsize=9)
    return figure


def over_epochs(drawn: Sequence[tuple[str, Array, Array]]) -> Shown:
    """The 9-2-9 encoder at several epochs."""
    told = "A dot for each of nine inputs, at the values of the two hidden units; a line for each output, on "
    told += "one side of which it answers 1. The network is the same in all squares."
    return Shown("encoder-9-2-9", "The 9-2-9 encoder over the epochs", told, squares(drawn))


def pictures(tables: Mapping[str, Array], learnt: Mapping[str, encoders.Pictures]) -> Shown:
    """The best network of each table."""
    drawn = []
    for name, made in learnt.items():
        best = int(made.losses.argmin())
        drawn.append(
            (
                f"{name}, {tables[name].shape[0]} x {tables[name].shape[1]}",
                made.points[best],
                made.lines[best],
            )
        )
    told = "What a network makes of each table: the one of the least loss. A picture may come out rotated, "
    told += "mirrored or bent, for a table only says on which side of which line a dot lies."
    return Shown("pictures", "Pictures from tables", told, squares(drawn, 3))


def dynamics(name: str, title: str, facts: FormalFacts) -> list[Shown]:
    """Hidden states in the plane, in space, and cell states; the predictions as a table below the first."""
    assert facts.cloud is not None and facts.machine is not None
    told = "A point for each symbol that was read, coloured by the state of the grammar; arrows are symbols."
    shown = [Shown(name, title, told, plane(facts.cloud, facts.machine), notes=[beside(facts)])]
    if facts.cloud.points.shape[1] > 2:
        said = "The same in space: three hidden units, or three principal components of more."
        shown.append(Shown(f"{name}-space", f"{title}, in space", said, space(facts.cloud, facts.machine)))
    if facts.cells is not None:
        said = "The cell states along two strings that differ in the symbol that is to be remembered."
        figure = lines(facts.cells.numpy(), facts.cell_text, "cell state")
        shown.append(Shown(f"{name}-cells", f"{title}, cell states", said, figure))
    return shown


def beside(facts: FormalFacts) -> Markup:
    """Predictions beside the symbols of a string."""
    rows = [(step.symbol, *(formal.number(p, legal) for p, legal in zip(step.p, step.legal, strict=True)),
             step.following, step.note) for step in facts.steps]  # fmt: skip
    head = ("read", *(f"P({answer})" for answer in facts.answers), "right", "")
    return html.table(head, rows, "Predictions beside the string")
