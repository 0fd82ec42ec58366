"""Sections of a report that look inside a decoder: what each block would say, and what each head does."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from gradschool.evals.report import html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Material
from gradschool.evals.report.text.decoder import DecoderFacts

WIDE, HIGH, MARGIN = 50, 20, 120  # pixels: of a cell, and for the names of the rows
LETTERS = 6  # of a token that a cell shows
STRONG = 0.55  # of the colour of a cell at most, so that its text can be read


def lens(m: Material[DecoderFacts]) -> Section | None:
    """The most probable next token after every block, at every position of the sentence."""
    if m.facts.inside is None:
        return None
    # 1. A row a block, the last one on top, as the network is drawn; below it the tokens that are read.
    found, said = m.facts.inside.lens, m.facts.inside.said
    rows = []
    for number in reversed(range(len(said))):
        nats = found.nats[number]
        name = f"block {number + 1}" + ("" if math.isnan(nats) else f": {nats:.2f} nats")
        rows.append((name, said[number], found.sure[number]))
    rows.append(("the text", m.facts.sentence, [0.0] * len(m.facts.sentence)))
    reading = (
        "What the network would say next if it stopped after a block: the token that is most probable then. "
        "The stronger the colour, the more probable it is; pointing at a cell shows how much. Right is what "
        "stands one place further in the text. The nats beside a block are its mean surprise at the text."
    )
    return Section("Logit lens", reading, cells(rows, "Most probable next token after each block"))


def induction(m: Material[DecoderFacts]) -> Section | None:
    """Two heatmaps, a row a layer and a column a head: looking one token back, and induction."""
    found = None if m.facts.inside is None else m.facts.inside.repeats
    if found is None:
        return None
    # 1. Which head is the strongest, and whether the repetition helps.
    best, layer, head = max(
        (score, i, j) for i, row in enumerate(found.induction, 1) for j, score in enumerate(row, 1)
    )
    reading = (
        f"Random tokens that come twice, {found.period} and the same {found.period} again: the second half "
        f"can only be foretold by looking back. The network's mean surprise is {found.first:.2f} nats in the "
        f"first half and {found.second:.2f} in the second. An induction head looks at what followed "
        f"the last occurrence of its token; the strongest, head {head} of layer {layer}, gives that "
        f"{best:.2f} of its weight, and one that looks at all tokens alike would give {found.chance:.2f}. It "
        "builds on heads of an earlier layer that look one token back."
    )
    # 2. The heatmaps.
    drawn = [
        Markup("<h3>{}</h3>").format(title) + heatmap(scores, title)
        for title, scores in (("one token back", found.previous), ("induction", found.induction))
    ]
    return Section("Induction heads", reading, html.join(drawn))


def heatmap(scores: Sequence[Sequence[float]], title: str) -> Markup:
    """Scores between 0 and 1 as cells, a row a layer, a column a head."""
    most = max(map(len, scores))
    heads = ("", [f"head {head}" for head in range(1, most + 1)], [0.0] * most)
    rows = [(f"layer {i}", [f"{score:.2f}" for score in row], row) for i, row in enumerate(scores, 1)]
    return cells([heads, *rows], f"Score of each head, a row a layer: {title}")


def cells(rows: Sequence[tuple[str, Sequence[str], Sequence[float]]], alt: str) -> Markup:
    """Rows of coloured cells with a text in each.

    Args:
        rows: a name, the texts of its cells, and how strong their colours are, 0 (none) to 1.
        alt: what is drawn, for those who do not see it.
    """
    wide, high = MARGIN + WIDE * max(len(texts) for _, texts, _ in rows), HIGH * len(rows)
    parts = [f'<svg viewBox="0 0 {wide} {high}" width="{wide}" font-size="11">']
    for i, (name, texts, shades) in enumerate(rows):
        y = HIGH * i
        parts.append(f'<text x="0" y="{y + 14}">{escape(name)}</text>')
        for j, (text, shade) in enumerate(zip(texts, shades, strict=True)):
            x, told = MARGIN + WIDE * j, f"{text} {shade:.2f}" if shade else text
            box = f'x="{x}" y="{y}" width="{WIDE - 1}" height="{HIGH - 1}"'
            parts.append(
                f'<rect {box} fill-opacity="{STRONG * shade:.2f}"><title>{escape(told)}</title></rect>'
            )
            short = text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
            middle = f'x="{x + WIDE // 2}" y="{y + 14}" text-anchor="middle" pointer-events="none"'
            parts.append(f"<text {middle}>{escape(short)}</text>")
    drawing = Markup('<div class="wide"><div class="matrix" role="img" aria-label="{}">{}</div></div>')
    return drawing.format(alt, Markup("".join(parts) + "</svg>"))
