"""Sections of a report about a deep agent: what it earns, and how it learnt over steps and over seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Material

POINTS = 120  # of a curve
PLAYED = ("return", "length")
NOT_LOSSES = ("step", "epoch", "lr", "seconds", *PLAYED)


@dataclass(frozen=True, kw_only=True)
class AgentFacts(Facts):
    """What is known of an agent's run.

    Args:
        batch: steps of a round, in all worlds together.
    """

    batch: int


def tested(m: Material[AgentFacts]) -> Section | None:
    """Returns of the test episodes."""
    returns = m.result.get("returns")
    if not returns:
        return None
    values = np.asarray(returns, float)
    rows = [
        ("mean", f"{values.mean():.4g}"),
        ("standard deviation", f"{values.std():.4g}"),
        ("median", f"{np.median(values):.4g}"),
        ("lowest", f"{values.min():.4g}"),
        ("highest", f"{values.max():.4g}"),
    ]
    reading = (
        f"{len(values)} episodes in worlds of their own seeds; the policy takes its best action and tries "
        "nothing out. The deviation is over episodes of one agent; agents of other seeds differ as well."
    )
    table = html.table(("return", "value"), rows, "Returns of test episodes")
    drawn = charts.histogram({"test episodes": values}, "return") if np.ptp(values) > 0 else ""
    return Section("Test episodes", reading, html.join([table, drawn]))


def learning(m: Material[AgentFacts]) -> Section | None:
    """Return and length of training episodes and return of held-out ones, over steps and over seconds."""
    lines = [line for line in m.lines if "return" in line]
    if not lines:
        return None
    held = [line for line in m.lines if "val_return" in line]
    drawn = []
    for axis, title, factor in (("step", "steps", m.facts.batch), ("seconds", "seconds", 1)):
        curves = {"while learning (mean of 100 episodes)": curve(lines, axis, "return", factor)}
        if held:
            curves["held-out episodes"] = curve(held, axis, "val_return", factor)
        drawn.append(charts.curves(curves, "return", title))
    lengths = {"while learning": curve(lines, "step", "length", m.facts.batch)}
    drawn.append(charts.curves(lengths, "steps in an episode", "steps"))
    reading = "Steps are counted over all worlds together; seconds include the evaluations."
    return Section("Learning curve", reading, html.charts(drawn))


def losses(m: Material[AgentFacts]) -> Section | None:
    """All that was logged of learning: losses, entropy or the share of random actions, and the like."""
    lines = [line for line in m.lines if "lr" in line]
    names = list(dict.fromkeys(name for line in lines for name in line if name not in NOT_LOSSES))
    if not names:
        return None
    drawn = []
    for name in names:
        known = [line for line in lines if name in line]
        drawn.append(charts.curves({name: curve(known, "step", name, m.facts.batch)}, name, "steps"))
    reading = (
        "An agent's loss is no measure of success: its targets move, and its data change as it plays better."
    )
    return Section("Losses and exploration", reading, html.charts(drawn))


def curve(
    lines: Sequence[Mapping[str, Any]], axis: str, name: str, factor: float
) -> tuple[list[float], list[float]]:
    """A logged number over steps or seconds, as means over neighbouring lines, at most POINTS of them."""
    columns = ([line[axis] * factor for line in lines], [line[name] for line in lines])
    pieces = [np.array_split(np.asarray(each, float), min(POINTS, len(lines))) for each in columns]
    along, values = ([float(piece.mean()) for piece in some] for some in pieces)
    return along, values
