"""Sections of a report about a character-level language model."""

import math
import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from gradschool.evals.language import counting
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.report.text.baselines import beside

VOWELS = "aeiouAEIOU"


@dataclass(frozen=True)
class Next:
    """What a model expects after the beginning of a line: the most probable tokens with probabilities."""

    beginning: str
    times: int
    tokens: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class LineFacts(Facts):
    """What is shown of a model of lines, besides what any report shows.

    Args:
        loss: of the test part, in nats per character; None before the end of a run.
        baselines: the same of n-gram models, by name.
        new: share of new lines that are not in the training part.
        drawn: some new lines.
        parts: name of a part -> its lines.
        following: what the model expects after some beginnings.
        names: the tokens, as they are shown.
        places: of the tokens' vectors in the plane; None where there are none.
        kept: share of the vectors' variance that the plane keeps.
    """

    loss: float | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)
    new: float = 0.0
    drawn: Sequence[str] = ()
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    following: Sequence[Next] = ()
    names: Sequence[str] = ()
    places: Float[np.ndarray, "n 2"] | None = None
    kept: float = 0.0

    def on_top(self) -> list[Figure]:
        """Loss, the best baseline, and how much of what is made is new."""
        if self.loss is None:
            return []
        name, least = counting.best(self.baselines)
        note = f"nats per character; perplexity {math.exp(self.loss):.2f}"
        return [
            Figure(f"{self.loss:.3f}", "test loss", note),
            Figure(f"{least:.3f}", "best baseline", f"{name}; perplexity {math.exp(least):.2f}"),
            Figure(f"{100 * self.new:.0f} %", "new names", "not in the training part"),
        ]


def share_new(drawn: Sequence[str], known: frozenset[str]) -> float:
    """The share of some lines that are not among the known ones, 0 to 1."""
    return sum(text not in known for text in drawn) / len(drawn)


def against(m: Material[LineFacts]) -> Section | None:
    """The network's loss beside that of n-gram models on the same test part."""
    if m.facts.loss is None:
        return None
    about = (
        "The end of a name counts as a character. An n-gram model counts which character follows the n - 1 "
        "characters before it in the training part. The interpolated one mixes them with the counts after "
        "all shorter histories."
    )
    return beside(m.facts.loss, m.facts.baselines, "character", about)


def made(m: Material[LineFacts]) -> Section | None:
    """New lines; those that the model has seen are marked."""
    drawn, parts = m.facts.drawn, m.facts.parts
    if not drawn:
        return None
    # 1. How many are copies, and how many of the others turn out to be real.
    seen = sum(text in parts["train"] for text in drawn)
    held = set().union(*(lines for name, lines in parts.items() if name != "train"))
    real = sum(text in held for text in drawn)
    reading = (
        "Drawn character by character from the final model; nothing was selected. "
        f"{len(drawn) - seen} of {len(drawn)} are new; the others are in the training part and marked with a "
        f"star. Real names of the held-out parts among the new ones: {real}."
    )
    # 2. The lines themselves.
    marked = (
        Markup("<b>{}*</b>").format(t) if t in parts["train"] else Markup("{}").format(t) for t in drawn
    )
    return Section("New names", reading, html.paragraph(Markup(" · ").join(marked)))


def following(m: Material[LineFacts]) -> Section | None:
    """The most probable next characters after some beginnings."""
    if not m.facts.following:
        return None
    # 1. A row for each beginning, the most probable character first.
    most = max(len(one.tokens) for one in m.facts.following)
    rows = [
        (one.beginning or "(the start)", f"{one.times:,}",
         *(f"{token}  {100 * p:.0f} %" for token, p in one.tokens))
        for one in m.facts.following
    ]  # fmt: skip
    # 2. The table.
    head = ("a name begins", "in training", *(f"{i}." for i in range(1, most + 1)))
    reading = (
        "The most probable next characters with their probabilities; ↵ is the end of the name. The second "
        "column is the number of training names that begin like this."
    )
    return Section("Next character", reading, html.table(head, rows, "Most probable next characters"))


def vectors(m: Material[LineFacts]) -> Section | None:
    """The embeddings of the characters in a plane."""
    if m.facts.places is None:
        return None
    alt = f"Embeddings of {len(m.facts.names)} tokens on their first two principal components"
    drawn = words(m.facts.places, m.facts.names, VOWELS, alt)
    reading = (
        "The embeddings of all characters, projected on their first two principal components "
        f"({100 * m.facts.kept:.0f} % of the variance). Vowels are bold; ↵ is the end of a name. Characters "
        "that can replace each other move together. Rare characters stay near their random initial position."
    )
    return Section("Character embeddings", reading, html.charts([drawn]))


def words(places: Float[np.ndarray, "n 2"], names: Sequence[str], bold: Collection[str], alt: str) -> Markup:
    """Points of a plane as their names; those in bold have a colour of their own as well."""
    with charts.style(), warnings.catch_warnings():
        # 1. A name at each place; text alone does not widen the axes.
        figure, ax = charts.panel(4.8, 4.2)
        ax.plot(*places.T, linestyle="")
        for name, (x, y) in zip(names, places, strict=True):
            colour, weight = (charts.SERIES[1], "bold") if name in bold else (charts.SERIES[0], "normal")
            ax.text(
                x,
                y,
                name,
                ha="center",
                va="center",
                fontsize=12,
                color=colour,
                weight=weight,
                parse_math=False,
            )
        ax.set(xticks=[], yticks=[], aspect="equal")
        ax.margins(0.08)
        # 2. The page's fonts draw the text: characters that matplotlib's own lacks are no matter.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        return charts.svg(figure, alt)


def beginnings(texts: Sequence[str], longest: int, each: int = 3) -> list[tuple[str, int]]:
    """The most frequent beginnings of every length from 0 to `longest`, with how many lines begin so."""
    found = [("", len(texts))]
    for length in range(1, longest + 1):
        counts = Counter(text[:length] for text in texts if len(text) >= length)
        found += sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:each]
    return found
