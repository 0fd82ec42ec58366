"""Figures of chapter 13."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from gradschool.classroom.author.evidence import content
from gradschool.classroom.author.figure import measured, panels
from gradschool.classroom.exercise.manifest import read_chapter
from gradschool.data.text.tokens.lattice import edges, viterbi
from gradschool.data.text.tokens.training import train_merges
from gradschool.data.text.vectors.cooccurrence import Corpus, WordVocabulary, cooccurrence
from gradschool.evals.language.words import ppmi_svd
from gradschool.ops.sequence.counting import kneser_ney
from gradschool.ops.sequence.words import keep_probability, ppmi, unit

SMOOTHINGS = {"add-one": "add-one", "witten-bell": "Witten-Bell", "kneser-ney": "Kneser-Ney"}
WORDS = {"sand": 5, "sandy": 2, "band": 3, "bands": 1}
PIECES = {"un": 0.1, "unlike": 0.02, "like": 0.05, "likely": 0.03, "ly": 0.1}
PAIRS = torch.tensor([[6, 0, 0], [0, 1, 1], [0, 1, 1], [0, 1, 0]])  # after San, in, to, near


def box(ax, x, y, text, width=0.9, height=0.7, colour="black", size=11):
    """A box with a text in it."""
    ax.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, fill=False, ec=colour, lw=1.2))
    ax.text(x, y, text, ha="center", va="center", fontsize=size)


def utf8() -> Figure:
    """Four characters, their code points and the bits of their bytes."""
    figure, ax = plt.subplots(figsize=(6.0, 3.0))
    for row, character in enumerate("aé€😀"):
        y = 3 - row
        ax.text(0, y, character, ha="center", va="center", fontsize=17)
        ax.text(1.15, y, f"U+{ord(character):04X}", ha="center", va="center", fontsize=11)
        for i, byte in enumerate(character.encode()):
            bits = f"{byte:08b}"
            lead, x = 2 if i else bits.index("0") + 1, 2.55 + 1.42 * i
            ax.add_patch(Rectangle((x - 0.66, y - 0.3), 1.32, 0.6, fill=False, ec="gray"))
            for place, bit in enumerate(bits):
                colour = "C3" if place < lead else "black"
                ax.text(x - 0.53 + 0.15 * place, y, bit, color=colour, ha="center", va="center", fontsize=10)
    for x, head in (
        (0, "sign"),
        (1.15, "code point"),
        (2.55, "byte 1"),
        (3.97, "byte 2"),
        (5.39, "byte 3"),
        (6.81, "byte 4"),
    ):
        ax.text(x, 3.75, head, ha="center", fontsize=9, color="gray")
    ax.set(xlim=(-0.5, 7.6), ylim=(-0.5, 4.1))
    ax.axis("off")
    return figure


def zipf() -> Figure:
    """Rank against frequency of the words of eleven lectures."""
    run = measured(__file__, "text")
    rank, count = np.array(run["ranks"]).T
    figure, ax = panels(1, 1, (5.0, 3.0))
    ax.loglog(rank, count, "o", ms=3.5)
    ax.loglog(rank, count[0] / rank, color="gray", lw=1, ls="--")
    ax.text(30, 180, r"$c_1 / r$", color="gray", fontsize=10)
    for number, (word, times) in enumerate(run["top"][:1], 1):
        ax.annotate(f"“{word}”", (number, times), (1.4, times * 0.95), fontsize=10)
    ax.set(xlabel="rank of the word, $r$", ylabel="occurrences")
    return figure


def continuation() -> Figure:
    """Shares of three words: by frequency, by contexts, and after the word "in"."""
    count, square = PAIRS.double(), torch.nn.functional.pad(PAIRS, (4, 0, 0, 3))  # a row and column a word
    shares = {
        "how often": count.sum(0) / count.sum(),
        "in how many contexts": (count > 0).sum(0) / (count > 0).sum(),
        "Kneser-Ney after “in”": kneser_ney(square, 0.5)[1, 4:],
    }
    figure, axes = panels(1, 3, (6.0, 2.3), sharey=True)
    for ax, (title, share) in zip(axes, shares.items(), strict=True):
        ax.bar(["Francisco", "Rome", "town"], share.tolist(), color=["C3", "C0", "C0"], width=0.6)
        ax.set_title(title, fontsize=10)
        ax.tick_params(axis="x", labelrotation=30)
    axes[0].set(ylabel="share")
    return figure


def orders() -> Figure:
    """Nats of a held-out character against the order, three ways of smoothing."""
    run = measured(__file__, "orders")
    figure, ax = panels(1, 1, (5.2, 3.1))
    for i, (name, title) in enumerate(SMOOTHINGS.items()):
        rows = run["rows"][name]
        order = range(1, len(rows) + 1)
        ax.plot(order, [row["mean"] for row in rows], "o-", ms=4, color=f"C{i}", label=title)
        ax.fill_between(
            order, [r["lowest"] for r in rows], [r["highest"] for r in rows], color=f"C{i}", alpha=0.2, lw=0
        )
    ax.set(xlabel="order $n$", ylabel="nats per character")
    ax.legend(frameon=False, fontsize=10)
    return figure


def window() -> Figure:
    """A window on a sentence, with its pairs and two random words."""
    words = ["the", "old", "king", "wore", "his", "crown", "today"]
    figure, ax = plt.subplots(figsize=(6.0, 2.3))
    for i, word in enumerate(words):
        near = 0 < abs(i - 3) <= 2
        box(ax, i * 1.15, 1, word, 1.05, 0.5, "C0" if i == 3 else "C2" if near else "gray", 11)
        if near:
            bend = -0.35 if i < 3 else 0.35
            arrow = {"connectionstyle": f"arc3,rad={-bend}", "arrowstyle": "-|>", "mutation_scale": 10}
            ax.add_patch(FancyArrowPatch((3 * 1.15, 1.28), (i * 1.15, 1.28), color="C2", **arrow))  # type: ignore[arg-type]
    for x, word in ((1.7, "photon"), (5.2, "and")):
        box(ax, x, -0.35, word, 1.15, 0.5, "C3", 11)
        ax.add_patch(
            FancyArrowPatch(
                (3.45, 0.72), (x, -0.07), color="C3", arrowstyle="-|>", mutation_scale=10, ls="--"
            )
        )
    ax.text(3.45, -0.35, "random", ha="center", va="center", color="C3", fontsize=10)
    ax.text(3.45, 1.95, "true contexts", ha="center", color="C2", fontsize=10)
    ax.set(xlim=(-0.7, 7.6), ylim=(-0.75, 2.2))
    ax.axis("off")
    return figure


def matrices() -> Figure:
    """Counts of neighbours and their PPMI, for people and words near them."""
    experiments = content(read_chapter(Path(__file__).parent), "experiments")
    texts = experiments.made_sentences(1000, 0)
    words = WordVocabulary.of(texts, 2)
    pairs = cooccurrence(Corpus.of(texts, words), len(words), 4).tocoo()
    row, column = (torch.from_numpy(each.astype(np.int64)) for each in (pairs.row, pairs.col))
    count = torch.from_numpy(pairs.data)
    rows = ["king", "queen", "prince", "princess", "boy", "girl"]
    columns = ["the", "old", "often", "he", "his", "she", "her", "crown", "palace", "toy", "game"]
    figure, axes = panels(1, 2, (6.0, 2.9), sharey=True)
    for ax, title, value in zip(axes, ("counts", "PPMI"), (count, ppmi(count, row, column)), strict=True):
        table = torch.zeros(len(words), len(words), dtype=count.dtype)
        table[row, column] = value
        chosen = table[[words.numbers[w] for w in rows]][:, [words.numbers[w] for w in columns]]
        for i, j in np.ndindex(*chosen.shape):
            shade = float(chosen[i, j] / chosen.max())
            ax.add_patch(Rectangle((j, len(rows) - 1 - i), 1, 1, fc=("C0", shade), ec="gray", lw=0.4))
        ax.set(xlim=(0, len(columns)), ylim=(0, len(rows)))
        ax.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=60, fontsize=10)
        ax.set_yticks(np.arange(len(rows)) + 0.5, rows[::-1], fontsize=10)
        ax.set_title(title, fontsize=10)
    return figure


def plane() -> Figure:
    """Thirty words of the lectures in the plane of the two main directions of their vectors."""
    run = measured(__file__, "neighbours")
    figure, ax = panels(1, 1, (6.0, 4.6))
    places, taken = iter(run["map"]), []  # type: ignore[var-annotated]
    for (group, words), i in zip(run["groups"].items(), (0, 5, 2, 3, 4), strict=True):  # dark enough
        for word in words.split():
            x, y = next(places)
            while any(abs(x - a) < 0.17 and abs(y - b) < 0.045 for a, b in taken):
                y += 0.005  # names must not lie on each other
            taken.append((x, y))
            ax.text(x, y, word, color=f"C{i}", fontsize=9.5, ha="center", va="center")
        ax.plot([], [], "s", color=f"C{i}", label=group)
    x, y = np.array(taken).T
    ax.set(xlim=(x.min() - 0.13, x.max() + 0.13), ylim=(y.min() - 0.06, y.max() + 0.06), xticks=[], yticks=[])
    ax.legend(frameon=False, fontsize=9.5, loc="upper left", handletextpad=0.2)
    return figure


def parallelogram() -> Figure:
    """Four people of made sentences, by PPMI and SVD, in the plane of two of their differences."""
    experiments = content(read_chapter(Path(__file__).parent), "experiments")
    texts = experiments.made_sentences(3000, 0)
    words = WordVocabulary.of(texts, 2)
    counts = cooccurrence(Corpus.of(texts, words), len(words), 4)
    vectors = ppmi_svd(counts, words.words, 10)
    names = ["boy", "girl", "king", "queen"]
    four = unit(torch.stack([vectors.vector(name) for name in names]))
    u, s, _ = torch.linalg.svd(four - four.mean(0), full_matrices=False)
    points = dict(zip(names, (u * s)[:, :2].tolist(), strict=True))
    figure, ax = panels(1, 1, (4.6, 3.1))
    for a, b, colour in (
        ("boy", "girl", "C0"),
        ("king", "queen", "C0"),
        ("boy", "king", "C1"),
        ("girl", "queen", "C1"),
    ):
        arrow = {"arrowstyle": "-|>", "color": colour, "lw": 1.4, "shrinkA": 6, "shrinkB": 6}
        ax.annotate("", points[b], points[a], arrowprops=arrow)
    x, y = np.array(list(points.values())).T
    for name, point in points.items():
        ax.plot(*point, "o", color="black", ms=4)
        side = 1 if point[1] > np.mean(y) else -1
        ax.annotate(
            name, point, (0, 9 * side), textcoords="offset points", ha="center", va="center", fontsize=11
        )
    ax.set(xlim=(x.min() - 0.25, x.max() + 0.25), ylim=(y.min() - 0.14, y.max() + 0.14), xticks=[], yticks=[])
    return figure


def keep() -> Figure:
    """The probability that an occurrence is kept against the word's share of the text."""
    figure, ax = panels(1, 1, (5.0, 2.8))
    share = torch.logspace(-5, -0.8, 200)
    for i, threshold in enumerate((1e-2, 1e-3, 1e-4)):
        ax.semilogx(share, keep_probability(share, threshold), color=f"C{i}", label=f"$t = 10^{{-{i + 2}}}$")
    run = measured(__file__, "text")
    for word, times in run["top"][:2]:
        ax.axvline(times / run["words"], color="gray", lw=0.8, ls=":")
        ax.text(times / run["words"], 1.06, f"“{word}”", ha="center", fontsize=10)
    ax.set(xlabel="share of the text, $f$", ylabel="probability", ylim=(0, 1.17))
    ax.legend(frameon=False, fontsize=10, loc="lower left")
    return figure


