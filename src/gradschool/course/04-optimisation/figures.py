"""Figures of chapter 4."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from gradschool.classroom.author.figure import measured, panels
from gradschool.engine.schedule import Schedule
from gradschool.ops import optim
from gradschool.scratch.neurons.encoders import segment, train
from gradschool.scratch.statistics.generalisation import least_norm, polynomial


def overfit() -> Figure:
    """Training and validation loss of a network that learns wrong labels by heart."""
    run = measured(__file__, "overfitting")
    figure, axes = panels(1, 1, (5.4, 3))
    epochs = range(run["epochs"] + 1)
    for i, (key, label) in enumerate((("train_loss", "training digits"), ("new_loss", "new digits"))):
        axes.plot(epochs, run[key]["median"], color=f"C{i}", label=label)
        axes.fill_between(epochs, run[key]["lower"], run[key]["upper"], color=f"C{i}", alpha=0.25, lw=0)
    axes.axvline(run["best"]["epoch"], color="black", alpha=0.5, lw=0.8, ls=":")
    axes.annotate("stop here", (run["best"]["epoch"] + 2, 1.5), fontsize=10)
    axes.set(xlabel="epochs", ylabel="cross-entropy (nats)", ylim=(0, 2.4), xlim=(0, run["epochs"]))
    axes.legend(frameon=False, fontsize=9)
    return figure


def three_rates() -> Figure:
    """Gradient descent on a parabola with a small, a good and a too large learning rate."""
    figure, axes = panels(1, 3, (6, 2.3), sharey=True)
    grid = np.linspace(-3, 3, 100)
    for panel, (name, rate) in zip(axes, (("small", 0.1), ("good", 0.7), ("too large", 2.08)), strict=True):
        path = 1.4 * (1 - rate) ** np.arange(11)
        panel.plot(grid, grid**2 / 2, color="black", alpha=0.4, lw=1)
        panel.plot(path, path**2 / 2, color="C0", marker=".", ms=6, lw=0.8)
        panel.scatter(path[0], path[0] ** 2 / 2, color="C1", s=30, zorder=3)
        panel.set(title=rf"{name}, $\eta$ = {rate:g}", xlabel=r"$\theta$", xlim=(-3, 3), ylim=(-0.2, 4.5))
    axes[0].set_ylabel("loss")
    return figure


def sweep() -> Figure:
    """Training loss after 8 epochs by learning rate."""
    run = measured(__file__, "learning_rates")
    figure, axes = panels(1, 1, (5, 2.7))
    axes.plot(run["rates"], run["median"], "o-", ms=4)
    axes.fill_between(run["rates"], run["lower"], run["upper"], alpha=0.25, lw=0)
    axes.axhline(np.log(10), color="black", alpha=0.5, lw=0.8, ls=":")
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss (nats)", ylim=(0, 2.6))
    return figure


def ravine() -> Figure:
    """Paths of four step functions through a ravine."""
    ways = {
        "gradient descent": (optim.sgd, {"lr": 0.035}),
        "momentum": (optim.momentum, {"lr": 0.02, "momentum": 0.9}),
        "Nesterov": (optim.nesterov, {"lr": 0.02, "momentum": 0.9}), "Adam": (optim.adam, {"lr": 0.1}),
    }  # fmt: skip
    figure, axes = panels(2, 2, (6, 4), sharex=True, sharey=True)
    for panel, (name, (step, numbers)) in zip(axes.flat, ways.items(), strict=True):
        theta, path = torch.tensor([-2.0, 0.6]), []
        state: dict = {}
        for _ in range(40):
            path.append(theta.tolist())
            theta, state = step(theta, theta * torch.tensor([1.0, 50.0]), state, **numbers)  # type: ignore[operator]
        # Lines of equal loss x^2 / 2 + 25 y^2 = r^2 are ellipses.
        for r in np.linspace(0.3, 4.5, 15):
            axis = 2 * r * 2**0.5
            panel.add_patch(Ellipse((0, 0), axis, axis / 50**0.5, color="C0", alpha=0.07, lw=0))
            panel.add_patch(
                Ellipse((0, 0), axis, axis / 50**0.5, fill=False, color="black", alpha=0.3, lw=0.5)
            )
        panel.plot(*np.array(path).T, color="C1", marker=".", ms=4, lw=1)
        panel.scatter(0, 0, marker="+", s=60, color="black", zorder=3)
        panel.set(xlim=(-2.3, 1.2), ylim=(-0.9, 0.9), title=name)
    for panel in axes[1]:
        panel.set_xlabel(r"$\theta_1$")
    for panel in axes[:, 0]:
        panel.set_ylabel(r"$\theta_2$")
    return figure


def race() -> Figure:
    """Training loss of every optimiser after each epoch."""
    found = measured(__file__, "optimisers")
    groups = ("sgd", "momentum", "nesterov", "muon"), ("rmsprop", "adam", "adamw", "adamax", "adadelta")
    names = {"sgd": "gradient descent", "rmsprop": "RMSprop", "adamw": "AdamW"}
    figure, axes = panels(1, 2, (6, 3.4), sharey=True)
    for panel, group in zip(axes, groups, strict=True):
        for i, name in enumerate(group):
            style = {"color": f"C{i}"} if i < 4 else {"color": "black", "ls": "--"}
            panel.plot(found[name]["curve"], label=names.get(name, name.capitalize()), **style)
        panel.set(xlabel="epochs", yscale="log", ylim=(0.006, 3))
        panel.legend(frameon=False, fontsize=9, loc="lower left")
    axes[0].set_ylabel("training loss (nats)")
    return figure


def schedules() -> Figure:
    """Factors over the run."""
    figure, axes = panels(1, 1, (5.4, 3.1))
    places = np.linspace(0, 1, 401)
    for label, schedule in (
        ("cosine, warm-up 0.1", Schedule("cosine", warmup=0.1)),
        ("one cycle, warm-up 0.3", Schedule("one_cycle", warmup=0.3, final=0.02)),
        ("linear", Schedule("linear")),
        ("step", Schedule("step")),
    ):
        axes.plot(places, [schedule.factor(float(p)) for p in places], label=label)
    axes.set(xlabel="progress of the run", ylabel="factor of the learning rate")
    figure.legend(frameon=False, fontsize=9, ncols=2, loc="outside lower center")
    return figure


def depth() -> Figure:
    """Mean square of the activations by layer."""
    groups = {
        "ReLU": {"relu_small": "0.5/n", "relu_xavier": "1/n", "relu_kaiming": "2/n", "relu_large": "8/n"},
        "tanh": {"tanh_xavier": "1/n", "tanh_large": "8/n"},
    }
    found = measured(__file__, "initial")
    figure, axes = panels(1, 2, (6, 3.2))
    colors = {"0.5/n": "C0", "1/n": "C1", "2/n": "C2", "8/n": "C3"}
    for panel, (name, group) in zip(axes, groups.items(), strict=True):
        for key, label in group.items():
            run = found[key]
            panel.plot(run["median"], color=colors[label], label=label)
            panel.fill_between(range(31), run["lower"], run["upper"], color=colors[label], alpha=0.25, lw=0)
        panel.set(title=name, xlabel="layer", yscale="log")
    axes[0].set_ylabel("mean square")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, frameon=False, fontsize=9, ncols=4, loc="outside lower center")
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
    figure, axes = panels(2, 4, (6, 3.3))
    for panel, epochs in zip(axes.flat, (50, 100, 200, 300, 500, 1000, 2000, 3000), strict=True):
        found = train(np.eye(9, dtype=int), 1, np.random.default_rng(0), epochs)
        draw_net(panel, found.points[0], found.lines[0])
        panel.set_title(f"{epochs} epochs")
    return figure


def pictures() -> Figure:
    """What trained nets have drawn."""
    found = measured(__file__, "encoders")
    names = ["star16", "heart18", "ch34", "house10", "fish17"]
    figure, axes = panels(2, 3, (6, 4.3))
    axes.flat[-1].axis("off")
    for panel, name in zip(axes.flat, names, strict=False):
        net = found[name]["drawn"]
        draw_net(panel, np.array(net["points"]), np.array(net["lines"]))
        panel.set_title(name)
    return figure


def three_fits() -> Figure:
    """Polynomials of three degrees through the same points, and through nine further sets."""
    x, at = np.linspace(-1, 1, 15), np.linspace(-1, 1, 200)
    figure, axes = panels(1, 3, (6, 2.5), sharey=True)
    for panel, degree in zip(axes, (1, 3, 12), strict=True):
        for seed in reversed(range(10)):
            y = np.sin(3 * x) + np.random.default_rng(seed).normal(0, 0.3, 15)
            w = least_norm(polynomial(x, degree), y)
            panel.plot(at, polynomial(at, degree) @ w, color="C0", alpha=0.25 if seed else 1, lw=1)
        panel.scatter(x, y, s=8, color="black", zorder=3)
        panel.plot(at, np.sin(3 * at), color="C1", lw=1, ls="--")
        panel.set(ylim=(-2, 2), title=f"degree {degree}", xlabel="$x$")
    axes[0].set_ylabel("$y$")
    return figure


def trade() -> Figure:
    """Bias and variance by degree."""
    rows = measured(__file__, "bias")["rows"]
    figure, axes = panels(1, 1, (5, 2.8))
    degrees = [row["degree"] for row in rows]
    for i, (key, label) in enumerate((("bias", "bias²"), ("variance", "variance"), ("error", "sum"))):
        axes.plot(
            degrees, [row[key] for row in rows], color=("C0", "C1", "black")[i], marker=".", label=label
        )
    axes.set(xlabel="degree", ylabel="mean squared error", ylim=(0, 0.6))
    axes.legend(frameon=False, fontsize=9)
    return figure


def descent_twice() -> Figure:
    """Test error, training error and length of the weights by number of features."""
    found = measured(__file__, "double_descent")
    counts = found["counts"]
    figure, axes = panels(1, 2, (6, 2.9))
    axes[0].plot(counts, found["test"]["median"], color="C0", label="new points")
    axes[0].fill_between(counts, found["test"]["lower"], found["test"]["upper"], color="C0", alpha=0.2, lw=0)
    axes[0].plot(counts, np.maximum(found["train"], 1e-4), color="C1", label="training points")
    axes[0].set(ylabel="mean squared error", ylim=(0.01, 300))
    axes[0].legend(frameon=False, fontsize=9, loc="upper right")
    axes[1].plot(counts, found["norm"], color="C2")
    axes[1].set(ylabel="length of the weights")
    for panel in axes:
        panel.axvline(found["points"], color="black", alpha=0.3, lw=1, zorder=0)
        panel.set(xlabel="features", xscale="log", yscale="log")
    return figure
