"""Sections of a report about a language model of running text."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from markupsafe import Markup, escape

from gradschool.evals.language import counting
from gradschool.evals.language.surprise import Passage
from gradschool.evals.report import html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.report.text.baselines import beside

TEXTS = 6  # of those that were drawn over training
STRONG = 6.0  # nats from which on a token has the full colour
CELL = 13  # pixels of a square


@dataclass(frozen=True)
class CorpusFacts(Facts):
    """What is shown of a language model, besides what any report shows.

    Args:
        loss: of the test part, in nats per token; None before the end of a run.
        per_byte: the same in bits a byte; None for tokens that do not give back the text.
        baselines: the loss of n-gram models, by name.
        mixture: of the network with the model that counts; facts of `evals.language.mixing.Mixture`.
        most: the passages of the test part that surprise the model most.
        least: those that surprise it least.
        read: tokens while which its state was looked at, as they are shown.
        states: of some units after each of these tokens, -1 to 1; None for a model without a state.
    """

    loss: float | None = None
    per_byte: float | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)
    mixture: Mapping[str, Any] | None = None
    most: Sequence[Passage] = ()
    least: Sequence[Passage] = ()
    read: Sequence[str] = ()
    states: Float[np.ndarray, "t u"] | None = None

    def on_top(self) -> list[Figure]:
        """Whether counting is beaten, the loss, and the best model that counts."""
        if self.loss is None:
            return []
        name, least = counting.best(self.baselines)
        said = "beats counting" if self.loss < least else "does not beat counting"
        note = f"nats per token; perplexity {math.exp(self.loss):.2f}"
        per_byte = [] if self.per_byte is None else [Figure(f"{self.per_byte:.3f}", "bits per byte")]
        return [
            Figure(said, "the network", f"by {abs(least - self.loss):.3f} nats per token"),
            Figure(f"{self.loss:.3f}", "test loss", note),
            Figure(f"{least:.3f}", "best n-gram model", f"{name}; nats per token"),
            *per_byte,
        ]


def against(m: Material[CorpusFacts]) -> Section | None:
    """The network's loss beside that of n-gram models on the same tokens."""
    if m.facts.loss is None:
        return None
    about = (
        "An n-gram model counts in the training part which token follows the n - 1 tokens before it, and "
        "mixes that with shorter histories (interpolated modified Kneser-Ney)."
    )
    mixtures = {}
    if mixture := m.facts.mixture:
        mixtures = {f"this network and the {mixture['beside']}": mixture["test_loss"]}
        about += (
            f" The mixture gives the network a weight of {mixture['weight']:.2f}, chosen on the validation part."
        )
    return beside(m.facts.loss, m.facts.baselines, "token", about, mixtures)


def written(m: Material[CorpusFacts]) -> Section | None:
    """What the model wrote at several moments of its training."""
    # 1. The texts by step: a run that was resumed has drawn some twice.
    file = m.run_dir / "texts.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    drawn = {line["step"]: line for line in map(json.loads, lines)}
    texts = [drawn[step] for step in sorted(drawn)]
    if not texts:
        return None
    # 2. The first, the last, and some between.
    count = min(TEXTS, len(texts))
    chosen = [texts[round(i * (len(texts) - 1) / max(1, count - 1))] for i in range(count)]
    parts = [
        Markup('<h3>step {:,}, held-out loss {:.3f}</h3><pre style="white-space:pre-wrap">{}</pre>').format(
            line["step"], line["loss"], line["text"]
        )
        for line in chosen
    ]
    reading = "Drawn token by token with the same random numbers; nothing was selected."
    return Section("Texts over training", reading, html.join(parts))


def surprising(m: Material[CorpusFacts]) -> Section | None:
    """Passages of the test part with every token coloured by its surprise."""
    if not m.facts.most:
        return None
    # 1. Both ends.
    parts = []
    for title, passages in (("Most surprising", m.facts.most), ("Least surprising", m.facts.least)):
        if passages:
            parts += [Markup("<h3>{}</h3>").format(title), *map(coloured, passages)]
    # 2. How to read them.
    reading = (
        "Passages of the test part. The stronger a token's colour, the less the model expected it; the "
        f"strongest stands for {STRONG:g} nats or more. Pointing at a token shows its nats."
    )
    return Section("Surprise", reading, html.join(parts))


def coloured(passage: Passage) -> Markup:
    """A passage with its tokens on coloured ground."""
    spans = [
        Markup(
            '<span title="{:.2f}" style="background:'
            'color-mix(in srgb,var(--two) {:.0f}%,transparent)">{}</span>'
        ).format(nats, 100 * min(1.0, nats / STRONG), text.replace("\n", "↵\n"))
        for text, nats in zip(passage.tokens, passage.nats.tolist(), strict=True)
    ]
    told = Markup("<p><i>{:.2f} nats per token</i></p>").format(passage.mean)
    return told + Markup('<pre style="white-space:pre-wrap">{}</pre>').format(Markup("").join(spans))


def state(m: Material[CorpusFacts]) -> Section | None:
    """The hidden state while the model reads: a row for a unit, a column for a token."""
    if m.facts.states is None:
        return None
    # 1. A square for each value: colour for its sign, strength for its size.
    steps, units = m.facts.states.shape
    wide, high = CELL * steps, CELL * (units + 1)
    parts = [f'<svg viewBox="0 0 {wide} {high}" width="{wide}" font-size="11">']
    for t, text in enumerate(m.facts.read):
        parts.append(f'<text x="{CELL * t + CELL / 2}" y="10" text-anchor="middle">{escape(text)}</text>')
        for u, value in enumerate(m.facts.states[t].tolist()):
            colour = "one" if value > 0 else "two"
            box = f'x="{CELL * t}" y="{CELL * (u + 1)}" width="{CELL}" height="{CELL}"'
            parts.append(f'<rect {box} style="fill:var(--{colour})" fill-opacity="{abs(value):.2f}"/>')
    # 2. How to read it.
    alt = f"The state of {units} units while {steps} tokens are read"
    drawing = Markup('<div class="wide"><div class="matrix" role="img" aria-label="{}">{}</div></div>')
    reading = (
        "The hidden state of the last layer after each token of the test part's beginning: a row for each of "
        "the units that change most, one colour above zero and one below. A unit that keeps its colour over "
        "many tokens remembers something."
    )
    return Section("Hidden state", reading, drawing.format(alt, Markup("".join(parts) + "</svg>")))
