"""Figures of chapter 3."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from sklearn.datasets import load_breast_cancer

from gradschool.classroom.author.figure import measured, panels
from gradschool.scratch.statistics.dimensions import ball_share
from gradschool.scratch.statistics.information import codewords, entropy, huffman_lengths
from gradschool.scratch.statistics.probability import coin, gaussian_mle, log_density, map_weights
from gradschool.scratch.statistics.shift import fit_weighted, importance_weights
from gradschool.scratch.statistics.thermal import counted, density, von_neumann


def people() -> Figure:
    """1000 people by health and test: 10 of them are ill."""
    figure, axes = panels(1, 1, (5.6, 3.2))
    column, row = np.divmod(np.arange(1000), 20)
    ill, positive = np.arange(1000) < 10, np.zeros(1000, bool)
    positive[:9] = True
    positive[10:60] = True
    groups = {
        "ill, positive (9)": (ill & positive, "C1", 26), "ill, negative (1)": (ill & ~positive, "C1", 5),
        "healthy, positive (50)": (~ill & positive, "C0", 26),
        "healthy, negative (940)": (~ill & ~positive, "C0", 3),
    }  # fmt: skip
    for label, (chosen, color, size) in groups.items():
        axes.scatter(column[chosen], row[chosen], s=size, color=color, lw=0, label=label)
    axes.axis("off")
    figure.legend(frameon=False, fontsize=9, ncols=2, loc="outside lower center")
    return figure


def coin_likelihood() -> Figure:
    """Likelihood of a coin's probability of heads after more and more tosses."""
    p = np.linspace(0.001, 0.999, 600)
    figure, axes = panels(1, 1, (5, 2.8))
    for i, tosses in enumerate((4, 40, 400)):
        log = tosses * (0.75 * np.log(p) + 0.25 * np.log(1 - p))
        axes.plot(p, np.exp(log - log.max()), color=f"C{i}", label=f"{tosses} tosses")
    axes.set(xlabel="probability of heads $p$", ylabel="likelihood, scaled", xlim=(0, 1))
    axes.legend(frameon=False, fontsize=9)
    return figure


def coin_density() -> Figure:
    """Prior, likelihood and posterior of a coin, with the three estimates."""
    p = np.linspace(0.001, 0.999, 400)
    heads, tails, a, b = 3, 0, 2, 2
    figure, axes = panels(1, 1, (5, 2.9))
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
        axes.axvline(value, color="black", alpha=0.5, lw=0.8, ls=":")
        axes.annotate(name, (value, 4.35), ha=side, fontsize=9, annotation_clip=False)
    axes.set(xlabel="probability of heads", ylabel="density", xlim=(0, 1.02), ylim=(0, 4.2))
    axes.legend(frameon=False, loc="upper left", fontsize=9)
    return figure


def tumours() -> Figure:
    """Two Gaussians fitted to measured tumours: covariance ellipses and the line of equal posterior."""
    data = load_breast_cancer()
    figure, axes = panels(1, 1, (5.4, 3.8))
    grid = np.stack(np.meshgrid(np.linspace(6, 29, 150), np.linspace(8, 41, 150)), axis=-1)
    logs = []
    for i, (target, label) in enumerate(((1, "benign"), (0, "malignant"))):
        x = data.data[data.target == target, :2]
        mean, covariance = gaussian_mle(x)
        axes.scatter(*x.T, s=7, color=f"C{i}", alpha=0.5, lw=0, label=label)
        widths, turns = np.linalg.eigh(covariance)
        for deviations in (1, 2):
            angle = np.degrees(np.arctan2(turns[1, 0], turns[0, 0]))
            size = 2 * deviations * np.sqrt(widths)
            axes.add_patch(Ellipse(tuple(mean), *size, angle=angle, fill=False, color=f"C{i}", lw=1.5))
        logs.append(np.log(len(x)) + log_density(grid.reshape(-1, 2), mean, covariance).reshape(150, 150))
    axes.contour(grid[..., 0], grid[..., 1], logs[1] - logs[0], levels=[0], colors="black", linewidths=1.2)
    axes.set(xlabel="mean radius of nuclei (data units)", ylabel="mean texture (grey levels)")
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    return figure


