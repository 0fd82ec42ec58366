"""Sections of a report about a network that reads a formal language."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from torch import Tensor

from gradschool.data.text.formal.machine import Machine
from gradschool.evals.language.dynamics import Cloud, Extraction
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Material
from gradschool.evals.report.text.hidden import lines, plane, space


@dataclass(frozen=True)
class Step:
    """What a network says after a symbol of a string.

    Args:
        symbol: that was read.
        p: probabilities of the answers.
        legal: which of them are legal.
        following: the right answer; "" where there is none.
        note: why this step is worth a look, or "".
    """

    symbol: str
    p: Sequence[float]
    legal: Sequence[bool]
    following: str
    note: str


@dataclass(frozen=True)
class FormalFacts(Facts):
    """What is shown of a network that reads a formal language, besides what any report shows.

    Args:
        machine: that wrote the strings.
        answers: that the network chooses from.
        steps: along one string.
        cloud: hidden states along many strings.
        cells: of an LSTM along `cell_text`, (t, cells); None for other networks.
        cell_text: the string.
        counted: n -> whether the string of that n is right, for languages that count.
        highest: the largest n of training.
        extractions: automata, for languages with finitely many states.
        true_states: of the smallest automaton of the language.
    """

    machine: Machine | None = None
    answers: Sequence[str] = ()
    steps: Sequence[Step] = ()
    cloud: Cloud | None = None
    cells: Float[Tensor, "t h"] | None = None
    cell_text: str = ""
    counted: dict[int, bool] = field(default_factory=dict)
    highest: int = 0
    extractions: Sequence[Extraction] = ()
    true_states: int = 0


def predictions(m: Material[FormalFacts]) -> Section | None:
    """The network's answers beside the symbols of one string."""
    if not m.facts.steps or len(m.facts.answers) > 10:
        return None
    rows = [
        (step.symbol, *(number(p, legal) for p, legal in zip(step.p, step.legal, strict=True)),
         step.following, Markup("<b>{}</b>").format(step.note) if step.note else "")
        for step in m.facts.steps
    ]  # fmt: skip
    head = ("read", *(f"P({answer})" for answer in m.facts.answers), "right", "")
    reading = (
        "One line for each symbol, from top to bottom: the symbol that the network has just read, and the "
        "probability that it gives to every answer. Legal answers are bold."
    )
    return Section("Predictions", reading, html.table(head, rows, "Predictions beside the string"))


def number(p: float, is_legal: bool) -> Markup:
    """A probability; bold where the answer is legal."""
    return Markup("<b>{}</b>" if is_legal else "{}").format(f"{p:.2f}")


def states(m: Material[FormalFacts]) -> Section | None:
    """Hidden states in the plane and in space, coloured by the state of the true machine."""
    if m.facts.cloud is None or m.facts.machine is None:
        return None
    figures = [plane(m.facts.cloud, m.facts.machine)]
    if m.facts.cloud.points.shape[1] > 2:
        figures.append(space(m.facts.cloud, m.facts.machine))
    alt = "Hidden states coloured by the state of the machine, with arrows for the symbols"
    hidden = m.facts.cloud.points.shape[1]
    shown = "the hidden units themselves" if hidden <= 3 else "principal components of the hidden units"
    reading = (
        f"A point for each symbol that was read, at the values of the {hidden} hidden units ({shown}). "
        "Colours and names are states of the machine that wrote the strings; an arrow with a symbol is a "
        "transition between the means of two states. Points of one state that lie together mean that the "
        "network has found the state."
    )
    return Section("Hidden states", reading, html.charts([charts.svg(figure, alt) for figure in figures]))


def cells(m: Material[FormalFacts]) -> Section | None:
    """The cell states of an LSTM along a string."""
    if m.facts.cells is None or m.facts.cells.shape[1] > 8:
        return None
    figure = lines(m.facts.cells.numpy(), m.facts.cell_text, "cell state")
    alt = f"Cell states of {m.facts.cells.shape[1]} cells along {m.facts.cell_text}"
    reading = (
        "The cell states along two strings that differ in what has to be remembered, drawn one after the "
        "other. A cell whose values stay apart from the second symbol on carries the memory."
        if " " in m.facts.cell_text
        else "The cell states along one string."
    )
    return Section("Cell states", reading, html.charts([charts.svg(figure, alt)]))


def automaton(m: Material[FormalFacts]) -> Section | None:
    """Automata that were read out of the hidden states."""
    if not m.facts.extractions or m.facts.machine is None:
        return None
    # 1. All widths, and the best automaton as a table.
    best = max(m.facts.extractions, key=lambda each: each.alike)
    rows = [(f"{each.width:.2f}", each.clusters, len(each.automaton), f"{100 * each.alike:.1f} %")
            for each in m.facts.extractions]  # fmt: skip
    head = ("width", "clusters", "states of the minimal automaton", "agrees with the true one")
    widths = html.table(head, rows, f"{best.tested} strings, half of them with one symbol changed")
    # 2. Its transitions.
    to = [
        (f"{i}{' (accepts)' if accepts else ''}", *("" if each < 0 else str(each) for each in row))
        for i, (row, accepts) in enumerate(
            zip(best.automaton.to.tolist(), best.automaton.accepting.tolist(), strict=True)
        )
    ]
    table = html.table(("state", *m.facts.machine.symbols), to, f"The automaton at width {best.width:.2f}")
    shown = table if len(to) <= 30 else Markup("")
    reading = (
        "Hidden states are clustered, symbols lead from cluster to cluster, and the automaton is minimised. "
        "The width is the largest distance within a cluster, as a share of the diameter of all of them. "
        f"The smallest automaton of the language has {m.facts.true_states} states."
    )
    return Section("Extracted automaton", reading, html.join([widths, shown]))


def scores(m: Material[FormalFacts]) -> Section | None:
    """For languages that count: which n are right, within and beyond training."""
    if not m.facts.counted:
        return None
    right = [n for n, is_right in m.facts.counted.items() if is_right]
    wrong = [n for n in m.facts.counted if n not in right]
    rows = [("n of training", f"1 to {m.facts.highest}"), ("right", spans(right)), ("wrong", spans(wrong))]
    reading = (
        "Each string is given twice, one after the other. It is right if the network predicts every symbol "
        "that is determined: the rest of the string, its end, and the start of the next."
    )
    return Section("Counting", reading, html.table(("", "n"), rows, "Strings by n", words=2))


def spans(numbers: Sequence[int]) -> str:
    """Whole numbers in order, runs shortened: 1 to 4, 7."""
    cuts = np.split(np.array(numbers, int), np.flatnonzero(np.diff(numbers) > 1) + 1)
    told = [f"{cut[0]}" if len(cut) == 1 else f"{cut[0]} to {cut[-1]}" for cut in cuts if len(cut)]
    return ", ".join(told) or "none"
