"""Figures of hidden states: in the plane, in space, and as lines along a string."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from gradschool.data.text.formal.machine import NOWHERE, Machine
from gradschool.evals.language.dynamics import Cloud, projected, shared_states
from gradschool.evals.report import charts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (
    "#4477aa", "#ee6677", "#228833", "#b8a32c", "#66a8c8", "#aa3377", "#e07b39",
    "#7a7a7a", "#5ab4ac", "#8c6bb1",
)  # fmt: skip
NAMED = 30  # states, at most, that get their names
SHOWN = 1200  # points, at most


def plane(cloud: Cloud, machine: Machine) -> "Figure":
    """Two hidden units, or two principal components of more."""
    places, _ = projected(cloud.points, 2)
    with charts.style():
        figure, ax = charts.panel(5.4, 4.6)
        names, means, colours = scattered(ax, places, cloud, machine)
        # 1. An arrow for each transition; a symbol that leads back to its own state is written beside it.
        for (start, end), symbols in arrows(cloud, machine).items():
            a, b = means[start], means[end]
            here, there = (float(a[0]), float(a[1])), (float(b[0]), float(b[1]))
            if start == end:
                ax.annotate(f"↻{symbols}", here, (7, -11), textcoords="offset points", fontsize=8)
                continue
            look = {"arrowstyle": "-|>", "color": colours[start], "alpha": 0.8, "shrinkA": 6, "shrinkB": 6,
                    "connectionstyle": "arc3,rad=0.18"}  # fmt: skip
            ax.annotate("", there, here, arrowprops=look)
            if not is_counting(names):  # there the colours tell the letters
                x, y = (a + b) / 2 + 0.09 * np.array([b[1] - a[1], a[0] - b[0]])
                ax.text(x, y, symbols, fontsize=8, ha="center", va="center")
        ax.set(**axis_names(cloud, 2))
        return figure


def space(cloud: Cloud, machine: Machine) -> "Figure":
    """Three hidden units, or three principal components of more."""
    from matplotlib.figure import Figure

    places, _ = projected(cloud.points, 3)
    with charts.style():
        figure = Figure(figsize=(5.4, 4.8), layout="constrained")
        ax = figure.add_subplot(projection="3d")
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_pane_color((1, 1, 1, 0))  # the page's own background
        _, means, colours = scattered(ax, places, cloud, machine)
        for start, end in arrows(cloud, machine):
            ax.plot(*np.stack([means[start], means[end]]).T, color=colours[start], linewidth=1, alpha=0.7)
        ax.set(**axis_names(cloud, 3))
        return figure


def scattered(
    ax: Any, places: Float[np.ndarray, "n a"], cloud: Cloud, machine: Machine
) -> tuple[list[str], dict[str, np.ndarray], dict[str, str]]:
    """Draw the points, coloured by state; returns names, means and colours of the states."""
    of_state = np.array(shared_states(machine))[cloud.states]
    names = list(dict.fromkeys(shared_states(machine)))
    names = [name for name in names if (of_state == name).any()]
    means = {name: places[of_state == name].mean(0) for name in names}
    # 1. States that count share the colour of their letter.
    groups = [name[0] for name in names] if is_counting(names) else names
    kinds = list(dict.fromkeys(groups))
    colours = {
        name: COLOURS[kinds.index(group) % len(COLOURS)] for name, group in zip(names, groups, strict=True)
    }
    # 2. As many points as a page can carry, and a name at each mean.
    kept = np.linspace(0, len(places) - 1, min(SHOWN, len(places))).astype(int)
    for name in names:
        some = places[kept][of_state[kept] == name]
        ax.plot(*some.T, "o", markersize=3, alpha=0.35, color=colours[name], markeredgewidth=0)
        if len(names) <= NAMED:
            ax.text(*means[name], name, color=colours[name], weight="bold", fontsize=9)
    return names, means, colours


def is_counting(names: Sequence[str]) -> bool:
    """Whether states are letters with a number, as a12."""
    return all(name[0] in "abc" and name[1:].isdigit() for name in names)


def arrows(cloud: Cloud, machine: Machine) -> dict[tuple[str, str], str]:
    """Transitions between states that occurred, with their symbols."""
    shared, found = shared_states(machine), dict[tuple[str, str], set[str]]()
    later = cloud.before != NOWHERE
    pairs = zip(cloud.states[cloud.before[later]], cloud.states[later], cloud.symbols[later], strict=True)
    for start, end, symbol in set(map(tuple, (map(int, each) for each in pairs))):
        found.setdefault((shared[start], shared[end]), set()).add(machine.symbols[symbol])
    return {pair: ",".join(sorted(symbols)) for pair, symbols in found.items()}


def axis_names(cloud: Cloud, axes: int) -> dict[str, str]:
    """What the axes show."""
    word = "hidden unit" if cloud.points.shape[1] <= axes else "principal component"
    return {f"{axis}label": f"{word} {i}" for i, axis in enumerate("xyz"[:axes], 1)}


def lines(values: Float[np.ndarray, "t h"], text: str, title: str) -> "Figure":
    """A line for each unit along a string, whose symbols stand below."""
    with charts.style():
        figure, ax = charts.panel(max(4.8, 0.24 * len(values)), 3.2)
        for unit, line in enumerate(values.T):
            ax.plot(line, color=COLOURS[unit % len(COLOURS)], marker=".", linewidth=1.4, label=f"{unit + 1}")
        ax.set(xticks=range(len(text)), xticklabels=list(text), title=title)
        ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), title="unit")
        return figure
