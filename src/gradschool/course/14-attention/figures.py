"""Figures of chapter 14."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits

from gradschool.classroom.author.figure import measured, panels
from gradschool.course.lessons.diagrams import arrow, box, canvas
from gradschool.ops.attention.dot_product import attend
from gradschool.ops.attention.masks import causal_mask, document_mask, window_mask
from gradschool.ops.attention.positions import sinusoids

WAYS = {"attend": "whole table", "tiles": "tiles, in Python", "torch": "PyTorch's kernel", "linear": "linear"}
ENCODINGS = {"none": "none", "sinusoids": "sinusoids", "rotary": "rotary", "alibi": "ALiBi"}


def curve(ax, x, rows, colour, label, style="o-"):
    """Means over seeds, with their range as a band."""
    ax.plot(x, [row["mean"] for row in rows], style, ms=4, color=colour, label=label)
    low, high = [row["lowest"] for row in rows], [row["highest"] for row in rows]
    ax.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)


def table(ax, weights, rows, columns, colour="C0"):
    """A table of weights as squares that are the fuller the larger the weight."""
    weights = np.asarray(weights)
    for i, j in np.ndindex(*weights.shape):
        shade = float(weights[i, j])
        ax.add_patch(Rectangle((j, len(weights) - 1 - i), 1, 1, fc=(colour, shade), ec="gray", lw=0.5))
    ax.set(xlim=(0, weights.shape[1]), ylim=(0, len(weights)), aspect="equal")
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=60, fontsize=9)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows[::-1], fontsize=9)
    ax.tick_params(length=0)


def soft_dictionary() -> Figure:
    """Scores of a query with four keys, and their weights."""
    keys = torch.tensor([[2.0, 0.5], [1.6, 1.2], [-0.5, 1.5], [-1.5, -0.5]])
    query = torch.tensor([[1.5, 1.0]])
    score = query @ keys.T / 2**0.5
    weight = attend(query, keys, torch.eye(4))
    figure, (left, right) = panels(2, 1, (4.8, 3.2), sharex=True)
    names = ["$k_1$", "$k_2$", "$k_3$", "$k_4$"]
    left.bar(names, score[0], color="C0", width=0.5)
    left.axhline(0, color="gray", lw=0.8)
    left.set(ylabel="score")
    right.bar(names, weight[0], color="C1", width=0.5)
    for i, each in enumerate(weight[0].tolist()):
        right.text(i, each + 0.02, f"{each:.2f}", ha="center", fontsize=10)
    right.set(ylabel="weight", ylim=(0, 0.75))
    return figure


def scale() -> Figure:
    """The largest weight and the derivative of softmax with and without the root of d."""
    run = measured(__file__, "scores")
    figure, axes = panels(1, 2, (6.0, 2.7))
    for number, ax, label in ((1, axes[0], "largest weight"), (2, axes[1], "mean derivative of a weight")):
        for name, colour, said in (("plain", "C3", "without the root"), ("scaled", "C0", "with it")):
            curve(ax, run["sizes"], [each[number] for each in run[name]], colour, said)
        ax.set(xscale="log", xlabel="length $d$", ylabel=label, ylim=(0, None))
    axes[0].legend(frameon=False, fontsize=9)
    return figure


def own_map() -> Figure:
    """What `attend` looks at in a sentence, found by giving it the identity as values."""
    words = ["the", "dog", "saw", "the", "cat", "and", "the", "dog", "ran"]
    source = torch.Generator().manual_seed(4)
    vectors = {word: torch.randn(16, generator=source) for word in dict.fromkeys(words)}
    x = torch.stack([vectors[word] for word in words])
    figure, axes = panels(1, 2, (6.0, 3.2))
    for ax, causal in zip(axes, (False, True), strict=True):
        table(ax, attend(x, x, torch.eye(len(words)), causal=causal), words, words)
        ax.set_title("causal" if causal else "no mask", fontsize=10)
    return figure


def alignment() -> Figure:
    """Where a trained translator of numbers looks."""
    seen = measured(__file__, "numerals")["map"]
    figure, ax = panels(1, 1, (4.2, 3.2))
    table(ax, seen["weights"], seen["target"], seen["source"], "C2")
    return figure


def heads() -> Figure:
    """Three tokens of four numbers as two heads."""
    figure, ax = canvas(11.5, 4.2, (6.0, 2.3))
    numbers = [[1, 0, 0, 2], [0, 1, 2, 0], [1, 1, 0, 2]]
    for row, (token, values) in enumerate(zip("abc", numbers, strict=True)):
        y = 3.0 - 0.8 * row
        ax.text(0.3, y, token, ha="center", va="center", fontsize=12)
        for i, value in enumerate(values):
            box(ax, 1.0 + 0.75 * i, y, str(value), "C0" if i < 2 else "C1", 0.7, 0.7)
            x = (6.2 if i < 2 else 9.3) + 0.75 * (i % 2)
            box(ax, x, y, str(value), "C0" if i < 2 else "C1", 0.7, 0.7)
        ax.text(5.5, y, token, ha="center", va="center", fontsize=12)
        ax.text(8.6, y, token, ha="center", va="center", fontsize=12)
    arrow(ax, (3.9, 2.2), (5.1, 2.2))
    for x, text in ((2.1, "(3, 4)"), (6.55, "head 1"), (9.65, "head 2")):
        ax.text(x, 3.85, text, ha="center", fontsize=11)
    ax.text(8.1, 0.35, "(2, 3, 2)", ha="center", fontsize=11)
    return figure


def masks() -> Figure:
    """Four masks of six positions."""
    causal, window = causal_mask(6, 6), window_mask(6, 6, 3)
    texts = document_mask(torch.tensor([[0, 0, 0, 1, 1, 1]]))[0, 0]
    figure, axes = panels(1, 4, (6.0, 1.9))
    names = ("causal", "window", "documents", "all three")
    for ax, name, mask in zip(axes, names, (causal, window, texts, causal & window & texts), strict=True):
        table(ax, mask.float(), [], [])
        ax.set_title(name, fontsize=10)
    return figure


def clocks() -> Figure:
    """Sinusoids, and how alike two positions are."""
    known = sinusoids(torch.arange(64), 32)
    figure, (left, right) = panels(1, 2, (6.0, 2.7))
    left.imshow(known.T, aspect="auto", cmap="coolwarm", interpolation="nearest")
    left.set(xlabel="position", ylabel="number of the vector")
    right.plot(known @ known[32])
    right.set(xlabel="position", ylabel="product with position 32")
    return figure


def beyond() -> Figure:
    """Nats above the entropy by position, within the trained length and beyond it."""
    run = measured(__file__, "beyond")
    figure, ax = panels(1, 1, (5.4, 3.1))
    for i, (name, label) in enumerate(ENCODINGS.items()):
        curve(ax, run["ends"], run[name], f"C{i}", label)
    ax.axvline(run["trained"], color="gray", ls=":", lw=1.2)
    ax.set(xscale="log", xlabel="position, up to", ylabel="nats above the entropy")
    ax.set_xticks(run["ends"], [str(end) for end in run["ends"]])
    ax.set_xticks([], minor=True)
    ax.legend(frameon=False, fontsize=9)
    return figure


def stack(ax, x, parts, step=1.15):
    """Boxes one above the other with arrows between, from below."""
    for i, (text, colour) in enumerate(parts):
        y = 0.6 + step * i
        box(ax, x, y, text, colour, 2.1, 0.66)
        if i:
            arrow(ax, (x, y - step + 0.33), (x, y - 0.33))


def block() -> Figure:
    """Two kinds of blocks, and an encoder with its decoder."""
    figure, ax = canvas(14.6, 7.2, (6.4, 3.3))
    after = [("attention", "C0"), ("norm", "gray"), ("feed", "C1"), ("norm", "gray")]
    before = [("norm", "gray"), ("attention", "C0"), ("norm", "gray"), ("feed", "C1")]
    stack(ax, 1.6, after)
    stack(ax, 5.4, before)
    for x, low, high in ((1.6, 0.1, 1.2), (1.6, 2.4, 3.5), (5.4, 0.1, 2.3), (5.4, 2.4, 4.65)):
        arrow(ax, (x + 0.2, low), (x + 0.2, high), "C3", bend=1.1 if high - low < 1.5 else 0.65)
    for x, text in ((1.6, "post-norm"), (5.4, "pre-norm"), (9.4, "encoder"), (12.8, "decoder")):
        ax.text(x, 6.6, text, ha="center", fontsize=11)
    stack(ax, 9.4, [("source", "gray"), ("attention", "C0"), ("feed", "C1")])
    parts = [
        ("target", "gray"),
        ("causal", "C0"),
        ("cross", "C2"),
        ("feed", "C1"),
        ("next word", "gray"),
    ]
    stack(ax, 12.8, parts)
    arrow(ax, (10.45, 2.9), (11.75, 2.9), "C2")
    return figure


def features() -> Figure:
    """The error of random features against their number."""
    run = measured(__file__, "features")
    figure, ax = panels(1, 1, (5.0, 2.9))
    curve(ax, run["counts"], run["independent"], "C3", "independent")
    curve(ax, run["counts"], run["orthogonal"], "C0", "at right angles")
    ax.set(xscale="log", yscale="log", xlabel="features $r$", ylabel="error / size of attention")
    ax.legend(frameon=False, fontsize=9)
    return figure


def costs() -> Figure:
    """Processor time against length, four ways."""
    run = measured(__file__, "costs")
    figure, ax = panels(1, 1, (5.2, 3.1))
    for i, (name, label) in enumerate(WAYS.items()):
        ax.loglog(run["sizes"], [row["median"] for row in run[name]], "o-", ms=4, color=f"C{i}", label=label)
    ax.set(xlabel="positions $n$", ylabel="milliseconds")
    ax.set_xticks(run["sizes"], [str(n) for n in run["sizes"]])
    ax.set_xticks([], minor=True)
    ax.legend(frameon=False, fontsize=9)
    return figure


def patches() -> Figure:
    """A digit in patches, and the patches in a row."""
    digit = load_digits().images[3]
    figure, axes = plt.subplots(2, 1, figsize=(6.0, 3.2), height_ratios=[3, 1], layout="constrained")
    axes[0].imshow(digit, cmap="gray")
    for line in np.arange(-0.5, 8, 2):
        axes[0].axhline(line, color="C1", lw=1)
        axes[0].axvline(line, color="C1", lw=1)
    row = np.full((2, 16 * 3 - 1), np.nan)
    for i in range(16):
        y, x = 2 * (i // 4), 2 * (i % 4)
        row[:, 3 * i : 3 * i + 2] = digit[y : y + 2, x : x + 2]
        axes[1].text(3 * i + 0.5, 2.4, str(i + 1), ha="center", fontsize=9)
    axes[1].imshow(row, cmap="gray")
    for ax in axes:
        ax.axis("off")
    return figure


def slots() -> Figure:
    """Pictures, and what each of three slots has won."""
    shown = measured(__file__, "taking_apart")["shown"]
    colours, shares = np.array(shown["pictures"]), np.array(shown["shares"])
    side = int(colours.shape[1] ** 0.5)
    figure, axes = panels(3, 4, (5.2, 3.9))
    for i, row in enumerate(axes):
        row[0].imshow(colours[i].reshape(side, side, 3))
        for s, ax in enumerate(row[1:]):
            ax.imshow(shares[i, s].reshape(side, side), cmap="gray", vmin=0, vmax=1)
            ax.set_title(f"slot {s + 1}" if i == 0 else "", fontsize=10)
        for ax in row:
            ax.set(xticks=[], yticks=[])
    return figure