def same_top() -> Figure:
    """Log-likelihood and log-posterior of a slope for three assumed sigmas."""
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (10, 1))
    y = 2 * x[:, 0] + 0.5 * rng.normal(size=10)
    slopes = np.linspace(-0.5, 3.5, 400)
    squares = ((y[:, None] - x * slopes) ** 2).sum(axis=0)
    figure, axes = panels(1, 2, (5.8, 2.9), sharey=True)
    for i, sigma in enumerate((0.5, 1.0, 2.0)):
        fit = -squares / (2 * sigma**2)
        for panel, tau in enumerate((np.inf, 0.8)):
            total = fit - slopes**2 / (2 * tau**2)
            axes[panel].plot(slopes, total - total.max(), color=f"C{i}", label=rf"$\sigma$ = {sigma:g}")
            top = map_weights(x, y, sigma, tau)[0]
            axes[panel].plot([top, top], [-4, 0], color=f"C{i}", ls=":")
    axes[0].set(title="likelihood", xlabel="slope", ylabel="log, from its maximum (nats)", ylim=(-4, 0.2))
    axes[1].set(title="posterior", xlabel="slope")
    figure.legend(
        *axes[1].get_legend_handles_labels(), frameon=False, fontsize=9, ncols=3, loc="outside lower center"
    )
    return figure


def coin_entropy() -> Figure:
    """Surprise of an outcome, and entropy of a coin, by probability."""
    p = np.linspace(0.005, 0.995, 200)
    figure, axes = panels(1, 2, (5.6, 2.6))
    axes[0].plot(p, -np.log2(p), color="C0")
    axes[0].set(title="surprise", xlabel="probability of the outcome", ylabel="bits", ylim=(0, 6))
    axes[1].plot(p, entropy(np.column_stack([p, 1 - p])), color="C1")
    axes[1].set(title="entropy of a coin", xlabel="probability of heads", ylabel="bits", ylim=(0, 1.05))
    return figure


def code_tree() -> Figure:
    """Huffman's code of four symbols as a binary tree."""
    p = [1 / 2, 1 / 4, 1 / 8, 1 / 8]
    words = codewords(huffman_lengths(p))
    figure, axes = panels(1, 1, (5, 2.7))
    # A node stands over the middle of its leaves; leaves are numbered from left to right.
    leaves = sorted(words)
    nodes = {word[:i] for word in words for i in range(len(word) + 1)}
    across = {n: float(np.mean([i for i, w in enumerate(leaves) if w.startswith(n)])) for n in nodes}
    for node in nodes - {""}:
        ends = [across[node[:-1]], across[node]], [1 - len(node), -len(node)]
        axes.plot(*ends, color="black", lw=1, alpha=0.6)
        side = 0.1 if node[-1] == "1" else -0.1
        axes.text(np.mean(ends[0]) + side, np.mean(ends[1]) + 0.1, node[-1], ha="center", fontsize=10)
    for word, share in zip(words, ("1/2", "1/4", "1/8", "1/8"), strict=True):
        axes.scatter(across[word], -len(word), s=30, color="C0", zorder=3)
        axes.text(across[word], -len(word) - 0.15, f"{share}: {word}", ha="center", va="top", fontsize=10)
    axes.set(xlim=(-0.5, 3.5), ylim=(-3.6, 0.1))
    axes.axis("off")
    return figure


def monte_carlo() -> Figure:
    """Error of the sampled divergence against the number of points."""
    figure, axes = panels(1, 1, (5, 2.9))
    for i, (d, run) in enumerate(measured(__file__, "gaussians").items()):
        axes.loglog(run["points"], run["standard_error"], color=f"C{i}", lw=1)
        axes.scatter(run["points"], run["error"], color=f"C{i}", s=18, label=f"$d$ = {d[1:]}", zorder=3)
    axes.set(xlabel="points drawn", ylabel="error in nats")
    axes.legend(frameon=False)
    return figure


