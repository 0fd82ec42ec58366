"""Figures of chapter 4."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradschool.engine.schedule import Schedule
from gradschool.ops import optim
from gradschool.scratch.neurons.encoders import segment, train
from gradschool.scratch.statistics.generalisation import least_norm, polynomial

RESULTS = Path(__file__).parent / "results"


def values(name: str) -> dict:
    """What an experiment found."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["values"]


def ravine() -> Figure:
    """Paths of four step functions through a ravine."""
    ways = {
        "gradient": (optim.sgd, {"lr": 0.035}), "heavy ball": (optim.momentum, {"lr": 0.02, "momentum": 0.9}),
        "Nesterov": (optim.nesterov, {"lr": 0.02, "momentum": 0.9}), "Adam": (optim.adam, {"lr": 0.1}),
    }  # fmt: skip
    figure, axes = plt.subplots(2, 2, figsize=(6.4, 3.6), sharex=True, sharey=True)
    x, y = np.meshgrid(np.linspace(-2.3, 1.2, 120), np.linspace(-0.9, 0.9, 80))
    for panel, (name, (step, numbers)) in zip(axes.flat, ways.items(), strict=True):
        theta, path = torch.tensor([-2.0, 0.6]), []
        state: dict = {}
        for _ in range(40):
            path.append(theta.tolist())
            theta, state = step(theta, theta * torch.tensor([1.0, 50.0]), state, **numbers)  # type: ignore[operator]
        panel.contour(x, y, x**2 / 2 + 25 * y**2, levels=10, colors="lightgray", linewidths=0.6)
        panel.plot(*np.array(path).T, color="C0", marker=".", ms=3, lw=0.8)
        panel.scatter(0, 0, marker="+", color="black", zorder=3)
        panel.set_title(name, fontsize=9)
        panel.set(xlim=(-2.3, 1.2), ylim=(-0.9, 0.9))
    figure.tight_layout()
    return figure


def race() -> Figure:
    """Training loss of every optimiser after each epoch."""
    found = values("optimisers")
    figure, axes = plt.subplots(figsize=(5.4, 3))
    for i, (name, run) in enumerate((k, v) for k, v in found.items() if isinstance(v, dict)):
        axes.plot(run["curve"], color=f"C{i}", label=f"{name}, {run['rate']:g}")
    axes.set(xlabel="epochs", ylabel="training loss", yscale="log")
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    return figure


def schedules() -> Figure:
    """Factors over the run."""
    figure, axes = plt.subplots(figsize=(4.8, 2.4))
    places = np.linspace(0, 1, 401)
    for label, schedule in (
        ("cosine, warm-up 0.1", Schedule("cosine", warmup=0.1)),
        ("one cycle, warm-up 0.3", Schedule("one_cycle", warmup=0.3, final=0.02)),
        ("linear", Schedule("linear")),
        ("step", Schedule("step")),
    ):
        axes.plot(places, [schedule.factor(float(p)) for p in places], label=label)
    axes.set(xlabel="progress", ylabel="factor of the rate")
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    return figure


def depth() -> Figure:
    """Mean square of the values by layer."""
    labels = {
        "relu_kaiming": "ReLU, variance 2/n", "relu_xavier": "ReLU, 1/n", "relu_small": "ReLU, 0.5/n",
        "relu_large": "ReLU, 8/n", "tanh_xavier": "tanh, 1/n", "tanh_large": "tanh, 8/n",
    }  # fmt: skip
    found = values("initial")
    figure, axes = plt.subplots(figsize=(5.2, 2.8))
    for i, (name, label) in enumerate(labels.items()):
        line = "--" if name.startswith("tanh") else "-"
        axes.plot(found[name]["median"], line, color=f"C{i}", label=label)
        axes.fill_between(
            range(31), found[name]["lower"], found[name]["upper"], color=f"C{i}", alpha=0.2, lw=0
        )
    axes.set(xlabel="layer", ylabel="mean square", yscale="log")
    axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    return figure


