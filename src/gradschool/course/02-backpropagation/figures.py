"""Figures of chapter 2."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gradschool.classroom.author.figure import measured
from gradschool.scratch.backpropagation.descent import descend
from gradschool.scratch.backpropagation.mlp import RELU, SIGMOID, TANH
from gradschool.scratch.backpropagation.scalar import Value
from gradschool.scratch.neurons.many import PLAIN, SHORTCUTS, viewed
from gradschool.scratch.neurons.plane import fractal_cross, polar, twin_spirals

plt.rcParams["font.size"] = 10
KINDS = (
    ("polar", "PolarNet", PLAIN, polar),
    ("raw", "RawNet", PLAIN, None),
    ("short", "ShortNet", SHORTCUTS, None),
)


def step_size() -> Figure:
    """Error of one-sided and of central differences for e^x at 1, against the step."""
    h = 10.0 ** np.arange(-13, 0.01, 0.25)
    ahead = (np.exp(1 + h) - np.exp(1)) / h
    central = (np.exp(1 + h) - np.exp(1 - h)) / (2 * h)
    figure, axes = plt.subplots(figsize=(5.2, 3))
    for i, (name, slope) in enumerate({"one-sided": ahead, "central": central}.items()):
        axes.loglog(h, np.abs(slope / np.exp(1) - 1) + 1e-16, color=f"C{i}", label=name)
    axes.axvline(6e-6, color="black", alpha=0.3, zorder=0)
    axes.set(xlabel="step $h$", ylabel="relative error")
    axes.legend(frameon=False)
    return figure


def graph() -> Figure:
    """The graph of y = u (u + a), u = a b: values forward, gradients backward, as the engine has them."""
    a, b = Value(2), Value(3)
    u = a * b
    v = u + a
    y = u * v
    y.backward()
    spots = {"a": (a, 0, 1.1), "b": (b, 0, -0.5), "u": (u, 1.6, 0), "v": (v, 3.2, 1.1), "y": (y, 4.8, 0)}
    words = {"a": "$a$", "b": "$b$", "u": "$u=ab$", "v": "$v=u+a$", "y": "$y=uv$"}
    places = {id(value): (left, up) for value, left, up in spots.values()}
    figure, axes = plt.subplots(figsize=(5.8, 3))
    for value, left, up in spots.values():
        for parent, slope in ((value.left, value.left_slope), (value.right, value.right_slope)):
            if parent is None:
                continue
            x0, y0 = places[id(parent)]
            arrow = {"arrowstyle": "->", "color": "black", "alpha": 0.6, "shrinkA": 24, "shrinkB": 24}
            axes.annotate("", (left, up), (x0, y0), arrowprops=arrow)
            axes.text(
                (x0 + left) / 2, (y0 + up) / 2 + 0.08, f"{slope:g}", ha="center", va="bottom", color="C1"
            )
    for name, (value, left, up) in spots.items():
        box = {"boxstyle": "round,pad=0.35", "facecolor": "none", "edgecolor": "black"}
        axes.text(left, up, f"{words[name]}\n{value.data:g}", ha="center", va="center", bbox=box)
        axes.text(left, up - 0.37, f"{value.grad:g}", ha="center", va="top", color="C0", weight="bold")
    axes.set(xlim=(-0.5, 5.3), ylim=(-1.1, 1.5))
    axes.axis("off")
    return figure


def saturation() -> Figure:
    """Sigmoid, tanh and ReLU with their derivatives."""
    z = np.linspace(-6, 6, 400)
    figure, (values, slopes) = plt.subplots(1, 2, figsize=(5.8, 2.8), sharex=True)
    for i, (name, act) in enumerate({"sigmoid": SIGMOID, "tanh": TANH, "ReLU": RELU}.items()):
        values.plot(z, act.value(z), color=f"C{i}", label=name)
        slopes.plot(z, act.slope(act.value(z)), color=f"C{i}")
    values.set(xlabel="weighted sum $z$", title="activation", ylim=(-1.2, 2.2))
    slopes.set(xlabel="weighted sum $z$", title="derivative", ylim=(-0.05, 1.1))
    values.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    return figure


def depth() -> Figure:
    """Size of the gradient in each hidden layer, against that in the last, for five kinds of networks."""
    lines = {
        "sigmoid": ("sigmoid", "C0-", 0.0),
        "small": ("tanh, $g=0.5$", "C1--", 0.0),
        "tanh": ("tanh, $g=1$", "C1-", -0.6),
        "relu": ("ReLU, $g=1.41$", "C2-", 0.6),
        "large": ("ReLU, $g=3$", "C2--", 0.0),
    }
    figure, axes = plt.subplots(figsize=(5.6, 3.4))
    for key, (name, style, up) in lines.items():
        sizes = np.array(measured(__file__, "depth")[key]["layers"])
        axes.semilogy(np.arange(1, len(sizes) + 1), sizes, style)
        axes.text(0.7, sizes[0] * 10**up, name, color=style[:2], ha="right", va="center", fontsize=9)
    axes.set(xlabel="hidden layer (the output is to the right)", ylabel="gradient / that of layer 20")
    axes.set(xlim=(-6.5, 20.5), xticks=[1, 5, 10, 15, 20])
    return figure


def surface() -> Figure:
    """A loss of two weights: two minima and a saddle point, with paths of gradient descent."""

    def loss(w):
        return w[0] ** 4 / 4 - w[0] ** 2 / 2 + 0.15 * w[0] + w[1] ** 2 / 2

    def gradient(w):
        return np.array([w[0] ** 3 - w[0] + 0.15, w[1]])

    axis_x, axis_y = np.linspace(-1.6, 1.6, 160), np.linspace(-1.1, 1.1, 120)
    heights = loss(np.stack(np.meshgrid(axis_x, axis_y)))
    figure, axes = plt.subplots(figsize=(5.6, 3.4))
    levels = np.linspace(-0.4, 0.9, 27)
    axes.contour(axis_x, axis_y, heights, levels, colors="black", alpha=0.25, linewidths=0.7, linestyles="-")
    roots = sorted(np.roots([1, 0, -1, 0.15]).real)
    for start, color in (((-0.25, 1.0), "C0"), ((0.6, 1.0), "C1"), ((roots[1], 1.0), "C3")):
        path = descend(gradient, np.array(start), 0.1, 60)
        axes.plot(*path.T, color=color, marker=".", ms=4)
    for x, name in zip(roots, ("minimum", "saddle\npoint", "local\nminimum"), strict=True):
        axes.plot(x, 0, "kx")
        axes.text(x, -0.12, name, ha="center", va="top", fontsize=9)
    axes.set(xlabel="weight $w_1$", ylabel="weight $w_2$")
    return figure


def grid(reach: float, side: int = 161) -> np.ndarray:
    """Points of a square around the origin, row by row, (side^2, 2)."""
    axis = np.linspace(-reach, reach, side)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def inked(strength: np.ndarray) -> np.ndarray:
    """A picture (rows, columns) of strengths 0 to 1 as blue ink on nothing, (rows, columns, 4)."""
    return np.concatenate([np.broadcast_to(to_rgb("C0"), (*strength.shape, 3)), strength[..., None]], axis=-1)


def seen(form, change, weights, points) -> list[np.ndarray]:
    """Values of all layers of one net at points."""
    table = points if change is None else change(points)
    return [view[0] for view in form.forward([np.array(w)[None] for w in weights], viewed(table, 1))]


def spirals() -> Figure:
    """Where three trained nets answer class 1, and the 194 points."""
    x, t = twin_spirals()
    points = grid(7)
    figure, every = plt.subplots(1, 3, figsize=(6, 2.4))
    for axes, (key, name, form, change) in zip(every, KINDS, strict=True):
        run = measured(__file__, "pictures")[key]
        logits = seen(form, change, run["weights"], points)[-1].reshape(161, 161)
        axes.imshow(inked(0.3 * (logits > 0)), origin="lower", extent=(-7, 7, -7, 7))
        axes.scatter(*x[t > 0].T, c="black", s=5, lw=0)
        axes.scatter(*x[t == 0].T, facecolors="none", s=5, edgecolors="black", lw=0.5)
        axes.set(aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"{name}, epoch {run['epoch']}", fontsize=9)
    return figure


def hidden_units() -> Figure:
    """Activations of six units of PolarNet and of each layer of ShortNet over the plane."""
    points = grid(7)
    rows = [("PolarNet", PLAIN, polar, "polar", 0), ("layer 1", SHORTCUTS, None, "short", 0)]
    rows.append(("layer 2", SHORTCUTS, None, "short", 1))
    figure, every = plt.subplots(3, 6, figsize=(5.8, 3.1))
    for axes_row, (name, form, change, key, layer) in zip(every, rows, strict=True):
        weights = measured(__file__, "pictures")[key]["weights"]
        units = seen(form, change, weights, points)[layer + 1][-len(weights[layer]) :]
        for axes, unit in zip(axes_row, units, strict=False):
            picture = unit.reshape(161, 161)
            axes.imshow(picture, cmap="RdBu_r", vmin=-1, vmax=1, origin="lower", extent=(-7, 7, -7, 7))
            axes.contour(picture[::2, ::2], [0], colors="black", linewidths=0.7, extent=(-7, 7, -7, 7))
            axes.set(xticks=[], yticks=[])
        axes_row[0].set_ylabel(name, fontsize=9)
    return figure


def success() -> Figure:
    """Share of runs that have all points right against hidden units, with 95 % intervals."""
    figure, axes = plt.subplots(figsize=(5.4, 3.2))
    for i, (key, name) in enumerate(
        (("polarnet", "PolarNet"), ("rawnet", "RawNet"), ("shortnet", "ShortNet"))
    ):
        runs = measured(__file__, key)
        units = np.array([int(size[1:]) for size in runs]) + 0.12 * (i - 1)
        share = np.array([run["share"] for run in runs.values()])
        reach = [[run["share"] - run["from"], run["to"] - run["share"]] for run in runs.values()]
        axes.errorbar(
            units, share, np.abs(np.array(reach)).T, color=f"C{i}", marker="o", ms=4, capsize=2, label=name
        )
    axes.set(
        xlabel="units in each hidden layer", ylabel="share of runs, all 194 points right", ylim=(-0.03, 1.03)
    )
    axes.legend(frameon=False, fontsize=9)
    return figure


def cross() -> Figure:
    """A cross, a cross of crosses as a grid of 16 by 16 points, and finer."""
    figure, every = plt.subplots(1, 3, figsize=(5.8, 2.2))
    for axes, (levels, side) in zip(every, ((1, 16), (2, 16), (3, 54)), strict=True):
        _, on = fractal_cross(levels, side)
        axes.imshow(inked(0.1 + 0.9 * on.reshape(side, side)))
        axes.set(aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"level {levels}, {side} x {side}", fontsize=9)
    return figure