def entropies() -> Figure:
    """Boltzmann's count as systems are added, and two entropies of a mixture as its states turn together."""
    figure, axes = panels(1, 2, (5.8, 2.9))
    copies = [8 * 2**k for k in range(12)]
    axes[0].semilogx(copies, [counted([n // 2, n // 4, n // 8, n // 8]) for n in copies], "o-", ms=3)
    axes[0].axhline(1.75, color="black", alpha=0.5, lw=0.8, ls=":")
    axes[0].set(xlabel="systems $N$", ylabel="$\\log_2 W / N$ in bits", ylim=(1, 1.8))
    angles = np.linspace(0, 90, 91)
    mixed, shown = [], []
    for angle in np.radians(angles):
        states = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        rho = density(np.array([0.5, 0.5]), states)
        mixed.append(von_neumann(rho))
        shown.append(float(entropy(np.diag(rho))))
    axes[1].axhline(1, color="C2", lw=1, label="Shannon: preparation")
    axes[1].plot(angles, shown, color="C1", label="Shannon: measurement")
    axes[1].plot(angles, mixed, color="C0", label="von Neumann")
    axes[1].set(xlabel="angle between states (degrees)", ylabel="bits", ylim=(-0.03, 1.85))
    axes[1].set_xticks([0, 30, 60, 90])
    axes[1].legend(frameon=False, fontsize=9, loc="upper left")
    return figure


def shift() -> Figure:
    """Lines fitted to the source, weighted, and to the target, with common support and without."""
    figure, both = panels(1, 2, (5.8, 3.2), sharey=True)
    draws = [
        ("common support", lambda r, n: r.normal(0.5, 0.5, n), lambda r, n: r.normal(0, 0.3, n)),
        ("no common support", lambda r, n: r.uniform(0.6, 1.4, n), lambda r, n: r.uniform(-0.4, 0.4, n)),
    ]
    grid = np.linspace(-0.9, 1.7, 200)
    for axes, (name, source, target) in zip(both, draws, strict=True):
        rng = np.random.default_rng(0)
        xs, xt = source(rng, 200), target(rng, 200)
        ys, yt = (x**3 - x + 0.3 * rng.normal(size=200) for x in (xs, xt))
        weights = importance_weights(np.column_stack([xs, xs**2]), np.column_stack([xt, xt**2]))
        # Four sizes only: points of one size share their drawing in the page.
        sizes = np.ceil(4 * weights / weights.max()).astype(int)
        for size in range(1, 5):
            axes.scatter(xs[sizes == size], ys[sizes == size], s=4 * size, color="C0", alpha=0.45, lw=0)
        axes.scatter(xt, yt, s=5, color="C1", alpha=0.45, lw=0)
        axes.plot(grid, grid**3 - grid, color="black", alpha=0.5, lw=1)
        rows = [np.column_stack([np.ones(len(x)), x]) for x in (xs, xt, grid)]
        lines = {
            "source": (fit_weighted(rows[0], ys, np.ones(200)), "C0", "-"),
            "source, weighted": (fit_weighted(rows[0], ys, weights), "C0", "--"),
            "target": (fit_weighted(rows[1], yt, np.ones(200)), "C1", "-"),
        }
        for label, (w, color, style) in lines.items():
            axes.plot(grid, rows[2] @ w, color=color, ls=style, label=label)
        axes.set(title=name, xlabel="$x$", ylim=(-1.8, 2.2), xlim=(-0.9, 1.7))
    both[0].set_ylabel("$y$")
    handles = both[0].get_legend_handles_labels()
    figure.legend(*handles, frameon=False, fontsize=9, ncols=3, loc="outside lower center")
    return figure


def curse() -> Figure:
    """Volume of the ball, contrast of distances, error of the nearest neighbour, against the dimension."""
    run = measured(__file__, "curse")
    figure, axes = panels(1, 3, (6, 2.6))
    dimensions = np.arange(1, 21)
    axes[0].semilogy(dimensions, [ball_share(int(d)) for d in dimensions], "o-", ms=3)
    axes[0].set(title="ball's share", xlabel="dimensions", xticks=[1, 10, 20])
    titles = {"contrast": "contrast", "error": "squared error"}
    for panel, (key, title) in enumerate(titles.items()):
        medians = [v["median"] for v in run[key]]
        low, high = ([v[side] for v in run[key]] for side in ("lower", "upper"))
        axes[panel + 1].plot(run["dimensions"], medians, "o-", ms=3)
        axes[panel + 1].fill_between(run["dimensions"], low, high, alpha=0.25, lw=0)
        axes[panel + 1].set(title=title, xlabel="dimensions", xscale="log")
    axes[1].set(yscale="log")
    axes[2].axhline(0.5, color="black", alpha=0.5, lw=0.8, ls=":")
    axes[2].set(ylim=(0, 1.15))
    return figure
