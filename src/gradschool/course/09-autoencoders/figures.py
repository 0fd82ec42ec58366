"""Figures of chapter 9."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from gradschool.classroom.author.drawing import draw
from gradschool.classroom.author.figure import measured
from gradschool.models.generative.vae import conv_vae
from gradschool.models.generative.vqvae import vqvae
from gradschool.ops.quantise import nearest_entry
from gradschool.ops.variational import kl_standard_normal
from gradschool.scratch.statistics import gmm, ppca

MARKED = {0: "C0", 1: "C1", 4: "C2", 7: "C3"}  # digits in colour on maps; ten colours cannot be told apart


def sheet(rows, names) -> Figure:
    """Rows of pictures (n, 8, 8) with a gap around each, each row with its name."""
    figure, ax = plt.subplots(figsize=(0.5 * len(rows[0]) + 0.8, 0.54 * len(rows)))
    lines = [np.hstack([np.pad(p, 1, constant_values=np.nan) for p in row]) for row in rows]
    ax.imshow(np.vstack(lines), cmap="gray", vmin=0, vmax=1)
    for k, name in enumerate(names):
        ax.text(-1, 10 * k + 4.5, name, ha="right", va="center", fontsize=10)
    ax.set_axis_off()
    return figure


def unhexed(texts: list[str]) -> np.ndarray:
    """Pictures (n, 8, 8) from 64 hexadecimal digits of grey each."""
    return np.array([[int(c, 16) / 15 for c in text] for text in texts]).reshape(-1, 8, 8)


def scattered(ax: Axes, points, labels) -> None:
    """Each point as its digit, four of the ten in colour."""
    points, labels = np.asarray(points), np.asarray(labels)
    for digit in range(10):
        x, y = points[labels == digit].T
        ink, alpha = (MARKED[digit], 1.0) if digit in MARKED else ("black", 0.35)
        ax.scatter(x, y, s=22, marker=f"${digit}$", lw=0.2, color=ink, alpha=alpha)


def components() -> Figure:
    """Digits through 2, 8 and 32 principal components."""
    x = load_digits().data / 16
    rows, names = [x[:10].reshape(-1, 8, 8)], ["original"]
    for codes in (2, 8, 32):
        model = ppca.fit_ppca(x, codes)
        axes = np.linalg.qr(model.weights)[0]
        again = (x[:10] - model.mean) @ axes @ axes.T + model.mean
        rows.append(again.reshape(-1, 8, 8))
        names.append(f"$q$ = {codes}")
    return sheet(rows, names)


def em_bound() -> Figure:
    """The log-likelihood by one mean of a mixture, and the lower bounds of two E-steps."""
    x = np.array([-2.6, -2.1, -1.4, 1.2, 1.9, 2.0, 2.8])[:, None]

    def mixture(mean: float) -> gmm.Mixture:
        return gmm.Mixture(np.array([0.5, 0.5]), np.array([[-2.0], [mean]]), np.ones((2, 1, 1)))

    grid = np.linspace(-1, 4, 101)
    figure, ax = plt.subplots(figsize=(5.4, 3.0), layout="constrained")
    ax.plot(grid, [gmm.expectation(mixture(m), x)[1].sum() for m in grid], "black", label=r"$\ln p(X)$")
    mean = -0.6
    for step in range(2):
        shares, evidence = gmm.expectation(mixture(mean), x)
        entropy = -(shares * np.log(shares)).sum()
        bound = [(shares * gmm.log_joint(mixture(m), x)).sum() + entropy for m in grid]
        ax.plot(grid, bound, f"C{step}--", label=f"bound after E-step {step + 1}")
        ax.plot(mean, evidence.sum(), f"C{step}o", ms=5)
        mean = float((shares[:, 1] @ x[:, 0]) / shares[:, 1].sum())
        ax.plot(mean, max(bound), f"C{step}^", ms=6)
    ax.set(xlabel=r"mean $\mu_2$ of the second component", ylabel="nats", ylim=(-26, -8))
    ax.legend(frameon=False, fontsize=9, loc="upper left")
    return figure


def mixture() -> Figure:
    """EM on the first two principal components of four digits."""
    bunch = load_digits()
    few = bunch.target < 4
    x, y = bunch.data[few] / 16, bunch.target[few]
    flat, _ = ppca.posterior(ppca.fit_ppca(x, 2), x)
    model = gmm.start_at(flat, 4, np.random.default_rng(3))
    figure, axes = plt.subplots(1, 3, figsize=(6.4, 2.5), sharex=True, sharey=True, layout="constrained")
    circle = np.stack([np.cos(t := np.linspace(0, 2 * np.pi, 100)), np.sin(t)])
    for ax, steps in zip(axes, (0, 3, 60), strict=True):
        now, course = gmm.fit_mixture(flat, model, steps)
        for digit in range(4):
            ax.scatter(*flat[y == digit][::3].T, s=14, marker=f"${digit}$", color="black", alpha=0.45, lw=0.3)
        for mean, covariance in zip(now.means, now.covariances, strict=True):
            ring = mean[:, None] + 2 * np.linalg.cholesky(covariance) @ circle
            ax.plot(*ring, color="C0", lw=1.4)
        ax.set_title(f"{steps} iterations\n{course[-1]:.2f} nats", fontsize=10)
        ax.set(xticks=[], yticks=[], xlabel="component 1")
    axes[0].set_ylabel("component 2")
    return figure


def spaces() -> Figure:
    """Codes of two numbers: an autoencoder's and a VAE's."""
    found = measured(__file__, "space")
    figure, axes = plt.subplots(1, 2, figsize=(6, 3.1), layout="constrained")
    for ax, name, title in zip(axes, ("plain", "vae"), ("autoencoder", "VAE"), strict=True):
        scattered(ax, np.array(found[f"codes_{name}"]) / 100, found["labels"])
        ax.set(title=title, xlabel="$z_1$", ylabel="$z_2$", aspect="equal", adjustable="datalim")
    angle = np.linspace(0, 2 * np.pi, 100)
    axes[1].plot(2 * np.cos(angle), 2 * np.sin(angle), color="black", lw=0.8, ls=":")
    return figure


def histograms() -> Figure:
    """Grey values of three kinds of pictures."""
    found = measured(__file__, "pixels")
    names = {"mnist": "MNIST, 28x28", "digits": "digits, 8x8", "photo": "a photograph"}
    figure, axes = plt.subplots(1, 3, figsize=(6.2, 2.3), sharey=True, layout="constrained")
    for ax, (name, title) in zip(axes, names.items(), strict=True):
        ax.bar(np.arange(10) / 10 + 0.05, found[name]["bins"], 0.09, color="C0")
        ax.set(xlabel="grey value, 0 to 1", xticks=[0, 0.5, 1])
        ax.set_title(title, fontsize=10)
    axes[0].set_ylabel("share of pixels")
    return figure


def kl_curves() -> Figure:
    """What one dimension of a code costs, by its mean and by its deviation."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 2.6), sharey=True, layout="constrained")
    for ax, name in ((left, "mean"), (right, "deviation")):
        x = torch.linspace(-2.5, 2.5, 101) if name == "mean" else torch.linspace(0.08, 2.5, 101)
        mean = x if name == "mean" else torch.zeros_like(x)
        log_variance = torch.zeros_like(x) if name == "mean" else 2 * x.log()
        ax.plot(x, kl_standard_normal(mean[:, None], log_variance[:, None])[:, 0], color="C0")
    left.set(xlabel=r"$\mu$, with $\sigma = 1$", ylabel="KL in nats")
    right.set(xlabel=r"$\sigma$, with $\mu = 0$")
    return figure


