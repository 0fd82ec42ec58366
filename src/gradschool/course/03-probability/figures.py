"""Figures of chapter 3."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from gradschool.scratch.statistics.dimensions import ball_share
from gradschool.scratch.statistics.information import entropy
from gradschool.scratch.statistics.probability import coin, map_weights
from gradschool.scratch.statistics.shift import fit_weighted, importance_weights
from gradschool.scratch.statistics.thermal import counted, density, von_neumann

RESULTS = Path(__file__).parent / "results"


def measured(name) -> dict:
    """What an experiment found."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["values"]


def coin_density() -> Figure:
    """Prior, likelihood and posterior of a coin, with the three estimates."""
    p = np.linspace(0.001, 0.999, 400)
    heads, tails, a, b = 3, 0, 2, 2
    figure, axes = plt.subplots(figsize=(4.8, 2.8))
    curves = {
        "prior": (a - 1, b - 1),
        "likelihood": (heads, tails),
        "posterior": (heads + a - 1, tails + b - 1),
    }
    for i, (name, (up, down)) in enumerate(curves.items()):
        height = p**up * (1 - p) ** down
        axes.plot(p, height / height.sum() / (p[1] - p[0]), color=f"C{i}", label=name)
    sides = {"MLE": "center", "MAP": "left", "mean": "right"}
    for value, (name, side) in zip(coin(heads, tails, a, b), sides.items(), strict=True):
        axes.axvline(value, color="gray", lw=0.8, ls=":")
        axes.annotate(name, (value, 4.35), ha=side, fontsize=8, annotation_clip=False)
    axes.set(xlabel="probability of heads", ylabel="density", xlim=(0, 1.02), ylim=(0, 4.2))
    axes.legend(frameon=False, loc="upper left", fontsize=8)
    return figure


