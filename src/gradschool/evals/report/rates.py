"""Sections of a report about a learning-rate range test: the curve, and the rates that it suggests."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Figure, Material

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARE = 1.1  # of the first loss: what lies higher is cut off, so that a divergence does not hide the fall


@dataclass(frozen=True)
class RateFacts(Facts):
    """What is shown of a range test.

    Args:
        rates: of every step, rising.
        losses: of every step.
        smoothed: the losses, smoothed.
        steepest: rate at which the loss falls fastest; None if it never falls.
        diverged: rate at which the loss diverged; None if it did not.
        recipe: whose rate it is.
        present: the recipe's own rate.
    """

    rates: Sequence[float] = ()
    losses: Sequence[float] = ()
    smoothed: Sequence[float] = ()
    steepest: float | None = None
    diverged: float | None = None
    recipe: str = ""
    present: float | None = None

    @property
    def named(self) -> dict[str, float]:
        """The rates that a reader looks for, by what they are."""
        tenth = None if self.diverged is None else self.diverged / 10
        known = {"steepest descent": self.steepest, "a tenth of the divergence": tenth,
                 "the recipe's own": self.present, "divergence": self.diverged}  # fmt: skip
        return {name: rate for name, rate in known.items() if rate is not None}

    def on_top(self) -> list[Figure]:
        """The two suggestions."""
        return [
            Figure(f"{rate:.2g}", "learning rate", name)
            for name, rate in self.named.items()
            if name in ("steepest descent", "a tenth of the divergence")
        ]


def draw(ax: "Axes", facts: RateFacts, colours: Sequence[str], ink: str) -> None:
    """The losses as points, smoothed as a line, and the rates that matter as upright lines."""
    ax.plot(facts.rates, facts.losses, ".", color=colours[0], markersize=3, alpha=0.5, label="each step")
    ax.plot(facts.rates, facts.smoothed, "-", color=colours[0], linewidth=1.8, label="smoothed")
    marks = {"steepest descent": (colours[1], "--"), "a tenth of the divergence": (colours[2], ":"),
             "the recipe's own": (ink, "-.")}  # fmt: skip
    for name, rate in facts.named.items():
        if name in marks:
            ax.axvline(rate, color=marks[name][0], linestyle=marks[name][1], linewidth=1.3, label=name)
    low, start = min(facts.smoothed), facts.smoothed[0]
    room = max(abs(start - low), 1e-9)
    ax.set(xscale="log", xlabel="learning rate", title="training loss")
    ax.set_ylim(low - 0.1 * room, max(start + 0.5 * room, SHARE * start if start > 0 else start))
    ax.legend(loc="best")


def curve(m: Material[RateFacts]) -> Section | None:
    """The loss against the rate."""
    facts = m.facts
    with charts.style():
        figure, ax = charts.panel(6.4, 3.6)
        draw(ax, facts, charts.SERIES, charts.INK)
        told = "; ".join(f"{name} {rate:.2g}" for name, rate in facts.named.items())
        drawing = charts.svg(figure, f"Training loss against the learning rate: {told}")
    reading = (
        "The rate rises from step to step (Smith 2017). Take one left of the minimum, where the loss still "
        "falls; the minimum itself is too close to the divergence. A schedule with warm-up bears more than a "
        "constant rate."
    )
    return Section("Loss against learning rate", reading, html.charts([drawing]))


def suggestions(m: Material[RateFacts]) -> Section | None:
    """The rates by what they are."""
    rows = [(name, f"{rate:.3g}") for name, rate in m.facts.named.items()]
    reading = "Two rules of thumb; they differ, and the better one is found by training with both."
    if m.facts.diverged is None:
        reading += " The loss did not diverge, so there is no tenth of it."
    return Section("Learning rates", reading, html.table(("rate", "value"), rows, f"For {m.facts.recipe}"))


def drawn(facts: RateFacts, file: Path) -> None:
    """The curve as a PNG."""
    figure, ax = charts.panel(6.4, 3.6)
    draw(ax, facts, ("C0", "C1", "C2"), "0.4")
    figure.savefig(file, dpi=120)


SECTIONS = (curve, suggestions)
