"""The figures that the second coursework asks for, from the hand-in alone."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from gradschool.classroom.coursework.frame import Lost, Pixels, Say, Shown
from gradschool.classroom.coursework.handed import Call, ask
from gradschool.classroom.coursework.vae_dcgan.record import Paper
from gradschool.evals.generation import latent
from gradschool.evals.generation.generators import nearest
from gradschool.evals.pictures import grid
from gradschool.evals.report import html
from gradschool.tasks.gan import GAMES

ASKED = 32  # reconstructions and samples
STEPS = 10  # of the interpolation
PERPLEXITIES = (5.0, 30.0, 100.0)
JUDGED = 500  # codes in the table of stability
SHEETS = 6  # over training
NEAR = 5  # neighbours that say where a code lies on the map
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Map:
    """Codes of test digits on a flat map.

    Args:
        codes: (n, d).
        places: (n, 2), by t-SNE, or the codes themselves where d is 2.
        labels: (n,).
    """

    codes: Float[np.ndarray, "n d"]
    places: Float[np.ndarray, "n 2"]
    labels: np.ndarray

    def where(self, z: Tensor) -> tuple[np.ndarray, list[int]]:
        """Where other codes lie: the mean place of their nearest test codes; and the nearest one's class."""
        known = torch.from_numpy(self.codes)
        close = torch.cdist(z, known).topk(min(NEAR, len(known)), largest=False).indices.numpy()
        return self.places[close].mean(1), [int(self.labels[first]) for first in close[:, 0]]


def drawn(paper: Paper, say: Say) -> list[Shown]:
    """Every figure that the hand-in allows, in the order of the scheme."""
    return all_of([
        lambda: [six_curves(paper.log("vae"))],
        lambda: [reconstructions(paper), samples(paper)],
        lambda: codes(paper, say),
        lambda: [generated(paper)],
        lambda: [over_training(paper)],
        lambda: [game(paper.log("gan"), paper.facts["gan"]["game"])],
    ], say)  # fmt: skip


def all_of(wanted: Sequence[Callable[[], Sequence[Shown]]], say: Say) -> list[Shown]:
    """Every figure that can be drawn; of the others is said what is missing."""
    found: list[Shown] = []
    for make in wanted:
        try:
            found += make()
        except Lost as lost:
            say(f" left out a figure: {lost}")
    return found


def series(lines: Sequence[Line], name: str) -> tuple[list[float], list[float]]:
    """Steps and values of a logged number."""
    some = [line for line in lines if isinstance(line.get(name), int | float) and "step" in line]
    return [line["step"] for line in some], [line[name] for line in some]


