"""Sections of a report about word vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from gradschool.evals.report import html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.report.text import lines as language

OURS, COUNTED = "these vectors", "PPMI + SVD"
TITLES = {"wordsim": "WordSim-353", "simlex": "SimLex-999", "analogies": "analogies, 3CosAdd",
          "analogies_mul": "analogies, 3CosMul"}  # fmt: skip


@dataclass(frozen=True)
class WordFacts(Facts):
    """What is shown of word vectors, besides what any report shows.

    Args:
        measured: name of the vectors -> name of a test -> its score: value, low, high, n, left_out.
        neighbours: frequent words, each with the nearest others and their cosines.
        analogies: "a is to b as c is to", each with the best answers and their scores.
        places: of some words in the plane, (n, 2).
        names: these words.
        kept: share of their variance that the plane keeps.
    """

    measured: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    neighbours: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)
    analogies: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)
    places: Float[np.ndarray, "n 2"] | None = None
    names: Sequence[str] = ()
    kept: float = 0.0

    def on_top(self) -> list[Figure]:
        """The correlation with people's judgements, beside that of counting."""
        told = {name: tests["wordsim"] for name, tests in self.measured.items() if "wordsim" in tests}
        return [
            Figure(f"{one['value']:.3f}", f"WordSim-353, {name}", f"{one['low']:.2f} to {one['high']:.2f}")
            for name, one in told.items()
        ]


def tests(m: Material[WordFacts]) -> Section | None:
    """All tests, these vectors and those of counting."""
    if not m.facts.measured:
        return None
    rows = [
        (TITLES[test], name, f"{one['value']:.3f}", f"{one['low']:.3f} to {one['high']:.3f}",
         f"{one['n']:,}", f"{one['left_out']:,}")
        for test in TITLES
        for name, scores in m.facts.measured.items()
        if (one := scores.get(test))
    ]  # fmt: skip
    reading = (
        "WordSim-353 and SimLex-999: rank correlation (Spearman's rho) of cosines with people's scores. "
        "Analogies: the share answered rightly. The interval holds 95 % of bootstrap resamples. Pairs and "
        "questions with a word that has no vector are left out. PPMI + SVD counts and trains nothing: it is "
        "what training has to beat."
    )
    head = ("test", "vectors", "score", "95 % interval", "n", "left out")
    return Section("Tests", reading, html.table(head, rows, "Scores on word tests", 2))


def neighbours(m: Material[WordFacts]) -> Section | None:
    """The nearest neighbours of frequent words."""
    return ranked(
        m.facts.neighbours, "Nearest neighbours", "word",
        "The words whose vectors have the highest cosine with that of a word.",
    )  # fmt: skip


def analogies(m: Material[WordFacts]) -> Section | None:
    """The best answers to some analogies."""
    return ranked(
        m.facts.analogies, "Analogies", "question",
        "The words x with the highest cos(x, b) - cos(x, a) + cos(x, c); a, b and c are left out.",
    )  # fmt: skip


def ranked(
    found: Mapping[str, Sequence[tuple[str, float]]], title: str, first: str, reading: str
) -> Section | None:
    """A row for each question, with the best answers and their scores."""
    if not found:
        return None
    rows = [(asked, *(f"{word}  {score:.2f}" for word, score in best)) for asked, best in found.items()]
    most = max(map(len, rows))
    head = (first, *(f"{i}." for i in range(1, most)))
    return Section(
        title, reading, html.table(head, [(*r, *[""] * (most - len(r))) for r in rows], title, most)
    )


def plane(m: Material[WordFacts]) -> Section | None:
    """Some words in the plane."""
    if m.facts.places is None:
        return None
    drawn: Markup = language.words(m.facts.places, m.facts.names, (), "Words in the plane of their vectors")
    reading = (
        "Vectors of frequent words, made equally long, on their first two principal components "
        f"({100 * m.facts.kept:.0f} % of the variance). What lies close here may be far apart in the others."
    )
    return Section("Words in the plane", reading, html.charts([drawn]))
