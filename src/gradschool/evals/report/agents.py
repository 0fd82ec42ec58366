"""Sections of a report about a deep agent: what it earns, and how it learnt over steps and over seconds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Material

POINTS = 120  # of a curve
PLAYED = ("return", "length")
NOT_LOSSES = ("step", "epoch", "lr", "seconds", *PLAYED)
EXPLORATION = ("epsilon", "entropy", "temperature")
FILMS = (".gif", ".mp4")
TITLES = {
    "policy": "loss of the policy", "value": "loss of the critic", "actor": "loss of the actor",
    "q": "mean action value", "explained": "explained variance of the returns",
    "kl": "KL divergence from the policy that played, nats", "clipped": "clipped share of the ratios",
    "epsilon": "share of random actions (epsilon)", "entropy": "entropy of the policy, nats",
    "temperature": "weight of the entropy (temperature)", "draws": "share of games that are drawn",
    "agreement": "share of actions as in the log",
}  # fmt: skip


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
        f"{len(values)} episodes in worlds of their own seeds; the policy takes its best action, "
        "without exploration. The deviation is over episodes of one agent; other seeds differ as well."
    )
    table = html.table(("return", "value"), rows, "Returns of test episodes")
    drawn = charts.histogram({"test episodes": values}, "return", "episodes") if np.ptp(values) > 0 else ""
    return Section("Test episodes", reading, html.join([table, drawn]))


def learning(m: Material[AgentFacts]) -> Section | None:
    """Return and length of training episodes and return of held-out ones, over steps and over seconds."""
    # 1. Returns, over both. Not every agent plays while it learns.
    returns = {"while learning (mean of 100 episodes)": "return", "held-out episodes": "val_return"}
    lengths = {"while learning (mean of 100 episodes)": "length", "held-out episodes": "val_length"}
    known = {name for line in m.lines for name in line}
    if not known & {*returns.values()}:
        return None
    drawn = []
    asked = (returns, "return", "steps"), (returns, "return", "seconds"), (lengths, "episode length", "steps")
    for wanted, title, axis in asked:
        curves = {told: curve(m, axis, name) for told, name in wanted.items() if name in known}
        if curves:
            drawn.append(charts.curves(curves, title, axis))
    reading = (
        "Steps are counted over all worlds together; seconds include the evaluations. An agent tries actions "
        "out while it learns, and takes its best ones in held-out episodes."
    )
    return Section("Learning curve", reading, html.charts(drawn))


def losses(m: Material[AgentFacts]) -> Section | None:
    """What is minimised, and what else tells of learning."""
    named = {name: title for name, title in logged(m).items() if name not in EXPLORATION}
    reading = (
        "An agent's loss is no measure of success: its targets move, and its data change as it plays better."
    )
    return section("Losses", reading, m, named)


def exploration(m: Material[AgentFacts]) -> Section | None:
    """How much is tried out."""
    named = {name: title for name, title in logged(m).items() if name in EXPLORATION}
    reading = "How much the agent explores while it learns. Test episodes are played without exploration."
    return section("Exploration", reading, m, named)


def film(m: Material[AgentFacts]) -> Section | None:
    """The film that was recorded last, and the maps of values that belong to it."""
    # 1. What `play` has left in the folder.
    found = [file for form in FILMS for file in m.run_dir.glob(f"play-*{form}")]
    if not found:
        return None
    newest = max(found, key=lambda file: (file.stat().st_mtime, file.name))
    maps = newest.with_suffix(".values.png")
    # 2. Both in the page.
    alt = "the trained agent plays, with what it makes of each state beside the picture"
    shown = [html.film(newest, alt)]
    if maps.is_file():
        shown.append(html.film(maps, "maps of values and actions over all states, with the path of the film"))
    reading = "Played in a world of its own seed; the agent takes its best action, without exploration."
    return Section("Film", reading, html.join(shown))


def logged(m: Material[AgentFacts]) -> dict[str, str]:
    """All that was logged of learning, with a title for each."""
    names = dict.fromkeys(name for line in m.lines if "lr" in line for name in line if name not in NOT_LOSSES)
    return {name: TITLES.get(name, name.replace("_", " ")) for name in names}


def section(title: str, reading: str, m: Material[AgentFacts], named: Mapping[str, str]) -> Section | None:
    """A chart over steps for each of some logged numbers."""
    drawn = [charts.curves({told: curve(m, "steps", name)}, told, "steps") for name, told in named.items()]
    return Section(title, reading, html.charts(drawn)) if drawn else None


def curve(m: Material[AgentFacts], axis: str, name: str) -> tuple[list[float], list[float]]:
    """A logged number over steps or seconds, as means over neighbouring lines, at most POINTS of them."""
    lines = [line for line in m.lines if name in line]
    along = [line["step"] * m.facts.batch if axis == "steps" else line["seconds"] for line in lines]
    columns = along, [line[name] for line in lines]
    pieces = [np.array_split(np.asarray(each, float), min(POINTS, len(lines))) for each in columns]
    xs, ys = ([float(piece.mean()) for piece in some] for some in pieces)
    return xs, ys