def same_top() -> Figure:
    """Log-likelihood and log-posterior of a slope for three assumed sigmas."""
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (10, 1))
    y = 2 * x[:, 0] + 0.5 * rng.normal(size=10)
    slopes = np.linspace(-0.5, 3.5, 400)
    squares = ((y[:, None] - x * slopes) ** 2).sum(axis=0)
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.6), sharey=True)
    for i, sigma in enumerate((0.5, 1.0, 2.0)):
        fit = -squares / (2 * sigma**2)
        for panel, tau in enumerate((np.inf, 0.8)):
            total = fit - slopes**2 / (2 * tau**2)
            axes[panel].plot(slopes, total - total.max(), color=f"C{i}", label=rf"$\sigma$ = {sigma:g}")
            top = map_weights(x, y, sigma, tau)[0]
            axes[panel].plot([top, top], [-4, 0], color=f"C{i}", ls=":")
    axes[0].set(title="likelihood", xlabel="slope", ylabel="logarithm, from its top", ylim=(-4, 0.2))
    axes[1].set(title="posterior", xlabel="slope")
    axes[1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def monte_carlo() -> Figure:
    """Error of the sampled divergence against the number of points."""
    figure, axes = plt.subplots(figsize=(4.4, 2.8))
    for i, (d, run) in enumerate(measured("gaussians").items()):
        axes.loglog(run["points"], run["standard_error"], color=f"C{i}", lw=1)
        axes.scatter(run["points"], run["error"], color=f"C{i}", s=18, label=f"$d$ = {d[1:]}", zorder=3)
    axes.set(xlabel="points drawn", ylabel="error in nats")
    axes.legend(frameon=False)
    return figure


def entropies() -> Figure:
    """Boltzmann's count as systems are added, and two entropies of a mixture as its states turn together."""
    figure, axes = plt.subplots(1, 2, figsize=(6.6, 2.7))
    copies = [8 * 2**k for k in range(12)]
    axes[0].semilogx(copies, [counted([n // 2, n // 4, n // 8, n // 8]) for n in copies], "o-", ms=3)
    axes[0].axhline(1.75, color="gray", lw=0.8, ls=":")
    axes[0].set(xlabel="systems $N$", ylabel="$\\log_2 W / N$ in bits", ylim=(1, 1.8))
    angles = np.linspace(0, 90, 91)
    mixed, shown = [], []
    for angle in np.radians(angles):
        states = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        rho = density(np.array([0.5, 0.5]), states)
        mixed.append(von_neumann(rho))
        shown.append(float(entropy(np.diag(rho))))
    axes[1].axhline(1, color="C2", lw=1, label="Shannon, of the preparation")
    axes[1].plot(angles, shown, color="C1", label="Shannon, of one measurement")
    axes[1].plot(angles, mixed, color="C0", label="von Neumann")
    axes[1].set(xlabel="angle between the two states", ylabel="bits", ylim=(-0.03, 1.45))
    axes[1].set_xticks([0, 30, 60, 90])
    axes[1].legend(frameon=False, fontsize=7, loc="upper left")
    figure.tight_layout()
    return figure


def shift() -> Figure:
    """Lines fitted to the source, weighted, and to the target, with common support and without."""
    figure, panels = plt.subplots(1, 2, figsize=(6.8, 3), sharey=True)
    draws = [
        ("common support", lambda r, n: r.normal(0.5, 0.5, n), lambda r, n: r.normal(0, 0.3, n)),
        ("none", lambda r, n: r.uniform(0.6, 1.4, n), lambda r, n: r.uniform(-0.4, 0.4, n)),
    ]
    grid = np.linspace(-0.9, 1.7, 200)
    for axes, (name, source, target) in zip(panels, draws, strict=True):
        rng = np.random.default_rng(0)
        xs, xt = source(rng, 200), target(rng, 200)
        ys, yt = (x**3 - x + 0.3 * rng.normal(size=200) for x in (xs, xt))
        weights = importance_weights(np.column_stack([xs, xs**2]), np.column_stack([xt, xt**2]))
        axes.scatter(xs, ys, s=3 + 12 * weights / weights.max(), color="C0", alpha=0.45, lw=0)
        axes.scatter(xt, yt, s=5, color="C1", alpha=0.45, lw=0)
        axes.plot(grid, grid**3 - grid, color="gray", lw=1)
        rows = [np.column_stack([np.ones(len(x)), x]) for x in (xs, xt, grid)]
        lines = {
            "source": (fit_weighted(rows[0], ys, np.ones(200)), "C0", "-"),
            "source, weighted": (fit_weighted(rows[0], ys, weights), "C0", "--"),
            "target": (fit_weighted(rows[1], yt, np.ones(200)), "C1", "-"),
        }
        for label, (w, color, style) in lines.items():
            axes.plot(grid, rows[2] @ w, color=color, ls=style, label=label)
        axes.set(title=name, xlabel="$x$", ylim=(-1.8, 2.2), xlim=(-0.9, 1.7))
    panels[0].legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def curse() -> Figure:
    """Volume of the ball, contrast of distances, error of the nearest neighbour, against the dimension."""
    run = measured("curse")
    figure, axes = plt.subplots(1, 3, figsize=(7.4, 2.5))
    dimensions = np.arange(1, 21)
    axes[0].semilogy(dimensions, [ball_share(int(d)) for d in dimensions], "o-", ms=3)
    axes[0].set(title="ball's share of the cube", xlabel="dimensions", xticks=[1, 5, 10, 15, 20])
    titles = {"contrast": "contrast of distances", "error": "error of the neighbour"}
    for panel, (key, title) in enumerate(titles.items()):
        medians = [v["median"] for v in run[key]]
        low, high = ([v[side] for v in run[key]] for side in ("lower", "upper"))
        axes[panel + 1].plot(run["dimensions"], medians, "o-", ms=3)
        axes[panel + 1].fill_between(run["dimensions"], low, high, alpha=0.25, lw=0)
        axes[panel + 1].set(title=title, xlabel="dimensions", xscale="log")
    axes[1].set(yscale="log")
    axes[2].axhline(0.5, color="gray", lw=0.8, ls=":")
    axes[2].set(ylim=(0, 1.15))
    for panel in axes:
        panel.title.set_fontsize(9)
    figure.tight_layout()
    return figure
