"""Figures of chapter 17."""

import numpy as np
import torch
from matplotlib.figure import Figure

from gradschool.classroom.author.figure import measured, panels
from gradschool.ops.practice.search import tpe_scores


def tpe_densities() -> Figure:
    """Both densities of TPE over one setting, and the logarithm of their ratio; computed here."""
    source = torch.Generator().manual_seed(2)
    points = torch.rand(20, 1, generator=source)
    order = (points[:, 0] - 0.35).abs().argsort()
    good, bad, width = points[order[:5]], points[order[5:]], 0.08
    x = torch.linspace(0, 1, 301)[:, None]
    none = torch.zeros(0, 1)
    figure, (top, low) = panels(2, 1, (5.6, 3.6), sharex=True)
    for trials, colour, words in ((good, "C0", "good trials, $l(x)$"), (bad, "C3", "bad trials, $g(x)$")):
        top.plot(x, tpe_scores(x, trials, none, width).exp(), colour, label=words)
        top.plot(trials, np.zeros(len(trials)), "|", color=colour, ms=12, mew=1.6)
    score = tpe_scores(x, good, bad, width)
    low.plot(x, score, "black", lw=1.4)
    best = int(score.argmax())
    low.plot(x[best], score[best], "o", color="C0")
    low.axhline(0, color="gray", lw=0.8)
    top.set_ylabel("density")
    low.set(xlabel="setting, scaled to 0 to 1", ylabel=r"$\ln\; l(x) / g(x)$")
    top.legend(frameon=False, fontsize=9)
    return figure


def search_curves() -> Figure:
    """The best validation error so far of the experiment `search`."""
    found = measured(__file__, "search")
    figure, axes = panels(1, 1, (5.6, 3.0))
    for name, words in (("grid", "grid 3 x 2 x 2 x 2"), ("known_grid", "grid 6 x 2 x 2 x 1"),
                        ("random", "random"), ("tpe", "TPE")):  # fmt: skip
        axes.plot(range(1, found["trials"] + 1), found[name]["curve"], label=words)
    halving = found["halving"]["val"]["mean"]
    axes.plot(found["trials"], halving, "D", color="black", label="successive halving")
    axes.set(xlabel="trials", ylabel="best validation error", ylim=(0.05, 0.3))
    axes.legend(frameon=False, fontsize=9)
    return figure


def learning_curve() -> Figure:
    """Errors over the number of examples, and the law that was fitted to the first four of them."""
    found = measured(__file__, "curve")
    rows = list(found["of"].values())
    figure, axes = panels(1, 1, (5.6, 3.0))
    for chosen, face in ((rows[:4], "C0"), (rows[4:], "white")):
        n, mean = [row["n"] for row in chosen], [row["error"]["mean"] for row in chosen]
        ends = [(row["error"]["mean"] - row["error"]["low"], row["error"]["high"] - row["error"]["mean"])
                for row in chosen]  # fmt: skip
        axes.errorbar(n, mean, np.array(ends).T, fmt="o", color="C0", mfc=face, capsize=3)
    x = np.array([row["n"] for row in rows])
    axes.plot(x, found["a"] * x ** -found["b"], "gray", lw=1)
    axes.set(xscale="log", yscale="log", xlabel="training examples", ylabel="test error")
    axes.set_xticks(x, [f"{n:,}" for n in x])
    axes.set_yticks((0.02, 0.05, 0.1, 0.2), ("2 %", "5 %", "10 %", "20 %"))
    axes.minorticks_off()
    return figure
