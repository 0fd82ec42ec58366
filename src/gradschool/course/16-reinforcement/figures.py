"""Figures of chapter 16."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from gradschool.classroom.author.figure import measured, panels
from gradschool.course.lessons.diagrams import arrow, canvas
from gradschool.ops.rl.planning import policy_evaluation
from gradschool.rl.tabular.mdp import chosen, gamma_ranges, two_states


def two_state_process() -> Figure:
    """The two states, their actions and rewards."""
    figure, axes = canvas(10, 4, (5.4, 2.2))
    for x, name in ((2.8, "$S_1$"), (7.2, "$S_2$")):
        axes.add_patch(plt.Circle((x, 2), 0.6, fill=False, ec="black", lw=1.4))
        axes.text(x, 2, name, ha="center", va="center", fontsize=13)
    arrow(axes, (3.3, 2.35), (6.7, 2.35), "C3", bend=-0.3)
    axes.text(5, 3.35, "$a_2$: $-2$", ha="center", fontsize=11, color="C3")
    arrow(axes, (6.7, 1.65), (3.3, 1.65), "C0", bend=-0.3)
    axes.text(5, 0.3, "$a_1$: $+7$", ha="center", fontsize=11, color="C0")
    arrow(axes, (2.35, 2.4), (2.35, 1.6), "C0", bend=2.0)
    axes.text(0.1, 1.9, "$a_1$: $+1$", fontsize=11, color="C0")
    arrow(axes, (7.65, 1.6), (7.65, 2.4), "C3", bend=2.0)
    axes.text(8.6, 1.9, "$a_2$: $+3$", fontsize=11, color="C3")
    return figure


def values_of_policies() -> Figure:
    """The value of state 1 under all four policies over gamma, times 1 - gamma; computed here."""
    world, gammas = two_states(), np.linspace(0, 0.99, 100)
    figure, axes = panels(1, 1, (5.6, 3.2))
    for number, policy in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
        pi = chosen(torch.tensor(policy), 2)
        values = [policy_evaluation(world.p, world.r, pi, g).sum().item() * (1 - g) / 2 for g in gammas]
        label = f"$\\pi(S_1) = a_{policy[0] + 1}$, $\\pi(S_2) = a_{policy[1] + 1}$"
        axes.plot(gammas, values, f"C{number}", ls="--" if policy == (0, 1) else "-", label=label)
    for border, _, _ in gamma_ranges(world, steps=20)[1:]:
        axes.axvline(border, color="gray", lw=0.8)
    axes.set(xlabel=r"discount $\gamma$", ylabel=r"$(1 - \gamma)\,$ mean of $v(S_1), v(S_2)$")
    axes.legend(frameon=False, fontsize=9)
    return figure


def regret_curves() -> Figure:
    """The regret of the experiment `regret`."""
    found = measured(__file__, "regret")
    figure, axes = panels(1, 1, (5.6, 3.2))
    for name, words in (("greedy", "greedy"), ("epsilon_greedy", r"$\varepsilon$-greedy, 0.1"),
                        ("ucb", "UCB1"), ("thompson", "Thompson")):  # fmt: skip
        axes.plot([0, *found["moments"]], [0, *found[name]["curve"]], label=words)
    axes.set(xlabel="pulls", ylabel="regret", ylim=(0, None))
    axes.legend(frameon=False, fontsize=9)
    return figure


def triad_curves() -> Figure:
    """The largest value over sweeps of the experiment `triad`."""
    found = measured(__file__, "triad")
    sweeps = np.arange(1, 11) * found["sweeps"] / 10
    figure, axes = panels(1, 1, (5.6, 3.2))
    for name, words in (("all_three", "all three"), ("on_policy", "on-policy"), ("tabular", "a table"),
                        ("no_bootstrap", "no bootstrapping")):  # fmt: skip
        axes.semilogy(sweeps, found[name], label=words)
    axes.set(xlabel="sweeps", ylabel="largest value", ylim=(1e-3, 1e10))
    axes.legend(frameon=False, fontsize=9)
    return figure


def overestimated() -> Figure:
    """The target over the number of actions of the experiment `overestimation`."""
    rows = measured(__file__, "overestimation")["of"].values()
    figure, axes = panels(1, 1, (5.6, 2.8))
    for name, words in (("single", "one network"), ("double", "two networks")):
        axes.plot([row["actions"] for row in rows], [row[name] for row in rows], "o-", label=words)
    axes.axhline(0, color="gray", lw=0.8)
    axes.set(xlabel="actions", ylabel="mean target")
    axes.legend(frameon=False, fontsize=9)
    return figure


def scaled_rewards() -> Figure:
    """What policies earn over the factor of their rewards, of the experiment `reward_scale`."""
    found = measured(__file__, "reward_scale")
    rows = found["of"].values()
    figure, axes = panels(1, 1, (5.6, 2.8))
    for name, words in (("plain", "as they are"), ("normalised", "divided by the size of the rewards")):
        axes.semilogx([row["scale"] for row in rows], [row[name]["mean"] for row in rows], "o-", label=words)
    axes.axhline(found["chance"], color="gray", lw=0.8, ls="--")
    axes.set(xlabel="factor of the rewards", ylabel="reward per pull", ylim=(0.45, 0.72))
    axes.legend(frameon=False, fontsize=9)
    return figure


def search_tree() -> Figure:
    """One simulation of a tree search: down by the scores of PUCT, and the new value back up."""
    figure, axes = canvas(10, 5.2, (5.6, 2.9))
    for x, y, line in ((5, 4.5, "-"), (2.3, 2.2, "-"), (7.7, 2.2, "--")):
        axes.add_patch(plt.Circle((x, y), 0.45, fill=False, ec="black", lw=1.4, ls=line))
    arrow(axes, (4.65, 4.2), (2.65, 2.55))
    arrow(axes, (5.35, 4.2), (7.35, 2.55), "C0", lw=2.2)
    arrow(axes, (7.75, 2.7), (5.5, 4.5), "C3", bend=0.35)
    words = {"ha": "center", "va": "center", "fontsize": 10}
    axes.text(2.3, 1.0, "$Q = 0.5$, $N = 3$, $P = 0.25$\nscore 0.75", **words)
    axes.text(7.7, 1.0, "$Q = 0$, $N = 0$, $P = 0.75$\nscore 3", color="C0", **words)
    axes.text(8.9, 3.7, "$v = 0.4$ here,\n$-0.4$ above", color="C3", **words)
    return figure


def clipped_gain() -> Figure:
    """PPO's gain over the ratio of probabilities, for both signs of the advantage."""
    figure, axes = panels(1, 2, (5.8, 2.4), sharey=True)
    ratio = np.linspace(0, 2, 201)
    for ax, advantage in zip(axes, (1, -1), strict=True):
        gain = np.minimum(ratio * advantage, ratio.clip(0.8, 1.2) * advantage)
        ax.plot(ratio, ratio * advantage, "gray", lw=1, ls="--")
        ax.plot(ratio, gain, "C0")
        ax.axvline(1, color="gray", lw=0.8)
        ax.set(title=f"$A = {advantage:+d}$", xlabel=r"ratio $\rho$")
    axes[0].set_ylabel("gain")
    return figure
