"""Boxes and arrows for drawings of networks and automata."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch


def canvas(width: float, height: float, size: tuple[float, float]):
    """Axes without ticks, in units of the drawing."""
    figure, axes = plt.subplots(figsize=size)
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axes.axis("off")
    figure.subplots_adjust(0, 0, 1, 1)
    return figure, axes


def box(axes, x, y, text, color="black", w=0.9, h=0.6):
    """A rounded box around its middle (x, y)."""
    axes.add_patch(FancyBboxPatch((x - w / 2, y - h / 2), w, h, boxstyle="round,pad=0,rounding_size=0.1",
                                  fill=False, edgecolor=color, lw=1.4))  # fmt: skip
    axes.text(x, y, text, ha="center", va="center", fontsize=12)


def arrow(axes, start, end, color="black", bend=0.0, lw=1.4, style="-|>"):
    """An arrow from point to point."""
    form = {"arrowstyle": style, "color": color, "lw": lw, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops={**form, "connectionstyle": f"arc3,rad={bend}"})


def arcs(axes, rows, places):
    """States as circles and the arrows between them, each with its letter."""
    for name, (x, y) in places.items():
        axes.add_patch(plt.Circle((x, y), 0.34, fill=False, ec="black", lw=1.3))
        axes.text(x, y, name if len(name) < 3 else "", ha="center", va="center", fontsize=10)
    for a, b, letter in rows:
        start, end = np.array(places[a], float), np.array(places[b], float)
        if a == b:
            up = 1 if start[1] > 1.9 else -1
            x, y = places[a]
            arrow(axes, (x - 0.2, y + 0.28 * up), (x + 0.2, y + 0.28 * up), bend=-1.9 * up)
            axes.text(x, y + up, letter, ha="center", va="center", fontsize=11, color="C0")
            continue
        way = (end - start) / np.linalg.norm(end - start)
        arrow(axes, start + 0.36 * way, end - 0.36 * way)
        middle = (start + end) / 2 + 0.28 * np.array([-way[1], way[0]])
        axes.text(*middle, letter, ha="center", va="center", fontsize=11, color="C0")