def price() -> Figure:
    """Reconstruction against KL for each beta, and active dimensions."""
    found = measured(__file__, "beta")
    betas = list(found["betas"].values())
    runs = [found["runs"][name] for name in found["betas"]]
    kl = [run["kl"]["mean"] for run in runs]
    error = [run["reconstruction"]["mean"] for run in runs]
    active = [run["active"]["mean"] for run in runs]
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 2.7), layout="constrained")
    left.plot(kl[1:], error[1:], "o-", ms=4)
    for b, x, y in zip(betas[1:], kl[1:], error[1:], strict=True):
        left.annotate(
            f"{b:g}", (x, y), xytext=(5, -10 if b == 4 else 3), textcoords="offset points", fontsize=9
        )
    left.margins(0.16)
    left.set(xlabel="KL in nats", ylabel="reconstruction in nats")
    right.plot(range(len(active)), active, "s-", ms=4)
    right.set_xticks(range(len(active)), [f"{b:g}" for b in betas])
    right.set(
        xlabel=r"$\beta$",
        ylabel=f"active dimensions of {found['latent']}",
        ylim=(-0.8, found["latent"] + 0.8),
        yticks=range(0, 17, 4),
    )
    return figure


def new_pictures() -> Figure:
    """Pictures of random codes for three weights of the KL term."""
    found = measured(__file__, "beta")["drawn"]
    names = ("b0", "b1", "b8")
    return sheet([unhexed(found[n]) for n in names], [rf"$\beta$ = {name[1:]}" for name in names])


