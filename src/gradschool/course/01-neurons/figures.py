"""Figures of chapter 1."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from sklearn.datasets import load_digits

from gradschool.classroom.author.figure import measured
from gradschool.scratch.neurons.neuron import step
from gradschool.scratch.neurons.perceptron import predict, train, weighted_sum

plt.rcParams["font.size"] = 10


def dots(axes, points, targets) -> None:
    """Empty circles for class 0, full ones for class 1."""
    for (x, y), target in zip(points, targets, strict=True):
        axes.scatter(x, y, facecolors="black" if target else "none", edgecolors="black", zorder=3)
    axes.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")


def digits() -> Figure:
    """The first sixteen digits of the set that `train digits` learns from, with their labels."""
    images, labels = load_digits(return_X_y=True)
    figure, every = plt.subplots(2, 8, figsize=(5.6, 1.9))
    for axes, image, label in zip(every.flat, images, labels, strict=False):
        ink = np.empty((8, 8, 4))
        ink[..., :3], ink[..., 3] = to_rgb("C0"), image.reshape(8, 8) / 16
        axes.imshow(ink)
        axes.set(xticks=[], yticks=[])
        axes.set_title(str(label), fontsize=10, pad=3)
    return figure


def neuron() -> Figure:
    """A perceptron with its weights, its sum and its answer for one point."""
    w, x = np.array([-1.5, 1.0, 1.0]), np.array([1.0, 1.0])
    s, answer = float(weighted_sum(w, x)), int(predict(w, x))
    figure, axes = plt.subplots(figsize=(5.6, 2.7))
    inputs = zip(
        ("1", f"$x_1={x[0]:g}$", f"$x_2={x[1]:g}$"), w, ("w_0", "w_1", "w_2"), (2, 1, 0), strict=True
    )
    for name, weight, symbol, y in inputs:
        axes.add_patch(Circle((0, y), 0.3, fill=False))
        axes.text(-0.42, y, name, ha="right", va="center")
        axes.annotate("", (2.12, 1 + 0.2 * (y - 1)), (0.3, y), arrowprops={"arrowstyle": "->", "color": "C0"})
        axes.text(
            1.3,
            1.06 + 0.78 * (y - 1),
            f"${symbol}={weight:g}$",
            color="C0",
            ha="center",
            va="bottom" if y > 0 else "top",
        )
    for left, radius, text in ((2.6, 0.5, f"sum\n${s:+g}$"), (4.4, 0.5, f"step\n{answer}")):
        axes.add_patch(Circle((left, 1), radius, fill=False))
        axes.text(left, 1, text, ha="center", va="center")
    for start, end, text in ((3.1, 3.9, "$s$"), (4.9, 5.6, r"$\hat y$")):
        axes.annotate("", (end, 1), (start, 1), arrowprops={"arrowstyle": "->"})
        axes.text((start + end) / 2, 1.1, text, ha="center", va="bottom")
    axes.set(xlim=(-1.3, 5.7), ylim=(-0.4, 2.4), aspect="equal")
    axes.axis("off")
    return figure


def decision_line() -> Figure:
    """AND as a line between four points, with the weights as an arrow."""
    figure, axes = plt.subplots(figsize=(4.2, 3.2))
    x = np.array([-0.4, 1.6])
    axes.fill_between(x, 1.5 - x, 1.8, color="C0", alpha=0.15, lw=0)
    axes.plot(x, 1.5 - x, color="C0")
    axes.annotate("", (1.1, 1.1), (0.75, 0.75), arrowprops={"arrowstyle": "->", "color": "C0"})
    axes.scatter([0, 0, 1], [0, 1, 0], marker="o", facecolors="none", edgecolors="black", label="0")
    axes.scatter([1], [1], marker="o", color="black", label="1")
    axes.set(xlim=(-0.4, 1.6), ylim=(-0.4, 1.6), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.legend(title="AND", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure


def moving_line() -> Figure:
    """The decision boundary at the start and after each step that moves it, in the traced example."""
    points, targets, start = [(0, 1), (2, 0), (1, 1)], [0, 0, 1], (-1.5, 0.0, 2.0)
    moved = [row for row in train(points, targets, start).steps if row.action != "none"]
    lines = [start, *(row.weights for row in moved)]
    figure, every = plt.subplots(2, 4, figsize=(5.8, 3.6), sharex=True, sharey=True)
    x = np.array([-0.6, 2.6])
    for i, (axes, (w0, w1, w2)) in enumerate(zip(every.flat, lines, strict=True)):
        axes.plot(x, -(w0 + w1 * x) / w2, color="C0")
        axes.fill_between(x, -(w0 + w1 * x) / w2, 4, color="C0", alpha=0.15, lw=0)
        dots(axes, points, targets)
        axes.set(xlim=(-0.6, 2.6), ylim=(-0.6, 3))
        axes.set_title(f"step {moved[i - 1].number}: {moved[i - 1].action}" if i else "start", fontsize=9)
        if i:
            w0, w1, w2 = lines[i - 1]
            axes.plot(x, -(w0 + w1 * x) / w2, color="C0", alpha=0.5, ls="--")
            axes.scatter(*moved[i - 1].point, s=130, facecolors="none", edgecolors="C3", zorder=4)
        axes.label_outer()
    return figure


def race() -> Figure:
    """Both quantities of the convergence proof on one run: w·u and |w| against the number of mistakes."""
    rng = np.random.default_rng(0)
    u = np.array([0.1, 0.8, -0.6]) / np.linalg.norm([0.1, 0.8, -0.6])
    x = np.column_stack([np.ones(4000), rng.uniform(-1, 1, (4000, 2))])
    x = x[np.abs(x @ u) >= 0.1][:50]
    trace = train(x[:, 1:].tolist(), (x @ u > 0).astype(int).tolist(), (0, 0, 0))
    w = np.array([(0, 0, 0), *(row.weights for row in trace.steps if row.action != "none")])
    margin, radius = np.abs(x @ u).min(), np.linalg.norm(x, axis=1).max()
    k, all_k = np.arange(1, len(w)), np.geomspace(1, 1.4 * (radius / margin) ** 2, 100)
    figure, axes = plt.subplots(figsize=(5.4, 3.2))
    axes.loglog(all_k, radius * np.sqrt(all_k), "C1--", label=r"upper limit of $|w|$: $R\sqrt{k}$")
    axes.plot(all_k, margin * all_k, "C0--", label=r"lower limit of $w\cdot u$: $\gamma k$")
    axes.plot(k, np.linalg.norm(w[1:], axis=1), "C1", lw=2.5, label="$|w|$, measured")
    axes.plot(k, w[1:] @ u, "C0", lw=2.5, label=r"$w\cdot u$, measured")
    axes.axvline((radius / margin) ** 2, color="black", alpha=0.3, lw=1)
    axes.text((radius / margin) ** 2, 0.15, r"$(R/\gamma)^2$ ", ha="right", va="bottom")
    axes.set(xlabel="mistakes $k$", ylabel="length (no unit)", ylim=(0.1, 60))
    axes.legend(frameon=False, loc="upper left", fontsize=9)
    return figure


def xor_lifted() -> Figure:
    """XOR in the plane, and with the AND of both inputs as a third coordinate."""
    points, targets = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    figure = plt.figure(figsize=(5.8, 2.9))
    flat = figure.add_subplot(1, 2, 1)
    dots(flat, points, targets)
    flat.set(xlim=(-0.4, 1.4), ylim=(-0.4, 1.4), title="no line separates")
    space = figure.add_subplot(1, 2, 2, projection="3d")
    a, b = np.meshgrid([-0.1, 1.1], [-0.1, 1.1])
    space.plot_surface(a, b, (a + b - 0.5) / 2, color="C0", alpha=0.25)
    for (x, y), target in zip(points, targets, strict=True):
        color = "black" if target else "none"
        space.scatter(x, y, x * y, facecolors=color, edgecolors="black", depthshade=False)
    space.set(
        xlabel="$x_1$", ylabel="$x_2$", title="a plane separates", xticks=[0, 1], yticks=[0, 1], zticks=[0, 1]
    )
    space.set_zlabel("AND", labelpad=-8)
    for axis in (space.xaxis, space.yaxis, space.zaxis):
        axis.set_pane_color((0, 0, 0, 0))
    space.view_init(18, -65)
    return figure


def bumps() -> Figure:
    """Two steps make a bump, and bumps side by side approximate a curve."""
    x = np.linspace(0, 1, 600)
    figure, (one, many) = plt.subplots(1, 2, figsize=(5.8, 2.6), sharex=True)
    rise, fall = step(x - 0.3), -step(x - 0.6)
    for y, shift, name in ((rise, 3.2, "rise"), (fall, 2.6, "fall"), (rise + fall, 0, "sum")):
        one.plot(x, y + shift, "C0")
        one.text(0.02, shift + 0.12, name, fontsize=9)
    one.set(xlabel="$x$", yticks=[], ylim=(-0.3, 4.5))
    curve = np.sin(2 * np.pi * x) + 0.5 * x
    for n, color in ((8, "C1"), (32, "C0")):
        edges = np.arange(n) / n
        height = np.sin(2 * np.pi * (edges + 0.5 / n)) + 0.5 * (edges + 0.5 / n)
        staircase = sum(h * (step(x - e) - step(x - e - 1 / n)) for h, e in zip(height, edges, strict=True))
        many.plot(x[:-1], staircase[:-1], color, lw=1.2, label=f"{n} bumps")
    many.plot(x, curve, "black", lw=1, label="curve")
    many.set(xlabel="$x$", ylabel="$f(x)$")
    many.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    return figure


def capacity() -> Figure:
    """Share of labellings that a hyperplane can make, counted and measured."""
    values = measured(__file__, "capacity")
    figure, axes = plt.subplots(figsize=(5.2, 3))
    for i, (d, run) in enumerate(values.items()):
        axes.plot(run["ratio"], run["exact"], color=f"C{i}", label=f"$d$ = {d[1:]}")
        axes.scatter(run["ratio"], run["measured"], color=f"C{i}", s=18, zorder=3)
    axes.axvline(2, color="black", alpha=0.3, zorder=0)
    axes.set(
        xlabel="points per weight, $n / (d + 1)$", ylabel="share of labellings (0 to 1)", ylim=(-0.03, 1.05)
    )
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
    figure, axes = plt.subplots(figsize=(5.2, 3))
    for i, (name, loss) in enumerate(losses.items()):
        axes.plot(y, loss, color=f"C{i}", label=name)
        least = loss.argmin()
        axes.scatter(y[least], loss[least], color=f"C{i}", zorder=3)
    axes.set(xlabel="output $y$", ylabel="total loss of all ten", ylim=(0, 16))
    axes.legend(frameon=False)
    return figure
