"""The same network on a second set of pictures: what does it lose, and does it know that something is odd?

Source: Hendrycks and Gimpel 2017 (maximum softmax probability as a detector); Liu et al. 2020 (energy score).
Classes are matched by name; images of other classes count for detection only.
"""

import re
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.evals.classification.metrics import difference_interval, wilson


@dataclass(frozen=True)
class Answers:
    """What a network said about one set: logits, true labels, and the names that the labels stand for."""

    logits: Float[Tensor, "n k"]
    labels: Int64[Tensor, " n"]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class ClassDrop:
    """One shared class: (right, images) at home and on the second set."""

    name: str
    home: tuple[int, int]
    away: tuple[int, int]


@dataclass(frozen=True)
class OodScores:
    """The comparison, rates in [0, 1]; `home`, `away`, `drop` are over shared classes, None without any."""

    shared: list[ClassDrop]
    unshared: list[str]
    home: tuple[float, tuple[float, float]] | None
    away: tuple[float, tuple[float, float]] | None
    drop: tuple[float, tuple[float, float]] | None
    auroc_softmax: float
    auroc_energy: float


def auroc(positive: Float[Tensor, " p"], negative: Float[Tensor, " q"]) -> float:
    """P(a positive scores higher than a negative), ties counting half: the area under the ROC curve.

    Source: Mann and Whitney 1947; Hanley and McNeil 1982.
    """
    # 1. Mid-ranks: tied scores share the mean of their places.
    pooled = torch.cat([positive, negative]).double()
    _, place, ties = torch.unique(pooled, return_inverse=True, return_counts=True)
    rank = (ties.cumsum(0) - (ties.double() - 1) / 2)[place]
    # 2. The rank sum of the positives, less its least possible value, counts the pairs won.
    p, q = len(positive), len(negative)
    return float((rank[:p].sum() - p * (p + 1) / 2) / (p * q))


def max_softmax(logits: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
    """Confidence; lower on unfamiliar images. Source: Hendrycks and Gimpel 2017, sec. 2."""
    return logits.double().softmax(1).amax(1)


def negative_energy(logits: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
    """The log sum exp of logits, lower on unfamiliar images. Source: Liu et al. 2020, eq. 4 with T = 1."""
    return logits.double().logsumexp(1)


def compare(home: Answers, away: Answers) -> OodScores:
    """Accuracy on both sets over the classes they share, and how well two scores tell the sets apart.

    Args:
        home: the test set that belongs to the training set; its `classes` name the logits.
        away: the second set; its logits are in the order of `home.classes`, its labels in its own order.
    """
    # 1. Which classes do both sets have, whatever the spelling?
    index = {_plain(name): i for i, name in enumerate(home.classes)}
    pairs = {j: index[_plain(name)] for j, name in enumerate(away.classes) if _plain(name) in index}
    # 2. Right answers per shared class on both sides.
    shared = [
        ClassDrop(
            away.classes[j], _tally(home.logits, home.labels, i, i), _tally(away.logits, away.labels, j, i)
        )
        for j, i in pairs.items()
    ]
    unshared = [name for j, name in enumerate(away.classes) if j not in pairs]
    # 3. Detection: home is the positive class, and a familiar image should score higher.
    softmax = auroc(max_softmax(home.logits), max_softmax(away.logits))
    energy = auroc(negative_energy(home.logits), negative_energy(away.logits))
    # 4. The drop, with its interval.
    right_a, n_a = sum(c.home[0] for c in shared), sum(c.home[1] for c in shared)
    right_b, n_b = sum(c.away[0] for c in shared), sum(c.away[1] for c in shared)
    if not n_a or not n_b:
        return OodScores(shared, unshared, None, None, None, softmax, energy)
    drop = (right_a / n_a - right_b / n_b, difference_interval(right_a, n_a, right_b, n_b))
    at_home, abroad = (right_a / n_a, wilson(right_a, n_a)), (right_b / n_b, wilson(right_b, n_b))
    return OodScores(shared, unshared, at_home, abroad, drop, softmax, energy)


def _plain(name: str) -> str:
    """`African Elephant`, `african_elephant` and `african-elephant` are one class."""
    return re.sub(r"[\W_]+", " ", name).strip().casefold()


def _tally(logits: Tensor, labels: Tensor, label: int, answer: int) -> tuple[int, int]:
    """Of the images labelled `label`, how many were given the answer `answer`, and how many are there?"""
    chosen = logits[labels == label].argmax(1) == answer
    return int(chosen.sum()), len(chosen)
