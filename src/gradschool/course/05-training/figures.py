"""Figures of chapter 5."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from gradschool.course.lessons.bugs import FAULTS, curve_of, right_loop, spoiled

SHOWN = {
    "no_zero_grad": "no zero_grad", "labels_apart": "labels shuffled apart",
    "softmax_twice": "two softmaxes", "labels_off_by_one": "labels one too high", "no_eval": "no eval()",
    "trains_on_test": "trains on the test",
}  # fmt: skip


def bugs() -> Figure:
    """Loss and accuracy of the right loop and of six wrong ones, one seed."""
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 2.9))
    lines = right_loop()
    texts = {"right": lines, **{label: spoiled(lines, FAULTS[name])[0] for name, label in SHOWN.items()}}
    for name, text in texts.items():
        curve = curve_of("\n".join(text))
        epochs = range(1, len(curve) + 1)
        style = {"color": "black", "linewidth": 2.5, "zorder": 3} if name == "right" else {"linewidth": 1.3}
        axes[0].plot(epochs, [line["loss"] for line in curve], label=name, **style)
        axes[1].plot(epochs, [100 * line["accuracy"] for line in curve], label=name, **style)
    axes[0].set(title="training loss", xlabel="epoch", ylim=(0, 2.6))
    axes[1].set(title="held-out accuracy, %", xlabel="epoch", ylim=(-3, 103))
    axes[1].legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    return figure


def holes() -> Figure:
    """Ten digits: whole, damaged, filled in two ways; as measured."""
    record = json.loads((Path(__file__).parent / "results" / "impute.json").read_text(encoding="utf-8"))
    pictures, mask = (record["values"]["side4"][key] for key in ("pictures", "mask"))
    figure, axes = plt.subplots(len(pictures), len(mask), figsize=(6.4, 2.8))
    for row, (name, images) in zip(axes, pictures.items(), strict=True):
        for axis, image, hidden in zip(row, images, mask, strict=True):
            shown = np.array(image) / 255
            colours = np.stack([1 - shown] * 3, 2)
            if name == "damaged":
                colours[np.array(hidden) > 0] = (0.85, 0.45, 0.35)
            axis.imshow(colours)
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    figure.subplots_adjust(wspace=0.08, hspace=0.08)
    return figure
