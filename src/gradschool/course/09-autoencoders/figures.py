"""Figures of chapter 9."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from gradschool.scratch.statistics import gmm, ppca

RESULTS = Path(__file__).parent / "results"


def measured(name) -> dict:
    """What an experiment found."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["values"]


def sheet(rows, names) -> Figure:
    """Rows of pictures (n, 8, 8), each row with its name."""
    across = max(len(row) for row in rows)
    figure, axes = plt.subplots(len(rows), across, figsize=(0.55 * across + 0.9, 0.58 * len(rows)))
    for line, row, name in zip(axes, rows, names, strict=True):
        for ax, picture in zip(line, row, strict=True):
            ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    return figure


def components() -> Figure:
    """Digits through 2, 8 and 32 principal components."""
    x = load_digits().data / 16
    rows, names = [x[:10].reshape(-1, 8, 8)], ["seen"]
    for codes in (2, 8, 32):
        model = ppca.fit_ppca(x, codes)
        axes = np.linalg.qr(model.weights)[0]
        again = (x[:10] - model.mean) @ axes @ axes.T + model.mean
        rows.append(again.reshape(-1, 8, 8))
        names.append(f"{codes} numbers")
    return sheet(rows, names)


def mixture() -> Figure:
    """Expectation and maximisation on the first two principal components of four digits."""
    bunch = load_digits()
    few = bunch.target < 4
    x, y = bunch.data[few] / 16, bunch.target[few]
    flat, _ = ppca.posterior(ppca.fit_ppca(x, 2), x)
    model = gmm.start_at(flat, 4, np.random.default_rng(3))
    figure, axes = plt.subplots(1, 3, figsize=(7.2, 2.6), sharex=True, sharey=True)
    circle = np.stack([np.cos(t := np.linspace(0, 2 * np.pi, 100)), np.sin(t)])
    for ax, steps in zip(axes, (0, 3, 60), strict=True):
        now, course = gmm.fit_mixture(flat, model, steps)
        for digit in range(4):
            ax.scatter(*flat[y == digit][::3].T, s=12, marker=f"${digit}$", color="0.6", lw=0.3)
        for mean, covariance in zip(now.means, now.covariances, strict=True):
            ring = mean[:, None] + 2 * np.linalg.cholesky(covariance) @ circle
            ax.plot(*ring, color="C0", lw=1.2)
        ax.set_title(f"{steps} steps: {course[-1]:.2f} nats", fontsize=9)
        ax.set(xticks=[], yticks=[])
    return figure


def price() -> Figure:
    """Reconstruction against KL for each beta, and active numbers."""
    found = measured("beta")
    betas = list(found["betas"].values())
    runs = [found["runs"][name] for name in found["betas"]]
    kl = [run["kl"]["mean"] for run in runs]
    error = [run["reconstruction"]["mean"] for run in runs]
    active = [run["active"]["mean"] for run in runs]
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 2.7), layout="constrained")
    left.plot(kl[1:], error[1:], "o-", ms=4)
    for b, x, y in zip(betas[1:], kl[1:], error[1:], strict=True):
        left.annotate(
            f"{b:g}", (x, y), xytext=(5, -10 if b == 4 else 3), textcoords="offset points", fontsize=8
        )
    left.margins(0.16)
    left.set(xlabel="KL in nats", ylabel="reconstruction in nats")
    right.plot(range(len(active)), active, "s-", ms=4)
    right.set_xticks(range(len(active)), [f"{b:g}" for b in betas])
    right.set(
        xlabel=r"$\beta$",
        ylabel=f"active, of {found['latent']}",
        ylim=(-0.8, found["latent"] + 0.8),
        yticks=range(0, 17, 4),
    )
    return figure


def new_pictures() -> Figure:
    """Pictures of random codes for three prices."""
    found = measured("beta")["drawn"]
    names = ("b0", "b1", "b8")
    rows = [np.array([[int(c, 16) / 15 for c in text] for text in found[n]]).reshape(-1, 8, 8) for n in names]
    return sheet(rows, [rf"$\beta$ = {name[1:]}" for name in names])


def bounds() -> Figure:
    """How the bound rises with the number of codes: where the truth is known, and for trained models."""
    known, trained = measured("exact"), measured("iwae")
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.8, 2.7), layout="constrained")
    for name, label in (("right", "the posterior itself"), ("wide", "a posterior too wide")):
        left.plot(
            known["counts"], [known[f"{name}{k}"]["mean"] for k in known["counts"]], "o-", ms=3, label=label
        )
    left.axhline(0, color="gray", lw=0.8, ls=":")
    left.set(xscale="log", xlabel="codes $k$", ylabel=r"bound $-\ln p(x)$ in nats")
    for name, label in (("trained1", "trained with 1 code"), ("trained20", "trained with 20")):
        nats = [-trained[name][f"k{k}"]["mean"] for k in trained["counts"]]
        right.plot(trained["counts"], nats, "o-", ms=3, label=label)
    right.set(xscale="log", xlabel="codes $k$", ylabel="bound in nats")
    for ax in (left, right):
        ax.legend(frameon=False, fontsize=7, loc="lower right")
    return figure
