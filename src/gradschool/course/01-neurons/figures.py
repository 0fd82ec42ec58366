"""Figures of chapter 1."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from gradschool.scratch.neurons.perceptron import train

RESULTS = Path(__file__).parent / "results"


def dots(axes, points, targets) -> None:
    """Empty circles for class 0, full ones for class 1."""
    for (x, y), target in zip(points, targets, strict=True):
        axes.scatter(x, y, facecolors="black" if target else "white", edgecolors="black", zorder=3)
    axes.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")


def decision_line() -> Figure:
    """AND as a line between four points, with the weights as an arrow."""
    figure, axes = plt.subplots(figsize=(3.6, 3.2))
    x = np.array([-0.4, 1.6])
    axes.fill_between(x, 1.5 - x, 1.8, color="C0", alpha=0.12, lw=0)
    axes.plot(x, 1.5 - x, color="C0")
    axes.annotate("", (1.1, 1.1), (0.75, 0.75), arrowprops={"arrowstyle": "->", "color": "C0"})
    axes.scatter([0, 0, 1], [0, 1, 0], marker="o", facecolors="none", edgecolors="black", label="0")
    axes.scatter([1], [1], marker="o", color="black", label="1")
    axes.set(xlim=(-0.4, 1.6), ylim=(-0.4, 1.6), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.legend(title="AND", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def moving_line() -> Figure:
    """The line after every step of the traced example, faint at first, dark at the end."""
    points, targets = [(0, 1), (2, 0), (1, 1)], [0, 0, 1]
    trace = train(points, targets, (-1.5, 0, 2))
    figure, axes = plt.subplots(figsize=(3.6, 3))
    x = np.array([-0.6, 2.6])
    moved = [row for row in trace.steps if row.action != "none"]
    for i, row in enumerate(moved, 1):
        w0, w1, w2 = row.weights
        axes.plot(x, -(w0 + w1 * x) / w2, color="C0", alpha=(i / len(moved)) ** 2)
    dots(axes, points, targets)
    axes.set(xlim=(-0.6, 2.6), ylim=(-0.6, 3))
    return figure


def xor_lifted() -> Figure:
    """XOR in the plane, and with the AND of both inputs as a third coordinate."""
    points, targets = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    figure = plt.figure(figsize=(6.2, 2.9))
    flat = figure.add_subplot(1, 2, 1)
    dots(flat, points, targets)
    flat.set(xlim=(-0.4, 1.4), ylim=(-0.4, 1.4), title="no line")
    space = figure.add_subplot(1, 2, 2, projection="3d")
    a, b = np.meshgrid([-0.1, 1.1], [-0.1, 1.1])
    space.plot_surface(a, b, (a + b - 0.5) / 2, color="C0", alpha=0.25)
    for (x, y), target in zip(points, targets, strict=True):
        color = "black" if target else "white"
        space.scatter(x, y, x * y, facecolors=color, edgecolors="black", depthshade=False)
    space.set(xlabel="$x_1$", ylabel="$x_2$", title="a plane", xticks=[0, 1], yticks=[0, 1], zticks=[0, 1])
    space.set_zlabel("AND", labelpad=-8)
    space.view_init(18, -65)
    return figure


def capacity() -> Figure:
    """Share of labelings that a plane can make, counted and measured."""
    values = json.loads((RESULTS / "capacity.json").read_text(encoding="utf-8"))["values"]
    figure, axes = plt.subplots(figsize=(4.4, 2.8))
    for i, (d, run) in enumerate(values.items()):
        axes.plot(run["ratio"], run["exact"], color=f"C{i}", label=f"$d$ = {d[1:]}")
        axes.scatter(run["ratio"], run["measured"], color=f"C{i}", s=18, zorder=3)
    axes.axvline(2, color="lightgray", zorder=0)
    axes.set(xlabel="points per weight, $n / (d + 1)$", ylabel="share of labelings", ylim=(-0.03, 1.05))
    axes.legend(frameon=False)
    return figure


def alike() -> Figure:
    """Total loss of ten equal inputs, eight of class 1, as a function of the one output."""
    y = np.linspace(0.02, 0.98, 200)
    losses = {
        "squared error": 8 * (y - 1) ** 2 + 2 * y**2,
        "cross-entropy": -8 * np.log(y) - 2 * np.log(1 - y),
        "absolute error": 8 * (1 - y) + 2 * y,
    }
    figure, axes = plt.subplots(figsize=(4.4, 2.8))
    for i, (name, loss) in enumerate(losses.items()):
        axes.plot(y, loss, color=f"C{i}", label=name)
        least = loss.argmin()
        axes.scatter(y[least], loss[least], color=f"C{i}", zorder=3)
    axes.set(xlabel="output $y$", ylabel="loss of all ten", ylim=(0, 16))
    axes.legend(frameon=False)
    return figure
