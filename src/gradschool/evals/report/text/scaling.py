"""Sections of a report about a ladder of language models: runs, curves of equal compute, the prediction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradschool.evals.language.scaling.budgets import in_budgets
from gradschool.evals.language.scaling.isoflop import Runs
from gradschool.evals.language.scaling.law import Law
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Figure, Material


@dataclass(frozen=True)
class ScalingFacts(Facts):
    """What is shown of a ladder.

    Args:
        names: of the sizes, one a run.
        runs: that the law was fitted to.
        law: the fit.
        intervals: (name, value, low, high) of each constant.
        minima: (budget, best number of parameters) by parabolas; empty where these have no minimum.
        predicted: (loss, low, high) of the largest run, said before it was trained.
        found: its loss; None until it is trained.
    """

    names: Sequence[str] = ()
    runs: Runs | None = None
    law: Law | None = None
    intervals: Sequence[tuple[str, float, float, float]] = ()
    minima: Sequence[tuple[float, float]] = ()
    predicted: tuple[float, float, float] | None = None
    found: float | None = None

    def on_top(self) -> list[Figure]:
        """The prediction, what came, and how far off it was."""
        if self.predicted is None:
            return []
        said, low, high = self.predicted
        figures = [Figure(f"{said:.3f}", "predicted loss", f"80 % interval {low:.3f} to {high:.3f} nats")]
        if self.found is not None:
            off = 100 * abs(said / self.found - 1)
            figures += [Figure(f"{self.found:.3f}", "loss", "of the largest run, in nats"),
                        Figure(f"{off:.1f} %", "off")]  # fmt: skip
        return figures


def constants(m: Material[ScalingFacts]) -> Section | None:
    """The five constants with their intervals."""
    if not m.facts.intervals:
        return None
    rows = [
        (name, f"{value:.4g}", f"{low:.4g} to {high:.4g}") for name, value, low, high in m.facts.intervals
    ]
    body = html.table(("constant", "value", "80 % interval"), rows, "The law's constants")
    reading = (
        "L = E + A / N^alpha + B / D^beta, for N parameters and D tokens, fitted to the runs below with a "
        "Huber loss of log L. Intervals are from resampled runs. From few runs each constant is uncertain; "
        "the losses that they predict together are much less so."
    )
    return Section("Scaling law", reading, body)


def against_compute(m: Material[ScalingFacts]) -> Section | None:
    """Loss against compute for every size, and loss against size for every budget."""
    runs, law = m.facts.runs, m.facts.law
    if runs is None or law is None:
        return None
    # 1. One curve a size: what more tokens bring.
    pictures = []
    with charts.style():
        figure, ax = charts.panel(4.8, 3.2)
        for size in np.unique(runs.parameters):
            part = runs.take(runs.parameters == size)
            order = part.compute.argsort()
            label = f"{size:,.0f} parameters"
            ax.plot(part.compute[order], part.loss[order], "o-", linewidth=1.2, markersize=3, label=label)
        ax.set(xscale="log", xlabel="compute, FLOP", title="loss, nats")
        ax.legend(loc="best", fontsize="small")
        pictures.append(charts.svg(figure, "Loss by compute, a curve for each size"))
        # 2. One curve a budget: points, and the law between them.
        figure, ax = charts.panel(4.8, 3.2)
        span = np.geomspace(runs.parameters.min(), runs.parameters.max(), 50)
        near = in_budgets(runs)
        for number, budget in enumerate(np.unique(near.compute).tolist()):
            part = runs.take(near.compute == budget)
            colour = f"C{number}"
            ax.plot(part.parameters, part.loss, "o", color=colour, markersize=4, label=f"{budget:.0e} FLOP")
            ax.plot(span, law.loss(span, budget / (6 * span)), "-", color=colour, linewidth=0.9)
        ax.set(xscale="log", xlabel="parameters", title="loss, nats")
        ax.legend(loc="best", fontsize="small")
        pictures.append(charts.svg(figure, "Loss by number of parameters, a curve for each compute budget"))
    best = "; ".join(f"{size:,.0f} parameters for {budget:.0e} FLOP" for budget, size in m.facts.minima)
    told = f" Minima of parabolas through the points of a budget: {best}." if best else ""
    reading = f"Points are runs, lines in the second chart the fitted law at equal compute.{told}"
    return Section("Compute", reading, html.charts(pictures))


def rungs(m: Material[ScalingFacts]) -> Section | None:
    """Every run with what the law says of it."""
    runs, law = m.facts.runs, m.facts.law
    if runs is None or law is None:
        return None
    said = np.asarray(law.loss(runs.parameters, runs.tokens))
    rows = [
        (name, f"{n:,.0f}", f"{d:,.0f}", f"{c:.2e}", f"{loss:.4f}", f"{fitted:.4f}")
        for name, n, d, c, loss, fitted in zip(
            m.facts.names, runs.parameters, runs.tokens, runs.compute, runs.loss, said, strict=True
        )
    ]
    head = ("run", "parameters", "tokens", "FLOP", "loss", "law")
    reading = "Parameters are the weights of matrices, without look-up tables of tokens and positions."
    return Section("Runs", reading, html.table(head, rows, "The runs that the law was fitted to"))
