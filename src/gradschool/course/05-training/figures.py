"""Figures of chapter 5."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from gradschool.classroom.author.figure import measured
from gradschool.course.lessons.bugs import FAULTS, curve_of, right_loop, spoiled

plt.rcParams["font.size"] = 10
SHOWN = {
    "no_zero_grad": "no zero_grad", "labels_apart": "labels shuffled",
    "softmax_twice": "two softmaxes", "labels_off_by_one": "labels one too high", "no_eval": "no eval()",
    "trains_on_test": "trains on the test",
}  # fmt: skip


def confusion() -> Figure:
    """Confusion matrix of a linear classifier of the digits; a cell is as dark as its share of the row."""
    matrix = np.array(measured(__file__, "confusion")["matrix"])
    share = matrix / matrix.sum(1, keepdims=True)
    figure, axis = plt.subplots(1, 1, figsize=(4.6, 4.4))
    colours = np.zeros((*matrix.shape, 4)) + to_rgba("C0")
    colours[np.arange(10)[:, None] != np.arange(10)] = to_rgba("C3")
    # A root makes rare mistakes visible beside the diagonal.
    colours[..., 3] = 0.75 * np.sqrt(share)
    axis.imshow(colours)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axis.text(column, row, str(count), ha="center", va="center", fontsize=9, color="black")
    axis.set(xlabel="predicted digit", ylabel="true digit", xticks=range(10), yticks=range(10))
    axis.spines[:].set_alpha(0.3)
    return figure


def leakage() -> Figure:
    """Accuracy on random labels, with copies made before and after the split."""
    found = measured(__file__, "leakage")
    figure, axis = plt.subplots(1, 1, figsize=(5.2, 3.2))
    epochs = found["epochs"]
    percent = {
        (way, part): 100 * np.array(found[way][part])
        for way in ("before", "after")
        for part in ("training", "held")
    }
    axis.plot(epochs, percent["before", "training"], color="black", alpha=0.5, label="training part")
    axis.plot(epochs, percent["before", "held"], color="C3", lw=2, label="held out, copied before the split")
    axis.plot(epochs, percent["after", "held"], color="C0", lw=2, label="held out, copied after the split")
    axis.axhline(10, color="black", ls=":", lw=1, label="guessing")
    axis.set(xlabel="epoch", ylabel="accuracy, %", ylim=(0, 103), xlim=(0, max(epochs)))
    axis.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.47, 1), ncols=2)
    return figure


def one_batch() -> Figure:
    """The loss on one batch of 32 digits: a right loop and three wrong ones."""
    found = measured(__file__, "one_batch")
    labels = {
        "right": "right loop", "softmax_twice": "two softmaxes", "labels_apart": "labels shuffled every step",
        "no_step": "graph cut by detach()",
    }  # fmt: skip
    figure, axis = plt.subplots(1, 1, figsize=(5.2, 3.2))
    for name, label in labels.items():
        curve = found[name]["curve"]
        steps = np.linspace(0, found["steps"], len(curve), endpoint=False)
        axis.plot(steps, curve, color="black" if name == "right" else None, label=label, lw=1.8)
    axis.set(xlabel="step", ylabel="loss on the batch, nats", ylim=(-0.05, 2.6))
    axis.legend(frameon=False, fontsize=9, loc="center right", bbox_to_anchor=(1, 0.34))
    return figure


def bugs() -> Figure:
    """Loss and accuracy of the right loop and of six wrong ones, one seed."""
    figure, axes = plt.subplots(2, 1, figsize=(5.2, 5.2), sharex=True)
    lines = right_loop()
    texts = {"right": lines, **{label: spoiled(lines, FAULTS[name])[0] for name, label in SHOWN.items()}}
    for number, (name, text) in enumerate(texts.items()):
        curve = curve_of("\n".join(text))
        epochs = range(1, len(curve) + 1)
        style = {"color": f"C{number % 4}", "linewidth": 1.5, "linestyle": "-" if number < 4 else "--"}
        if name == "right":
            style = {"color": "black", "linewidth": 2.5, "zorder": 3}
        axes[0].plot(epochs, [line["loss"] for line in curve], label=name, **style)
        axes[1].plot(epochs, [100 * line["accuracy"] for line in curve], label=name, **style)
    axes[0].set(ylabel="training loss, nats", ylim=(0, 2.6))
    axes[1].set(ylabel="held-out accuracy, %", xlabel="epoch", ylim=(-3, 103))
    axes[0].legend(fontsize=9, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    figure.tight_layout()
    return figure


def average() -> Figure:
    """A weight that jumps around 1, and its moving average with a fixed and with a growing memory."""
    rng, decay, steps = np.random.default_rng(0), 0.98, 200
    weight, fixed, growing = -1.0, -1.0, -1.0
    tracks = []
    for step in range(1, steps + 1):
        weight += -0.3 * (weight - 1) + 0.25 * rng.normal()
        memory = min(decay, (1 + step) / (10 + step))
        fixed = decay * fixed + (1 - decay) * weight
        growing = memory * growing + (1 - memory) * weight
        tracks.append((weight, fixed, growing))
    figure, axis = plt.subplots(1, 1, figsize=(5.2, 2.8))
    labels = "weight", "average, decay 0.98", "average, growing memory"
    styles: list[dict] = [
        {"color": "black", "alpha": 0.35, "lw": 1},
        {"color": "C3"},
        {"color": "C0", "lw": 2},
    ]
    for track, label, style in zip(zip(*tracks, strict=True), labels, styles, strict=True):
        axis.plot(range(1, steps + 1), track, label=label, **style)
    axis.axhline(1, color="black", ls=":", lw=1)
    axis.set(xlabel="step", ylabel="value", ylim=(-1.1, 2.2))
    axis.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def holes() -> Figure:
    """Eight digits: whole, damaged, filled in two ways; as measured."""
    side4 = measured(__file__, "impute")["side4"]
    pictures, mask = side4["pictures"], side4["mask"][:8]
    figure, axes = plt.subplots(len(pictures), len(mask), figsize=(5.4, 2.9))
    for row, (name, images) in zip(axes, pictures.items(), strict=True):
        for axis, image, hidden in zip(row, images, mask, strict=False):
            shown = np.array(image) / 255
            colours = np.stack([1 - shown] * 3, 2)
            if name == "damaged":
                colours[np.array(hidden) > 0] = (0.85, 0.45, 0.35)
            axis.imshow(colours)
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
    figure.subplots_adjust(wspace=0.08, hspace=0.08)
    return figure