def bounds() -> Figure:
    """How the bound rises with the number of codes: where the truth is known, and for trained models."""
    known, trained = measured(__file__, "exact"), measured(__file__, "iwae")
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.2, 2.9), layout="constrained")
    for name, label in (("right", "exact posterior"), ("wide", "posterior too wide")):
        left.plot(
            known["counts"], [known[f"{name}{k}"]["mean"] for k in known["counts"]], "o-", ms=3, label=label
        )
    left.axhline(0, color="black", alpha=0.5, lw=0.8, ls=":")
    left.set(xscale="log", xlabel="codes $k$", ylabel=r"bound $-\ln p(x)$ in nats")
    for name, label in (("trained1", "trained with 1"), ("trained20", "trained with 20")):
        nats = [-trained[name][f"k{k}"]["mean"] for k in trained["counts"]]
        right.plot(trained["counts"], nats, "o-", ms=3, label=label)
    right.set(xscale="log", xlabel="codes $k$", ylabel="bound in nats")
    for ax in (left, right):
        ax.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def walks() -> Figure:
    """From a 3 to a 7: decoded codes on a straight line, and mixed pixels."""
    found = measured(__file__, "halfway")
    return sheet([unhexed(found[f"{n}_walk"]) for n in ("codes", "pixels")], ["codes", "pixels"])


def maps() -> Figure:
    """The same codes on t-SNE maps of three perplexities."""
    found = measured(__file__, "atlas")
    figure, axes = plt.subplots(1, 3, figsize=(6.6, 2.5), layout="constrained")
    for ax, perplexity in zip(axes, (5, 30, 50), strict=True):
        scattered(ax, found["maps"][f"p{perplexity}"], found["labels"])
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"perplexity {perplexity}", fontsize=10)
    return figure


def cells() -> Figure:
    """Six codebook entries in a plane, the cells of codes that take them, and three codes on their way."""
    draw = torch.Generator().manual_seed(4)
    entries, codes = 1.2 * torch.randn(6, 2, generator=draw), 1.3 * torch.randn(3, 2, generator=draw)
    side = torch.linspace(-3, 3, 241)
    y, x = torch.meshgrid(side, side, indexing="ij")
    owner = nearest_entry(torch.stack([x.flatten(), y.flatten()], 1), entries).view_as(x)
    figure, ax = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
    for k in range(len(entries)):
        ax.contour(x, y, owner == k, [0.5], colors="black", linewidths=0.6, alpha=0.6)
    for z, k in zip(codes, nearest_entry(codes, entries), strict=True):
        ax.annotate(
            "", tuple(entries[k].tolist()), tuple(z.tolist()), arrowprops={"arrowstyle": "->", "color": "C1"}
        )
    ax.plot(*entries.T, "C0s", ms=7, label="entries $e_j$")
    ax.plot(*codes.T, "C1o", ms=5, label="encoder outputs $z$")
    ax.set(xlabel="first number", ylabel="second number", aspect="equal")
    ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def vae_drawing() -> Figure:
    """The convolutional VAE."""
    with torch.device("meta"):
        model = conv_vae((1, 28, 28))
    names = ("image", "", "", r"$\mu(x)$", r"$\ln\,\sigma^2(x)$", "code $z$")
    return draw(model, (1, 28, 28), depth=2, names=names)


def vqvae_drawing() -> Figure:
    """The VQ-VAE."""
    with torch.device("meta"):
        model = vqvae((1, 28, 28))
    return draw(model, (1, 28, 28), names=("image", "", "codebook"))