def draw_net(axes: Axes, points: np.ndarray, lines: np.ndarray) -> None:
    """Dots and lines of an encoder in the square of its hidden units."""
    for line in lines:
        ends = segment(line)
        if ends is not None:
            axes.plot(*ends.T, color="C0", lw=0.7)
    axes.scatter(points[:, 0], points[:, 1], s=10, color="black", zorder=3)
    axes.set(xlim=(-1.04, 1.04), ylim=(-1.04, 1.04), xticks=[], yticks=[], aspect="equal")


def dynamics() -> Figure:
    """A 9-2-9 net at eight moments of its training."""
    figure, axes = plt.subplots(2, 4, figsize=(6.6, 3.6))
    for panel, epochs in zip(axes.flat, (50, 100, 200, 300, 500, 1000, 2000, 3000), strict=True):
        found = train(np.eye(9, dtype=int), 1, np.random.default_rng(0), epochs)
        draw_net(panel, found.points[0], found.lines[0])
        panel.set_title(f"{epochs} epochs", fontsize=8)
    figure.tight_layout()
    return figure


def pictures() -> Figure:
    """What trained nets have drawn."""
    found = values("encoders")
    names = ["star16", "heart18", "ch34", "house10", "fish17"]
    figure, axes = plt.subplots(2, 3, figsize=(6.4, 4.5))
    axes.flat[-1].axis("off")
    for panel, name in zip(axes.flat, names, strict=False):
        net = found[name]["drawn"]
        draw_net(panel, np.array(net["points"]), np.array(net["lines"]))
        panel.set_title(name, fontsize=8)
    figure.tight_layout()
    return figure


def three_fits() -> Figure:
    """Polynomials of three degrees through the same points, and through nine further sets."""
    x, at = np.linspace(-1, 1, 15), np.linspace(-1, 1, 200)
    figure, axes = plt.subplots(1, 3, figsize=(6.6, 2.3), sharey=True)
    for panel, degree in zip(axes, (1, 3, 12), strict=True):
        for seed in reversed(range(10)):
            y = np.sin(3 * x) + np.random.default_rng(seed).normal(0, 0.3, 15)
            w = least_norm(polynomial(x, degree), y)
            panel.plot(at, polynomial(at, degree) @ w, color="C0", alpha=0.25 if seed else 1, lw=1)
        panel.scatter(x, y, s=8, color="black", zorder=3)
        panel.plot(at, np.sin(3 * at), color="C1", lw=1, ls="--")
        panel.set(ylim=(-2, 2), title=f"degree {degree}")
    figure.tight_layout()
    return figure


def trade() -> Figure:
    """Bias and variance by degree."""
    rows = values("bias")["rows"]
    figure, axes = plt.subplots(figsize=(4.4, 2.6))
    degrees = [row["degree"] for row in rows]
    for i, (key, label) in enumerate((("bias", "bias²"), ("variance", "variance"), ("error", "sum"))):
        axes.plot(
            degrees, [row[key] for row in rows], color=("C0", "C1", "black")[i], marker=".", label=label
        )
    axes.set(xlabel="degree", ylabel="error", ylim=(0, 0.6))
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return figure


def descent_twice() -> Figure:
    """Test error, training error and length of the weights by number of features."""
    found = values("double_descent")
    counts = found["counts"]
    figure, axes = plt.subplots(1, 2, figsize=(6.6, 2.7))
    axes[0].plot(counts, found["test"]["median"], color="C0", label="new points")
    axes[0].fill_between(counts, found["test"]["lower"], found["test"]["upper"], color="C0", alpha=0.2, lw=0)
    axes[0].plot(counts, np.maximum(found["train"], 1e-4), color="C1", label="training points")
    axes[0].set(ylabel="squared error", ylim=(0.01, 50))
    axes[0].legend(frameon=False, fontsize=8)
    axes[1].plot(counts, found["norm"], color="C2")
    axes[1].set(ylabel="length of the weights")
    for panel in axes:
        panel.axvline(found["points"], color="lightgray", zorder=0)
        panel.set(xlabel="features", xscale="log", yscale="log")
    figure.tight_layout()
    return figure