def thinned(x: Sequence[float], y: Sequence[float], points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Means over neighbours, so that at most so many points remain."""
    cuts = np.array_split(np.arange(len(x)), min(points, max(1, len(x))))
    across, up = (np.array([np.mean(np.asarray(v, float)[cut]) for cut in cuts]) for v in (x, y))
    return across, up


def line(ax: Axes, lines: Sequence[Line], name: str, label: str, style: str) -> None:
    """A logged number as a curve."""
    x, y = series(lines, name)
    if x:
        ax.plot(*thinned(x, y), style, label=label, linewidth=1.5, markersize=4)


def six_curves(lines: Sequence[Line], unit: str = "nats a digit") -> Shown:
    """1.2a: total, reconstruction and KL, in training and of the test part, in `unit`."""
    if not lines:
        raise Lost("vae.jsonl is not there: the six curves need it")
    figure = Figure(figsize=(10.5, 3.2), layout="constrained")
    for ax, (name, title) in zip(
        figure.subplots(1, 3), (("loss", "total"), ("reconstruction", "reconstruction"), ("kl", "KL")),
        strict=True,
    ):  # fmt: skip
        line(ax, lines, name, "training", "-")
        line(ax, lines, f"test_{name}", "test", "o--")
        ax.set(xlabel="step", title=f"{title}, {unit}")
        ax.grid(alpha=0.3)
        _, values = series(lines, name)
        if len(values) > 20:
            ax.set_ylim(top=float(np.quantile(values[len(values) // 20 :], 0.99)) * 1.05)
        if ax.lines:
            ax.legend()
    reading = (
        "Reconstruction falls while KL rises: the code learns to say something and pays for it. Training "
        "that falls on while the test curve turns is over-fitting."
    )
    return Shown("vae-curves", "1.2a Six curves", reading, figure)


def reconstructions(paper: Paper) -> Shown:
    """1.2b: test digits above what their codes say."""
    again = paper.vae.answer(0, 3)[0][:ASKED]
    rows = [part for i in range(0, ASKED, 16) for part in (paper.x[i : i + 16], again[i : i + 16])]
    reading = "Test digits, and under each row what the mean of the code says of it."
    return Shown("vae-reconstructions", "1.2b Reconstructions", reading, grid(torch.cat(rows), 16), 2)


def samples(paper: Paper) -> Shown:
    """1.2b: digits of codes from N(0, 1)."""
    made = paper.decoder.answer(1)[0][:ASKED]
    reading = "Decoded from N(0, 1). Where no code of a digit lies, a mixture of its neighbours is drawn."
    return Shown("vae-samples", "1.2b Samples", reading, grid(made, 8), 3)


def codes(paper: Paper, say: Say, perplexities: Sequence[float] = PERPLEXITIES) -> list[Shown]:
    """1.3a and 1.3b: the map, its stability over perplexities, and a walk on it."""
    paper.decoder.need()
    mean = paper.vae.answer(1, 2)[0].numpy()
    labels = paper.tested.labels.numpy()
    say(f" mapping  {len(mean):,} codes by t-SNE")
    flat = mean.shape[1] == 2
    whole = Map(mean, mean if flat else latent.tsne(mean, seed=paper.seed), labels)
    return [mapped(whole), *([] if flat else [stable(whole, perplexities)]), walked(paper, whole)]


def scatter(ax: Axes, places: np.ndarray, labels: np.ndarray, size: float) -> None:
    """Points as the numbers of their classes, so that no class is known by its colour alone."""
    for label in np.unique(labels):
        across, up = places[labels == label].T
        ax.scatter(
            across, up, size, color=colormaps["tab10"](int(label) % 10), marker=f"${label}$", linewidths=0
        )
    ax.set(xticks=[], yticks=[])


def mapped(whole: Map) -> Shown:
    """1.3a: all codes, with the loneliest ringed."""
    figure = Figure(figsize=(8.2, 7.2), layout="constrained")
    ax = figure.subplots()
    scatter(ax, whole.places, whole.labels, 14)
    some = torch.from_numpy(whole.codes)
    apart, _ = nearest(some, some, 5, skip_self=True)
    lonely = apart.topk(min(8, len(apart))).indices.numpy()
    across, up = whole.places[lonely].T
    ax.scatter(across, up, 130, facecolors="none", edgecolors="black", linewidths=1.2)
    reading = (
        f"{len(whole.places):,} test digits by the means of their codes, t-SNE at perplexity 30. Ringed: the "
        "codes with the farthest neighbours. Near means alike; distances between groups mean little."
    )
    return Shown("vae-map", "1.3a Map of the codes", reading, figure)


def stable(whole: Map, perplexities: Sequence[float]) -> Shown:
    """1.3a: maps at several perplexities, and how much of the neighbourhoods they share."""
    step = max(1, len(whole.codes) // JUDGED)
    some, labels = whole.codes[::step][:JUDGED], whole.labels[::step][:JUDGED]
    figure = Figure(figsize=(10.5, 3.6), layout="constrained")
    for ax, perplexity in zip(figure.subplots(1, len(perplexities)), perplexities, strict=True):
        scatter(ax, latent.tsne(some, perplexity), labels, 18)
        ax.set_title(f"perplexity {perplexity:g}")
    rows = [
        (f"{s.perplexity:g}", f"{s.trustworthiness:.3f}", f"{s.seeds_agree:.2f}", f"{s.chance:.3f}")
        for s in latent.stability(some, perplexities)
    ]
    head = ("perplexity", "trustworthiness", "two seeds share", "chance")
    table = html.table(head, rows, f"Maps of {len(some)} codes, 10 neighbours")
    reading = (
        "Trust what stays: neighbourhoods, and which groups touch. Shapes, sizes and gaps change with the "
        "perplexity. The table says how much of its neighbours a code keeps from one seed to the next."
    )
    return Shown("vae-perplexity", "1.3a How far to trust the map", reading, figure, notes=[table])


def walked(paper: Paper, whole: Map) -> Shown:
    """1.3b: ten steps between two digits, and where each step lies on the map."""
    # 1. Two digits of different classes, each the one nearest to the middle of its class.
    first, second = [
        torch.from_numpy(middle(whole.codes[whole.labels == label]))
        for label in np.unique(whole.labels)[[1, 0]]
    ]
    path = latent.straight(first, second, STEPS)
    pictures = ask(paper.folder / "vae.pt", [Call("decode", (path,))], paper.seed).answer(0)[0]
    places, classes = whole.where(path)
    # 2. The pictures above, the map below.
    figure = Figure(figsize=(8.2, 7.6), layout="constrained")
    top, below = figure.subplots(2, 1, gridspec_kw={"height_ratios": [1, 7]})
    top.imshow(grid(pictures, STEPS), interpolation="nearest")
    top.axis("off")
    scatter(below, whole.places, whole.labels, 9)
    below.plot(*places.T, "o-", color="black", linewidth=1.5, markersize=13)
    for number, (across, up) in enumerate(places):
        below.text(across, up, str(number), color="white", ha="center", va="center", fontsize=8)
    told = ", ".join(map(str, classes))
    reading = (
        f"A straight line between two codes. Each step stands on the map where its {NEAR} nearest test codes "
        f"lie; the nearest one is a {told}. Where the path jumps, the map has torn what is close in the code."
    )
    return Shown("vae-interpolation", "1.3b Interpolation", reading, figure)


def middle(codes: Float[np.ndarray, "n d"]) -> np.ndarray:
    """The code nearest to the mean of all."""
    found: np.ndarray = codes[np.linalg.norm(codes - codes.mean(0), axis=1).argmin()]
    return found


def generated(paper: Paper) -> Shown:
    """2.1c: 10 x 10 pictures from the fixed noise, by the reloaded file."""
    made = paper.made[:100]
    if made.ndim != 4 or made.shape[1] not in (1, 3):
        raise Lost(f"the generator returns {tuple(made.shape)}, pictures (b, c, h, w) were wanted")
    reading = f"By generator.pt, loaded in a clean process, from noise of seed {paper.seed}; none picked out."
    return Shown("gan-grid", "2.1c Generated pictures", reading, grid(made, 10), 2)


def over_training(paper: Paper) -> Shown:
    """2.1b: the same noise at several moments."""
    files = sorted((paper.folder / "fixed").glob("*.png"))
    if len(files) < 2:
        raise Lost("fixed/ holds fewer than two sheets of the same noise")
    chosen = dict.fromkeys(files[round(i * (len(files) - 1) / (SHEETS - 1))] for i in range(SHEETS))
    figure = Figure(figsize=(10.5, 3.7 * -(-len(chosen) // 3)), layout="constrained")
    for ax in figure.subplots(-(-len(chosen) // 3), 3, squeeze=False).flat:
        ax.axis("off")
    for ax, file in zip(figure.axes, chosen, strict=False):
        ax.imshow(opened(file), interpolation="nearest")
        ax.set_title(re.sub(r"^step-0*", "step ", file.stem))
    reading = "The noise is the same on every sheet: each place shows one picture taking shape."
    return Shown("gan-training", "2.1b Over the training", reading, figure)


def opened(file: Path) -> Pixels:
    """A sheet that was written before."""
    with Image.open(file) as sheet:
        return np.asarray(sheet.convert("RGB"))


def game(lines: Sequence[Line], name: str) -> Shown:
    """2.2: losses and answers beside their theoretical optimum."""
    if not lines:
        raise Lost("gan.jsonl is not there: the curves of the game need it")
    played = GAMES.get(name, GAMES["non_saturating"])
    figure = Figure(figsize=(10.5, 6.2), layout="constrained")
    losses, distance, answers, both = figure.subplots(2, 2).flat
    ends = dict(zip(("errD", "errG"), played.end, strict=True))
    for (loss, end), colour in zip(ends.items(), ("C0", "C1"), strict=True):
        line(losses, lines, loss, loss, f"{colour}-")
        if end is not None:
            losses.axhline(end, color=colour, linestyle=":", label=f"{loss} at the optimum, {end:.3f}")
    line(distance, lines, "distance", "sum of both distances", "C2-")
    for answer, style in (("D(x)", "C0-"), ("D(G(z)) before", "C1-")):
        line(answers, lines, answer, answer.removesuffix(" before"), style)
    for answer, style in (("D(G(z)) before", "C1-"), ("D(G(z)) after", "C3--")):
        line(both, lines, answer, answer, style)
    if name in ("minimax", "non_saturating"):
        answers.axhline(0.5, color="black", linestyle=":", label="optimum, 1/2")
        both.axhline(0.5, color="black", linestyle=":", label="optimum, 1/2")
    titles = ("losses", "distance from the optimum", "what D says", "D(G(z)) before and after D's step")
    for ax, title in zip((losses, distance, answers, both), titles, strict=True):
        ax.set(title=title, xlabel="step")
        ax.grid(alpha=0.3)
        if ax.lines:
            ax.legend(fontsize=8)
    reading = (
        "Where nobody can tell real from generated, errD is ln 4, errG ln 2 and D says 1/2. A discriminator "
        "that wins lies below its line and says so of D(G(z)); neither curve says how good pictures are."
    )
    return Shown("gan-curves", "2.2 Curves against the optimum", reading, figure)
