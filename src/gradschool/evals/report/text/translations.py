"""Sections of a report about a translator: against a dictionary, by length, where it looks, and examples."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from gradschool.evals.language.translation.alignment import Alignment
from gradschool.evals.report import html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.report.text.baselines import bars

CELL, LETTER = 22, 7.5  # pixels of a square and of a letter beside it


@dataclass(frozen=True)
class Example:
    """A text of the test part with its reference and what the network made of it."""

    source: str
    reference: str
    greedy: str
    beams: str


@dataclass(frozen=True)
class TranslationFacts(Facts):
    """What is known of a translator, beyond its folder; all of it optional.

    Args:
        rows: "name", "bleu" and "chrf" of each translator, those without a network first, the best last.
        signature: how BLEU was computed.
        groups: (words of the source, number of pairs, BLEU).
        shown: some pairs of the test part.
        maps: attention of some of them.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    signature: str = ""
    groups: Sequence[tuple[str, int, float]] = ()
    shown: Sequence[Example] = ()
    maps: Sequence[Alignment] = ()

    def on_top(self) -> list[Figure]:
        """BLEU with its signature, and chrF."""
        if not self.rows:
            return []
        best = self.rows[-1]
        return [Figure(f"{best['bleu']:.1f}", "BLEU", self.signature), Figure(f"{best['chrf']:.1f}", "chrF")]


def verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """Whether the network beats the dictionary, in a sentence."""
    _, words, *_, best = rows
    gain = best["bleu"] - words["bleu"]
    if gain <= 0:
        return f"The network does not beat a dictionary ({words['bleu']:.1f} BLEU)."
    return f"The network beats a dictionary, word by word ({words['bleu']:.1f} BLEU), by {gain:.1f}."


def against(m: Material[TranslationFacts]) -> Section | None:
    """BLEU and chrF of every translator."""
    if not m.facts.rows:
        return None
    rows = [(row["name"], f"{row['bleu']:.1f}", f"{row['chrf']:.1f}") for row in m.facts.rows]
    reading = (
        f"{verdict(m.facts.rows)} BLEU counts runs of one to four words that a translation shares with its "
        f"reference, chrF runs of characters; both from 0 to 100. Signature: {m.facts.signature}."
    )
    return Section("Scores", reading, html.table(("translator", "BLEU", "chrF"), rows, "Test part"))


def lengths(m: Material[TranslationFacts]) -> Section | None:
    """BLEU of short and of long texts."""
    if not m.facts.groups:
        return None
    rows = [(words, f"{count:,}", f"{bleu:.1f}") for words, count, bleu in m.facts.groups]
    drawn = bars({words: bleu for words, _, bleu in m.facts.groups}, "BLEU", [])
    table = html.table(("words of the source", "pairs", "BLEU"), rows, "Test part")
    reading = "BLEU of the test part by the number of words of the source; small groups vary by chance."
    return Section("Length", reading, html.join([html.charts([drawn]), table]))


def attention(m: Material[TranslationFacts]) -> Section | None:
    """Where the decoder looks before each token that it writes."""
    if not m.facts.maps:
        return None
    reading = (
        "A row for each token of the translation, a column for each token of the source; the stronger the "
        "colour, the more the decoder looked at it. A transformer's weights are means over its heads and "
        "blocks. Words that swap places leave the diagonal."
    )
    return Section("Attention", reading, html.join(map(drawn_map, m.facts.maps)))


def drawn_map(found: Alignment) -> Markup:
    """Squares for the weights, with the tokens on both sides."""
    # 1. Room for the tokens.
    left, top = (LETTER * max(map(len, names)) + 10 for names in (found.target, found.source))
    wide, high = left + CELL * len(found.source), top + CELL * len(found.target)
    parts = [
        f'<svg viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" font-size="12" fill="currentColor">'
    ]
    # 2. The source above, turned upwards; the translation on the left.
    for j, token in enumerate(found.source):
        x = left + CELL * (j + 0.7)
        parts.append(f'<text transform="translate({x:.0f},{top - 6:.0f}) rotate(-90)">{escape(token)}</text>')
    for i, token in enumerate(found.target):
        y = top + CELL * i
        parts.append(f'<text x="{left - 6:.0f}" y="{y + 15:.0f}" text-anchor="end">{escape(token)}</text>')
        # 3. A square for each weight.
        for j, weight in enumerate(found.weights[i].tolist()):
            box = f'x="{left + CELL * j:.0f}" y="{y:.0f}" width="{CELL}" height="{CELL}"'
            shade = math.sqrt(max(weight, 0.0))
            parts.append(f'<rect {box} style="fill:var(--one)" fill-opacity="{shade:.2f}"/>')
    alt = f"Attention of {len(found.target)} written tokens to {len(found.source)} tokens of the source"
    drawing = Markup('<div class="wide"><div class="matrix" role="img" aria-label="{}">{}</div></div>')
    return drawing.format(alt, Markup("".join(parts) + "</svg>"))


def examples(m: Material[TranslationFacts]) -> Section | None:
    """Some texts of the test part beside their references."""
    if not m.facts.shown:
        return None
    rows = [(each.source, each.reference, each.beams) for each in m.facts.shown]
    reading = "The first pairs of the test part; nothing was selected."
    head = ("source", "reference", "this network")
    return Section("Examples", reading, html.table(head, rows, "Translations", words=3))