def merges() -> Figure:
    """The merges of four words as a tree."""
    learnt = train_merges(WORDS, 6)
    texts = [bytes([i]).decode("latin-1") for i in range(256)]
    for a, b in learnt:
        texts.append(texts[a] + texts[b])
    figure, ax = plt.subplots(figsize=(5.6, 3.4))
    place = {ord(letter): (float(x), 0.0) for x, letter in enumerate("bsandy")}
    for rank, (a, b) in enumerate(learnt):
        new = 256 + rank
        if b == ord("s"):
            place[-1] = (-1.0, 0.0)  # a second s, at the end of "bands"
            b = -1
        (xa, ya), (xb, yb) = place[a], place[b]
        x, y = (
            {"an": 2.5, "and": 3.0, "sand": 3.1, "band": 0.9, "sandy": 4.0, "bands": -0.3}[texts[new]],
            rank + 1.0,
        )
        for px, py in ((xa, ya), (xb, yb)):
            ax.plot([px, x], [py + 0.27, y - 0.27], color="gray", lw=1)
        place[new] = (x, y)
        box(ax, x, y, texts[new], 0.35 + 0.2 * len(texts[new]), 0.54, "C0")
        ax.text(5.75, y, f"merge {rank + 1}", va="center", fontsize=10, color="C0")
    for number, (x, y) in place.items():
        if number < 256:
            box(ax, x, y, "s" if number < 0 else chr(number), 0.45, 0.54)
    ax.text(5.75, 0, "bytes", va="center", fontsize=10)
    ax.set(xlim=(-1.5, 7.0), ylim=(-0.4, 6.4))
    ax.axis("off")
    return figure


def lattice() -> Figure:
    """All ways to cut "unlikely" into five pieces, and the best of them."""
    word, log_p = "unlikely", {piece: float(np.log(p)) for piece, p in PIECES.items()}
    found = edges(word, log_p, 6)
    best, at = set(), 0
    for piece in viterbi(found, len(word), log_p):
        best.add((at, at + len(piece)))
        at += len(piece)
    figure, ax = plt.subplots(figsize=(6.0, 2.7))
    for i, letter in enumerate(word):
        ax.text(i + 0.5, 0, letter, ha="center", va="center", fontsize=13)
    bends = {"un": 0.45, "likely": 0.45, "like": 0.3, "unlike": -0.45, "ly": -0.45}  # up or down
    for start, end, piece in found:
        chosen, up = (start, end) in best, np.sign(bends[piece])
        colour = "C3" if chosen else "gray"
        look = {"color": colour, "lw": 2 if chosen else 1, "arrowstyle": "-|>", "mutation_scale": 12}
        bend = f"arc3,rad={-bends[piece]}"
        ax.add_patch(FancyArrowPatch((start, 0.3 * up), (end, 0.3 * up), connectionstyle=bend, **look))  # type: ignore[arg-type]
        y = up * 0.52 + bends[piece] * (end - start) / 2
        said = f"{piece} {log_p[piece]:.2f}"
        ax.text((start + end) / 2, y, said, ha="center", va="center", fontsize=10, color=colour)
    for place in range(len(word) + 1):
        ax.plot(place, 0.0, "o", ms=3, color="gray")
    ax.set(xlim=(-0.4, 8.4), ylim=(-2.0, 2.0))
    ax.axis("off")
    return figure


def compression() -> Figure:
    """Bytes per token against the size of the vocabulary, and tokens by language."""
    run = measured(__file__, "vocabulary")
    figure, (left, right) = panels(1, 2, (6.0, 2.9))
    rows = run["rows"]
    left.semilogx(run["sizes"], [row["mean"] for row in rows], "o-", ms=4)
    left.fill_between(
        run["sizes"], [r["lowest"] for r in rows], [r["highest"] for r in rows], alpha=0.2, lw=0
    )
    left.set(xlabel="size of the vocabulary", ylabel="bytes per token", ylim=(0, 4.3))
    left.set_xticks([256, 500, 1000, 2000, 4000], ["256", "500", "1000", "2000", "4000"], fontsize=9)
    left.set_xticks([], minor=True)
    names = list(run["times"])[::-1]
    mean = [run["times"][name]["mean"] for name in names]
    error = [run["times"][name]["deviation"] for name in names]
    right.barh(names, mean, xerr=error, color="C1", height=0.6, error_kw={"lw": 1, "ecolor": "gray"})
    right.set(xlabel="tokens, English = 1")
    return figure
