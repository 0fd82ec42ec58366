"""Figures of chapter 1."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure


def decision_line() -> Figure:
    """AND as a line between four points, with the weights as an arrow."""
    figure, axes = plt.subplots(figsize=(3.6, 3.2))
    x = np.array([-0.4, 1.6])
    axes.fill_between(x, 1.5 - x, 1.8, color="C0", alpha=0.12, lw=0)
    axes.plot(x, 1.5 - x, color="C0")
    axes.annotate("", (1.1, 1.1), (0.75, 0.75), arrowprops={"arrowstyle": "->", "color": "C0"})
    axes.scatter([0, 0, 1], [0, 1, 0], marker="o", facecolors="none", edgecolors="black", label="0")
    axes.scatter([1], [1], marker="o", color="black", label="1")
    axes.set(xlim=(-0.4, 1.6), ylim=(-0.4, 1.6), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.legend(title="AND", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure
