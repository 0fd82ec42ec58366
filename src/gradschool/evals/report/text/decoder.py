"""Sections of a report on a language model: loss against compute, attention maps, the use of its context, and
calibration.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from markupsafe import Markup, escape

from gradschool.evals.classification.calibration import Bins
from gradschool.evals.language.interpret.lens import Lens
from gradschool.evals.language.interpret.repeats import Repeats
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Material
from gradschool.evals.report.text.corpus import CorpusFacts

CELL, GAP, MARGIN = 11, 16, 62  # pixels: of a square, between two maps, for the tokens beside a map
PETA = 1e15


@dataclass(frozen=True)
class Inside:
    """A look inside a model with attention.

    Args:
        lens: what each block would say of the sentence.
        said: the tokens of `lens.best` as they are shown.
        repeats: what its heads do on tokens that come twice; None where the context is too short for that.
    """

    lens: Lens
    said: Sequence[Sequence[str]]
    repeats: Repeats | None = None


@dataclass(frozen=True)
class DecoderFacts(CorpusFacts):
    """What is shown of a language model beside `CorpusFacts`.

    Args:
        flops: floating-point operations of training on one step.
        sentence: tokens that its heads were watched at, as they are shown.
        heads: of each layer the attention weights of its heads (h, n, n); none for a model without attention.
        positions: how many tokens were seen, in groups.
        by_position: bits a byte (or a token, if the tokens do not give back the text) at these positions.
        reliability: how often the most probable token came, by its probability.
        inside: more of what goes on in a model with attention.
    """

    flops: float | None = None
    sentence: Sequence[str] = ()
    heads: Sequence[Float[np.ndarray, "h n n"]] = field(default=(), repr=False)
    positions: Sequence[float] = ()
    by_position: Sequence[float] = ()
    reliability: Bins | None = None
    inside: Inside | None = None


def compute(m: Material[DecoderFacts]) -> Section | None:
    """Training and held-out loss against the arithmetic that was spent, both on logarithmic scales."""
    if m.facts.flops is None:
        return None
    # 1. The journal's lines: steps become operations.
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for line in m.lines:
        for name in ("loss", "val_loss", "test_loss"):
            if name in line:
                xs, ys = curves.setdefault("training" if name == "loss" else "held out", ([], []))
                xs.append(line["step"] * m.facts.flops)
                ys.append(line[name])
    if not curves:
        return None
    # 2. A line for each.
    with charts.style():
        figure, ax = charts.panel(4.8, 3.0)
        for (name, (x, y)), colour in zip(curves.items(), charts.SERIES, strict=False):
            ax.plot(x, y, color=colour, label=name, linewidth=1.6, marker="o" if len(x) < 3 else None)
        ax.set(xscale="log", yscale="log", xlabel="floating-point operations", title="loss, nats per token")
        ax.legend(loc="best")
        last = max(xs[-1] for xs, _ in curves.values())
        drawn = charts.svg(figure, f"Loss against compute, up to {last / PETA:.3g} PFLOP")
    reading = (
        f"Training took {last / PETA:.3g} PFLOP: six operations a token for each weight of a matrix. On "
        "these scales a power law is a straight line. Where the curve bends away, more compute alone does "
        "not help."
    )
    return Section("Loss against compute", reading, html.charts([drawn]))


def position(m: Material[DecoderFacts]) -> Section | None:
    """Bits a byte against how much of the text the model has seen."""
    if len(m.facts.positions) < 2:
        return None
    unit = "bits per byte" if m.facts.per_byte is not None else "bits per token"
    with charts.style():
        figure, ax = charts.panel(4.8, 3.0)
        x, y = m.facts.positions, m.facts.by_position
        ax.plot(x, y, color=charts.SERIES[0], marker="o", linewidth=1.6)
        ax.set(xscale="log", xlabel="tokens before the one that is predicted", title=unit)
        drawn = charts.svg(figure, f"{unit} after one token {y[0]:.2f}, after {x[-1]:.0f} tokens {y[-1]:.2f}")
    reading = (
        "Windows of the test part, each read from nothing. The curve falls as long as more context helps; "
        "where it is flat, the model does not use what is further back."
    )
    return Section("Use of the context", reading, html.charts([drawn]))


def calibration(m: Material[DecoderFacts]) -> Section | None:
    """How often the most probable token came, against its probability."""
    bins = m.facts.reliability
    if bins is None:
        return None
    with charts.style():
        figure, ax = charts.panel(4.8, 4.2)
        some = bins.count > 0
        x, y, n = bins.confidence[some].numpy(), bins.accuracy[some].numpy(), bins.count[some].numpy()
        ax.plot([0, 1], [0, 1], color=charts.FAINT, linewidth=1, label="perfect")
        ax.plot(x, y, color=charts.SERIES[0], linewidth=1.2, label="this network")
        ax.scatter(x, y, 12 + 90 * n / n.max(), color=charts.SERIES[0], alpha=0.8, linewidths=0)
        ax.set(xlabel="probability", ylabel="how often it came", xlim=(0, 1.02), ylim=(0, 1.02))
        ax.legend(loc="best")
        drawn = charts.svg(figure, f"Reliability diagram: calibration error {100 * bins.error:.1f} points")
    reading = (
        "How often the token that the model holds for most probable came. The calibration error, the mean "
        f"distance from the diagonal, is {100 * bins.error:.1f} points. Below the diagonal the model is "
        "over-confident."
    )
    return Section("Calibration", reading, html.charts([drawn]))


def attention(m: Material[DecoderFacts]) -> Section | None:
    """The attention weights of every head while it reads a sentence, heads side by side, a row a layer."""
    if not m.facts.heads:
        return None
    rows = [
        Markup("<h3>layer {}</h3>").format(number) + side_by_side(weights, m.facts.sentence)
        for number, weights in enumerate(m.facts.heads, 1)
    ]
    reading = (
        "A row for each token that looks and a column for each that it looks at; the stronger the colour, "
        "the larger the weight. A diagonal looks at the token itself or one just before, a column at one "
        "token that all others need. Pointing at a square shows its weight."
    )
    return Section("Attention maps", reading, html.join(rows))


def side_by_side(weights: Float[np.ndarray, "h n n"], tokens: Sequence[str]) -> Markup:
    """The heads of one layer beside each other; the tokens stand along the top and the left of the first."""
    heads, n, _ = weights.shape
    side = n * CELL
    wide, high = MARGIN + heads * (side + GAP), MARGIN + side + 4
    parts = [f'<svg viewBox="0 0 {wide} {high}" width="{wide}" font-size="9">']
    # 1. Tokens on the left, and on top of every head.
    for i, token in enumerate(map(escape, tokens)):
        y = MARGIN + (i + 0.8) * CELL
        parts.append(f'<text x="{MARGIN - 4}" y="{y:.1f}" text-anchor="end">{token}</text>')
    for head in range(heads):
        left = MARGIN + head * (side + GAP)
        parts.append(f'<rect class="frame" x="{left}" y="{MARGIN}" width="{side}" height="{side}"/>')
        for i, token in enumerate(map(escape, tokens)):
            x = left + (i + 0.8) * CELL
            parts.append(f'<text transform="translate({x:.1f} {MARGIN - 4}) rotate(-90)">{token}</text>')
        # 2. Squares that can be seen; what a token may not look at stays empty.
        for row, column in zip(*np.nonzero(weights[head] >= 0.02), strict=True):
            box = f'x="{left + column * CELL}" y="{MARGIN + row * CELL}" width="{CELL}" height="{CELL}"'
            told = f"{weights[head, row, column]:.2f}"
            parts.append(f'<rect {box} fill-opacity="{told}"><title>{told}</title></rect>')
    alt = f"{heads} heads, each with the weights of {n} tokens on one another"
    drawing = Markup('<div class="wide"><div class="matrix" role="img" aria-label="{}">{}</div></div>')
    return drawing.format(alt, Markup("".join(parts) + "</svg>"))
