"""Figures of chapter 15."""

import numpy as np
import torch
from matplotlib.figure import Figure

from gradschool.classroom.author.figure import measured, panels
from gradschool.evals.language.scaling.isoflop import power_law
from gradschool.ops.decoding.logits import min_p, temperature, top_k, top_p

SHARES = [0.3, 0.22, 0.16, 0.11, 0.08, 0.05, 0.035, 0.02, 0.015, 0.01]


def truncation() -> Figure:
    """One distribution of ten tokens under four rules."""
    x = torch.tensor(SHARES).log()
    rules = {
        "temperature 0.5": temperature(x, 0.5), "top-k, k = 4": top_k(x, 4),
        "top-p, p = 0.8": top_p(x, 0.8), "min-p, p = 0.2": min_p(x, 0.2),
    }  # fmt: skip
    figure, axes = panels(1, 4, (6.0, 2.2), sharey=True)
    for ax, (name, logits) in zip(axes, rules.items(), strict=True):
        ax.bar(range(len(x)), SHARES, color="lightgray")
        ax.bar(range(len(x)), logits.softmax(0), color="C3", width=0.35)
        ax.set(title=name, xticks=[], xlabel="tokens")
    axes[0].set_ylabel("probability")
    return figure


def isoflop_curves() -> Figure:
    """The runs of each budget with their parabolas, and the best sizes with their power laws."""
    found = measured(__file__, "isoflops")
    figure, (left, right) = panels(1, 2, (6.0, 3.2))
    for i, (_, sizes, losses) in enumerate(found["curves"]):
        colour = f"C{i}"
        log_n = np.log(sizes)
        a, b, c = np.polyfit(log_n, losses, 2)
        fine = np.linspace(log_n.min(), log_n.max(), 60)
        left.plot(np.exp(fine), a * fine**2 + b * fine + c, color=colour, lw=0.8)
        left.plot(sizes, losses, ".", color=colour, ms=4)
        left.plot(np.exp(-b / (2 * a)), c - b**2 / (4 * a), "x", color="black", ms=5)
    left.set(xscale="log", xlabel="parameters", ylabel="loss", title="runs of nine budgets")
    for name, colour, mark in (("best", "gray", "s"), ("parabola", "C3", "x")):
        one = found[name]
        law = power_law(np.array(one["budgets"]), np.array(one["sizes"]))
        reach = np.geomspace(min(one["budgets"]), 1e24, 20)
        right.plot(reach, [law.at(each) for each in reach], color=colour, lw=1)
        label = "best run" if name == "best" else name
        right.plot(one["budgets"], one["sizes"], mark, color=colour, ms=5, label=label)
    right.set(xscale="log", yscale="log", xlabel="compute, FLOPs", ylabel="best size", title="best sizes")
    right.legend(frameon=False, fontsize=8)
    return figure


def ladder_line() -> Figure:
    """Loss against size of our own small models, and the line through all but the largest."""
    found = measured(__file__, "ladder")
    sizes, rows = np.array(found["sizes"]), found["nats"]
    means = np.array([row["mean"] for row in rows])
    law = power_law(sizes[:-1], means[:-1])
    figure, ax = panels(1, 1, (4.6, 3.0))
    reach = np.geomspace(sizes[0], 1.3 * sizes[-1], 30)
    ax.plot(reach, [law.at(each) for each in reach], color="gray", lw=1)
    for size, row, colour in zip(sizes, rows, ["black"] * (len(rows) - 1) + ["C3"], strict=True):
        ax.plot([size, size], [row["lowest"], row["highest"]], color=colour, lw=1)
        ax.plot(size, row["mean"], "o", color=colour, ms=5)
    ax.set(xscale="log", yscale="log", xlabel="parameters", ylabel="nats per character")
    ax.minorticks_off()
    ticks = [round(float(tick), 2) for tick in np.geomspace(means.min(), means.max(), 4)]
    ax.set_yticks(ticks, [f"{tick:.2f}" for tick in ticks])
    return figure


def band(ax, x, rows, colour) -> None:
    """A line of means within the range of repeats."""
    ax.fill_between(x, [r["lowest"] for r in rows], [r["highest"] for r in rows], color=colour, alpha=0.25)
    ax.plot(x, [r["mean"] for r in rows], color=colour)


def reward_curve() -> Figure:
    """Mean reward during GRPO."""
    curve = measured(__file__, "rewards")["curve"]
    figure, ax = panels(1, 1, (4.6, 2.6))
    band(ax, 5 + 10 * np.arange(len(curve)), curve, "C3")
    ax.set(xlabel="step", ylabel="share of right answers", ylim=(0, 1))
    return figure


def induction_curve() -> Figure:
    """The best head's induction score during training, with one layer and with two."""
    found = measured(__file__, "induction")
    figure, ax = panels(1, 1, (4.6, 2.6))
    for name, colour, label in (("layers_1", "gray", "one layer"), ("layers_2", "C3", "two layers")):
        for i, curve in enumerate(found["curves"][name]):
            steps = found["every"] * np.arange(len(curve))
            ax.plot(steps, curve, color=colour, lw=1.2, label=None if i else label)
    ax.set(xlabel="step", ylabel="induction score of the best head", ylim=(0, 1))
    ax.legend(frameon=False, fontsize=8)
    return figure


def memory_curve() -> Figure:
    """Exposure against the number of repetitions."""
    found = measured(__file__, "writing")["memory"]
    figure, ax = panels(1, 1, (4.6, 2.6))
    times = [int(name.split("_")[1]) for name in found]
    band(ax, times, list(found.values()), "C3")
    ax.axhline(np.log2(500), color="gray", ls="--", lw=1)
    ax.set(xscale="log", xlabel="times in the training text", ylabel="exposure, bits", xticks=times)
    ax.set_xticklabels(times)
    ax.minorticks_off()
    return figure
