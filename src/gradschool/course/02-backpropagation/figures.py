"""Figures of chapter 2."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from gradschool.scratch.backpropagation.scalar import Value
from gradschool.scratch.neurons.many import PLAIN, SHORTCUTS, viewed
from gradschool.scratch.neurons.plane import fractal_cross, polar, twin_spirals

RESULTS = Path(__file__).parent / "results"
KINDS = (
    ("polar", "PolarNet", PLAIN, polar),
    ("raw", "RawNet", PLAIN, None),
    ("short", "ShortNet", SHORTCUTS, None),
)


def measured(name: str) -> dict:
    """What an experiment found."""
    found: dict = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["values"]
    return found


def step_size() -> Figure:
    """Error of one-sided and of central differences for e^x at 1, against the step."""
    h = 10.0 ** np.arange(-13, 0.01, 0.25)
    ahead = (np.exp(1 + h) - np.exp(1)) / h
    central = (np.exp(1 + h) - np.exp(1 - h)) / (2 * h)
    figure, axes = plt.subplots(figsize=(4.4, 2.8))
    for i, (name, slope) in enumerate({"to one side": ahead, "around the point": central}.items()):
        axes.loglog(h, np.abs(slope / np.exp(1) - 1) + 1e-16, color=f"C{i}", label=name)
    axes.axvline(6e-6, color="lightgray", zorder=0)
    axes.set(xlabel="$h$", ylabel="relative error")
    axes.legend(frameon=False)
    return figure


def graph() -> Figure:
    """The graph of y = u (u + a), u = a b, with slopes and gradients as the engine has them."""
    a, b = Value(2), Value(3)
    u = a * b
    v = u + a
    y = u * v
    y.backward()
    spots = {"a": (a, 0, 1.0), "b": (b, 0, -0.2), "u": (u, 1.5, 0), "v": (v, 3, 1.0), "y": (y, 4.5, 0)}
    words = {"a": "$a$", "b": "$b$", "u": "$u=ab$", "v": "$v=u+a$", "y": "$y=uv$"}
    places = {id(value): (left, up) for value, left, up in spots.values()}
    figure, axes = plt.subplots(figsize=(6.4, 2.6))
    for value, left, up in spots.values():
        for parent, slope in ((value.left, value.left_slope), (value.right, value.right_slope)):
            if parent is None:
                continue
            x0, y0 = places[id(parent)]
            axes.annotate(
                "", (left - 0.38, up), (x0 + 0.38, y0), arrowprops={"arrowstyle": "->", "color": "gray"}
            )
            axes.text(
                (x0 + left) / 2,
                (y0 + up) / 2,
                f"{slope:g}",
                ha="center",
                va="center",
                backgroundcolor="white",
            )
    for name, (value, left, up) in spots.items():
        box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "black"}
        axes.text(left, up, f"{words[name]}\n{value.data:g}", ha="center", va="center", bbox=box)
        axes.text(left, up - 0.36, f"{value.grad:g}", ha="center", va="top", color="C0", weight="bold")
    axes.set(xlim=(-0.5, 5), ylim=(-0.85, 1.4))
    axes.axis("off")
    return figure


def grid(reach: float, side: int = 161) -> np.ndarray:
    """Points of a square around the origin, row by row, (side^2, 2)."""
    axis = np.linspace(-reach, reach, side)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def seen(form, change, weights, points) -> list[np.ndarray]:
    """Values of all layers of one net at points."""
    table = points if change is None else change(points)
    return [view[0] for view in form.forward([np.array(w)[None] for w in weights], viewed(table, 1))]


def spirals() -> Figure:
    """Where three solved nets say yes, and the 194 points."""
    x, t = twin_spirals()
    points = grid(7)
    figure, every = plt.subplots(1, 3, figsize=(7, 2.6))
    for axes, (key, name, form, change) in zip(every, KINDS, strict=True):
        run = measured("pictures")[key]
        logits = seen(form, change, run["weights"], points)[-1].reshape(161, 161)
        axes.imshow(logits > 0, cmap="Blues", vmin=0, vmax=3, origin="lower", extent=(-7, 7, -7, 7))
        axes.scatter(*x.T, c=["black" if label else "white" for label in t], s=5, edgecolors="black", lw=0.4)
        axes.set(aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"{name}, epoch {run['epoch']}", fontsize=9)
    return figure


def hidden_units() -> Figure:
    """Eight units of PolarNet and of each layer of ShortNet: where they are on, and where they turn."""
    points = grid(7)
    rows = [("PolarNet", PLAIN, polar, "polar", 0), ("layer 1", SHORTCUTS, None, "short", 0)]
    rows.append(("layer 2", SHORTCUTS, None, "short", 1))
    figure, every = plt.subplots(3, 8, figsize=(7.4, 3.0))
    for axes_row, (name, form, change, key, layer) in zip(every, rows, strict=True):
        weights = measured("pictures")[key]["weights"]
        units = seen(form, change, weights, points)[layer + 1][-len(weights[layer]) :]
        for axes, unit in zip(axes_row, units, strict=False):
            picture = unit.reshape(161, 161)
            axes.imshow(picture, cmap="RdBu_r", vmin=-1, vmax=1, origin="lower", extent=(-7, 7, -7, 7))
            axes.contour(picture[::2, ::2], [0], colors="black", linewidths=0.7, extent=(-7, 7, -7, 7))
            axes.set(xticks=[], yticks=[])
        axes_row[0].set_ylabel(name, fontsize=8)
    return figure


def success() -> Figure:
    """Share of runs that have all points right against hidden units, with 95 % intervals."""
    figure, axes = plt.subplots(figsize=(4.6, 2.8))
    for i, (key, name) in enumerate(
        (("polarnet", "PolarNet"), ("rawnet", "RawNet"), ("shortnet", "ShortNet"))
    ):
        runs = measured(key)
        units = np.array([int(size[1:]) for size in runs]) + 0.12 * (i - 1)
        share = np.array([run["share"] for run in runs.values()])
        reach = [[run["share"] - run["from"], run["to"] - run["share"]] for run in runs.values()]
        axes.errorbar(
            units, share, np.abs(np.array(reach)).T, color=f"C{i}", marker="o", ms=4, capsize=2, label=name
        )
    axes.set(xlabel="units in each hidden layer", ylabel="all 194 points right", ylim=(-0.03, 1.03))
    axes.legend(frameon=False, fontsize=8)
    return figure


def cross() -> Figure:
    """A cross, a cross of crosses as a grid of 16 by 16 points, and finer."""
    figure, every = plt.subplots(1, 3, figsize=(6, 2.2))
    for axes, (levels, side) in zip(every, ((1, 16), (2, 16), (3, 54)), strict=True):
        _, on = fractal_cross(levels, side)
        axes.imshow(on.reshape(side, side), cmap="gray_r", vmin=-0.15, vmax=1)
        axes.set(aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"level {levels}, {side} x {side}", fontsize=9)
    return figure
