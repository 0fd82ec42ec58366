"""Sections of a report about a game of two networks: where it stood, who judged, what was made."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from gradschool.evals.generation import collapse
from gradschool.evals.generation.coverage import SURE, Coverage
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Material

Curve = tuple[list[float], list[float]]


def game(m: Material[Any], end: tuple[float, float | None], is_answer: bool) -> Section | None:
    """Losses beside what they are at the end of the game, answers, and what was named on the way.

    Args:
        m: of the run.
        end: both losses where nobody can tell real from generated; None where any value will do.
        is_answer: D is a probability, 1/2 at the end.
    """
    lines = [line for line in m.lines if "errD" in line]
    if not lines:
        return None
    drawn = []
    for name, whose, at in (("errD", "discriminator", end[0]), ("errG", "generator", end[1])):
        ends = {} if at is None else {"end of the game": level(lines, at)}
        drawn.append(charts.curves({"played": curve(lines, name), **ends}, f"{name}, {whose}", "step"))
    answers = {"D(x)": curve(lines, "D(x)"), "D(G(z))": curve(lines, "D(G(z)) before")}
    answers |= {"end of the game": level(lines, 0.5)} if is_answer else {}
    drawn.append(charts.curves(answers, "what D says", "step"))
    both = {name: curve(lines, f"D(G(z)) {name}") for name in ("before", "after")}
    drawn.append(charts.curves(both, "D(G(z)) before and after D's step", "step"))
    drawn += [
        charts.curves({title: curve(lines, name)}, title, "step")
        for name, title in (
            ("distance", "distance of the losses from the end"),
            ("diversity", "spread of pictures, real = 1"),
            ("slope", "slope of the critic, 1 is wanted"),
        ) if name in lines[0]
    ]  # fmt: skip
    reading = (
        "Neither loss tells how good the pictures are: at the end of the game the discriminator can only "
        "guess, and the losses lie on the dashed lines."
    )
    named = [html.paragraph(f"Step {s.step}: {s.name}: {s.told}") for s in collapse.read(lines, end[0])]
    return Section("The game", reading, html.join([*named, html.charts(drawn)]))


def curve(lines: Sequence[Mapping[str, Any]], name: str) -> Curve:
    """A logged quantity over steps."""
    return [line["step"] for line in lines], [line[name] for line in lines]


def level(lines: Sequence[Mapping[str, Any]], value: float) -> Curve:
    """A constant over the same steps."""
    return [lines[0]["step"], lines[-1]["step"]], [value, value]


def slopes(found: Mapping[str, Float[np.ndarray, " n"]]) -> Section:
    """How steep the discriminator is: at real pictures, at generated ones, between them."""
    reading = (
        "The norm of the gradient of the score by the picture. A gradient penalty holds it near 1 between "
        "real and generated pictures, clipped weights make it small, and nothing at all lets it grow."
    )
    return Section("Slope of the discriminator", reading, charts.histogram(found, "gradient norm"))


def covered(found: Coverage, classes: Sequence[str], judge: str) -> Section:
    """How many pictures of each class were made, as a frozen classifier sees them.

    Args:
        found: what it counted.
        classes: their names.
        judge: who counted, in words.
    """
    rows = [(name, count, Bar(count / found.n)) for name, count in zip(classes, found.counts, strict=True)]
    reading = f"{found.n:,} new pictures, sorted by {judge}; an answer counts from {100 * SURE:.0f} % on."
    told = (
        f"{found.covered} of {len(classes)} classes are covered; {100 * found.sure:.1f} % of the pictures "
        f"are surely of one. The classes lie {found.divergence:.3f} nats (KL) from those of the training set."
    )
    if found.obeyed is not None:
        told += f" {100 * found.obeyed:.1f} % are of the class that was asked for."
    table = html.table(("class", "pictures", "share, %"), rows, "Sure pictures of each class")
    return Section("Modes", reading, html.join([html.paragraph(told), table]))
