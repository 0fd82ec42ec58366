"""Figures of the coursework: accuracies, learning curves, gradients in time, confusion."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from gradschool.classroom.coursework.frame import Shown
from gradschool.classroom.coursework.spoken_words.marks import TITLES, Answers
from gradschool.classroom.coursework.spoken_words.record import COURSE_2021, NETWORKS, PARTS, PIECES, Asked
from gradschool.evals.classification.metrics import confusion_matrix, row_normalised, wilson
from gradschool.evals.report import html

LETTERS = "ABCDEF"


def every(found: Answers, seed: int) -> list[Shown]:
    """All figures, in the order of the scheme; the seed shuffles the curves without names."""
    best = max((found["ten", name] for name in NETWORKS), key=lambda each: each.accuracy)
    order = np.random.default_rng(seed).permutation(NETWORKS).tolist()
    return [accuracies(found), curves(found), unnamed(found, order), reach(found), confusion(best)]


def accuracies(found: Answers) -> Shown:
    """Six networks, the best linear model, and what the coursework of 2021 reached on other data."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, part in zip(axes, PARTS, strict=True):
        own = [found[part, name] for name in NETWORKS]
        low, high = np.array([wilson(each.right, len(each.true)) for each in own]).T * 100
        share = np.array([100 * each.accuracy for each in own])
        apart = [np.maximum(share - low, 0), np.maximum(high - share, 0)]
        ax.errorbar(share, range(len(own)), xerr=apart, fmt="o", capsize=3)
        ax.axvline(100 * own[0].best, color="#888888", linestyle="--", linewidth=1)
        ax.set(xlim=(0, 102), xlabel="accuracy, %", title=TITLES[part])
        ax.set_yticks(range(len(own)), NETWORKS)
    axes[0].invert_yaxis()
    rows = []
    for name in NETWORKS:
        shares = [f"{100 * share:.1f}" for share in (found[part, name].accuracy for part in PARTS)]
        each = [f"{who} {hits}/{n}" for who, (hits, n) in found["ten", name].speakers.items()]
        rows.append((name, *shares, f"{100 * COURSE_2021[name]:.0f}", " · ".join(each)))
    head = ("network", "three words, %", "ten words, %", "2021, other data, %", "ten words by speaker")
    told = "Accuracy on speakers that were never heard, with 95 % intervals; dashed is the best linear model."
    table = html.table(head, rows, "Accuracy on the test speakers")
    return Shown("accuracies", "Six networks", told, figure, notes=[table])


def drawn(
    found: Answers, part: str, names: Sequence[str], labels: Sequence[str], figure: Figure, place: int
) -> None:
    """The learning curves of one set of words."""
    ax = figure.add_subplot(1, 2, place)
    for name, label in zip(names, labels, strict=True):
        epochs, shares = np.array(found[part, name].curve or [(0, np.nan)]).T
        ax.plot(epochs, 100 * shares, marker=".", label=label)
    ax.set(xlabel="epoch", ylabel="accuracy, %", ylim=(0, 102), title=TITLES[part])
    ax.legend(fontsize=8, frameon=False, loc="lower right")


def curves(found: Answers) -> Shown:
    """Accuracy over the epochs."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for place, part in enumerate(PARTS, 1):
        drawn(found, part, NETWORKS, NETWORKS, figure, place)
    told = "Accuracy on the test speakers while training. Nothing was chosen by these curves."
    return Shown("curves", "Learning curves", told, figure)


def unnamed(found: Answers, order: Sequence[str]) -> Shown:
    """The same curves under letters, one order for both sets of words."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    for place, part in enumerate(PARTS, 1):
        drawn(found, part, order, LETTERS, figure, place)
    told = "The same curves under letters. Which is which? Cover the figure above before you answer."
    return Shown("curves-unnamed", "Curves without names", told, figure)


def reach(found: Answers) -> Shown:
    """Gradients over time."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for ax, part in zip(axes, PARTS, strict=True):
        for name in NETWORKS:
            ax.plot((np.arange(PIECES) + 0.5) / PIECES, found[part, name].reach, marker=".", label=name)
        ax.set(xlabel="place in the recording (0 beginning, 1 end)", yscale="log", title=TITLES[part])
    axes[0].set_ylabel("share of the gradient")
    axes[1].legend(fontsize=8, frameon=False)
    told = "How strongly each tenth of a recording moves the loss: the length of its rows' gradient."
    return Shown("reach", "What reaches the loss", told, figure)


def confusion(best: Asked) -> Shown:
    """The best network's confusion matrix of ten words."""
    k = len(best.classes)
    shares = row_normalised(confusion_matrix(best.true, best.called, k)).numpy()
    figure = Figure(figsize=(5.5, 5), layout="constrained")
    ax = figure.subplots()
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in zip(*np.nonzero(shares >= 0.005), strict=True):
        colour = "white" if shares[i, j] > 0.6 else "black"
        ax.text(j, i, f"{100 * shares[i, j]:.0f}", ha="center", va="center", fontsize=8, color=colour)
    ax.set(xticks=range(k), yticks=range(k), yticklabels=best.classes, xlabel="predicted", ylabel="true")
    ax.set_xticklabels(best.classes, rotation=45, ha="right")
    told = f"{best.network}, the best on ten words: rows are true words and sum to 100 %."
    return Shown("confusion", "Which words are mixed up", told, figure)
