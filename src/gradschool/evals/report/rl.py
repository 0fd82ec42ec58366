"""Sections of a report about a grid world: policies side by side, values and arrows, the learning curve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from torch import Tensor

from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Facts, Material
from gradschool.evals.rl.policies import Score, best_actions, verdict
from gradschool.rl.drawing import CLIFF, FREE, GOAL, KINDS, WALL, cells_of
from gradschool.rl.gridworld import Gridworld

ARROWS = "↑→↓←"
SIDE, SMALL_SIDE, MANY = 54, 22, 20  # pixels of a cell; columns from which cells are small
POINTS = 60  # of a learning curve: single episodes are noisy


@dataclass(frozen=True, kw_only=True)
class PlayFacts(Facts):
    """What is known of a run in a grid world.

    Args:
        world: the grid world.
        q: learnt action values (s, 4).
        exact: those of the optimal policy.
        visits: how often each learnt value was updated.
        policies: scores of "learnt", "optimal" and "random".
    """

    world: Gridworld
    q: Tensor
    exact: Tensor
    visits: Tensor
    policies: Mapping[str, Score]


def policies(m: Material[PlayFacts]) -> Section | None:
    """The learnt policy between the optimal and the random one."""
    scores = m.facts.policies
    rows = [
        (name, f"{s.expected:,.4g}", f"{s.mean_return:,.4g}", Bar(s.goal), f"{s.length:,.1f}")
        for name, s in scores.items()
    ]
    head = ("policy", "expected return", "mean return of test episodes", "reach a goal, %", "steps")
    reading = (
        f"{verdict(scores)} Value iteration knows the rules of the world and gives the optimal policy; the "
        "learnt one comes from played episodes alone. The expected return is exact."
    )
    return Section("Policies", reading, html.table(head, rows, "Greedy policies and the random policy"))


def boards(m: Material[PlayFacts]) -> Section | None:
    """Values and best actions, learnt and exact."""
    world, q, exact, visits = m.facts.world, m.facts.q, m.facts.exact, m.facts.visits
    # 1. Where the learnt policy takes an action that is not among the best.
    seen = visits.sum(1) > 0
    chosen, best = best_actions(q), best_actions(exact)
    wrong = seen & (chosen & ~best).any(1)
    # 2. Two drawings.
    learnt = board(world, q, chosen, seen, wrong, "Learnt values and policy")
    right = board(world, exact, best, world.alive, wrong & ~wrong, "Exact values and policy")
    missed = int((world.alive & ~seen).sum())
    reading = (
        "Each cell shows the value of its best action and an arrow for every action with that value; a "
        f"stronger colour is a higher value. In {int(wrong.sum())} of {int(seen.sum())} visited cells "
        f"(outlined) the learnt action is not optimal; {missed} cells were never visited. "
        "All values start at 0, so the values of cells that were seldom visited are still too high."
        + (" Moves slip, so values fluctuate as long as the step size does not fall." if world.slip else "")
    )
    first, second = (Markup("<h3>{}</h3>").format(each) for each in ("Learnt", "Exact"))
    return Section("Values and policy", reading, html.join([first, learnt, second, right]))


def learning(m: Material[Any]) -> Section | None:
    """Return, length and TD error over the episodes, with the random and the optimal policy as lines."""
    lines = [line for line in m.lines if "return" in line]
    if not lines:
        return None
    # 1. The two policies to compare with, once the run is finished.
    scores = m.result.get("metrics", {})
    ends = [lines[0]["step"], lines[-1]["step"]]
    known = {name: scores.get(f"test_{name}_return") for name in ("optimal", "random")}
    levels = {f"{name} policy": (ends, [at, at]) for name, at in known.items() if at is not None}
    # 2. What was played while learning, and what the greedy policy earned on held-out episodes.
    drawn = [
        charts.curves({"exploring": means(lines, "return"), **levels}, "return", "step", magnitudes=True)
    ]
    for part in ("val", "test"):
        held = [line for line in m.lines if f"{part}_return" in line]
        if held:
            series = {"greedy": column(held, f"{part}_return"), **levels}
            drawn.append(charts.curves(series, f"return of {part} episodes", "step", magnitudes=True))
    drawn.append(charts.curves({"length": means(lines, "length")}, "steps in an episode", "step"))
    drawn.append(charts.curves({"TD error": means(lines, "td_error")}, "mean size of the TD error", "step"))
    reading = (
        f"Means over {max(1, len(lines) // POINTS)} steps. While it learns the agent explores, which costs "
        "return; the greedy policy does not explore. The scale of returns is logarithmic below -1."
    )
    return Section("Learning curve", reading, html.charts(drawn))


def column(lines: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """One logged number over the steps."""
    return [line["step"] for line in lines], [line[name] for line in lines]


def means(lines: Sequence[Mapping[str, Any]], name: str) -> tuple[list[float], list[float]]:
    """The same as means over neighbouring lines, at most POINTS of them."""
    pieces = [
        np.array_split(np.asarray(each, float), min(POINTS, len(lines))) for each in column(lines, name)
    ]
    steps, values = ([float(piece.mean()) for piece in some] for some in pieces)
    return steps, values


def board(world: Gridworld, q: Tensor, chosen: Tensor, shown: Tensor, wrong: Tensor, alt: str) -> Markup:
    """A drawing of the grid world.

    Args:
        world: the grid world.
        q: action values (s, 4).
        chosen: actions to draw as arrows (s, 4).
        shown: states whose values are shown (s,).
        wrong: states to outline (s,).
        alt: what it is, for those who do not see it.
    """
    width, height = len(world.drawing[0]), len(world.drawing)
    side = SIDE if width <= MANY else SMALL_SIDE
    value = q.amax(1)
    low, high = (f(value[shown]).item() for f in (Tensor.min, Tensor.max)) if shown.any() else (0.0, 1.0)
    size = f'width="{width * side}" height="{height * side}"'
    parts = [f'<svg viewBox="-2 -2 {width * side + 4} {height * side + 4}" {size} text-anchor="middle">']
    for row, column, sign in cells_of(world.drawing):
        state = row * width + column
        share = (value[state].item() - low) / max(high - low, 1e-9)
        parts.append(square(column * side, row * side, side, sign, share if shown[state] else None))
        if shown[state]:
            arrows = "".join(ARROWS[a] for a in range(4) if chosen[state, a])
            parts.append(words(column * side, row * side, side, sign, arrows, q[state].tolist()))
        elif sign in (CLIFF, GOAL) and side == SIDE:
            parts.append(text(column * side + side / 2, row * side + side / 2 + 4, 12, KINDS[sign]))
        if wrong[state]:
            box = f'x="{column * side + 2}" y="{row * side + 2}" width="{side - 4}" height="{side - 4}"'
            parts.append(f'<rect {box} style="fill:none;stroke:var(--two);stroke-width:2.5"/>')
    drawing = Markup("".join(parts) + "</svg>")
    return Markup('<div class="wide" tabindex="0" role="img" aria-label="{}">{}</div>').format(alt, drawing)


def square(x: int, y: int, side: int, sign: str, share: float | None) -> str:
    """The ground of a cell; `share` is its value between the lowest (0) and the highest (1)."""
    colours = {WALL: ("--faint", 1.0), CLIFF: ("--two", 0.35), GOAL: ("--three", 0.35)}
    colour, strength = colours.get(sign, ("--card", 1.0)) if share is None else ("--one", 0.05 + 0.45 * share)
    look = f"fill:var({colour});fill-opacity:{strength:.2f};stroke:var(--faint);stroke-width:1"
    return f'<rect x="{x}" y="{y}" width="{side}" height="{side}" style="{look}"/>'


def words(x: int, y: int, side: int, sign: str, arrows: str, values: Sequence[float]) -> str:
    """Arrows and value of a cell; pointing at it tells all four values."""
    told = ", ".join(f"{arrow} {value:.4g}" for arrow, value in zip(ARROWS, values, strict=True))
    middle = x + side / 2
    if side < SIDE:
        return f"<g>{text(middle, y + side / 2 + 5, 14, arrows[:1])}<title>{told}</title></g>"
    drawn = text(middle, y + 24, 18, arrows) + text(middle, y + 44, 12, f"{max(values):.4g}")
    corner = text(x + 8, y + 13, 11, sign) if sign != FREE else ""
    return f"<g>{drawn}{corner}<title>{told}</title></g>"


def text(x: float, y: float, size: int, what: str) -> str:
    """A few signs in the page's ink."""
    look = f"font-size:{size}px;fill:var(--ink)"
    return f'<text x="{x}" y="{y}" style="{look}">{escape(what)}</text>'
