"""Scores of a classifier, all from two arrays: the logits and the labels.

Accuracy comes with its Wilson interval, because 360 test images cannot tell 98.6 % from 98.9 %.
Source: Wilson 1927; Newcombe 1998; scikit-learn's definitions of precision, recall and F1 (the tests compare
with it).
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

Z95 = 1.959963984540054  # the 97.5 % point of the standard normal: intervals hold 95 %


@dataclass(frozen=True)
class ClassScores:
    """Per-class scores in [0, 1], each (k,); NaN where a class neither occurs nor is predicted."""

    precision: Float[Tensor, " k"]
    recall: Float[Tensor, " k"]
    f1: Float[Tensor, " k"]
    support: Int64[Tensor, " k"]


@dataclass(frozen=True)
class Scores:
    """The scores that a report opens with; rates are fractions in [0, 1], the loss is in nats."""

    count: int
    accuracy: float
    interval: tuple[float, float]
    top5: float
    loss: float
    precision: float
    recall: float
    f1: float


def wilson(right: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Interval for a proportion that stays inside [0, 1] and holds near 0 and 1, unlike p ± z·sqrt(pq/n).

    Args:
        right: how many of the n were right, 0 to n.
        n: how many there were, >= 1.
        z: normal quantile; 1.96 gives 95 %.

    Raises:
        ValueError: right is not in 0..n, or n is 0.

    Source: Wilson 1927, p. 209.
    """
    if not 0 <= right <= n or n == 0:
        raise ValueError(f"{right} right of {n}, wanted 0 <= right <= n and n >= 1. Count the images first.")
    p, zz = right / n, z * z
    centre = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    # At the ends the formula gives 0 and 1 exactly; rounding must not leave the unit interval.
    low = 0.0 if right == 0 else max(0.0, centre - half)
    high = 1.0 if right == n else min(1.0, centre + half)
    return low, high


def accuracy_with_interval(
    predicted: Int64[Tensor, " n"], labels: Int64[Tensor, " n"]
) -> tuple[float, float, float]:
    """(accuracy, low, high): the share that is right, and its 95 % interval."""
    right = int((predicted == labels).sum())
    return right / max(len(labels), 1), *wilson(right, len(labels))


def difference_interval(right_a: int, n_a: int, right_b: int, n_b: int) -> tuple[float, float]:
    """Interval for p_a - p_b of two independent samples. Source: Newcombe 1998, method 10."""
    p_a, p_b = right_a / n_a, right_b / n_b
    (low_a, high_a), (low_b, high_b) = wilson(right_a, n_a), wilson(right_b, n_b)
    low = p_a - p_b - math.hypot(p_a - low_a, high_b - p_b)
    high = p_a - p_b + math.hypot(high_a - p_a, p_b - low_b)
    return low, high


def confusion_matrix(
    labels: Int64[Tensor, " n"], predicted: Int64[Tensor, " n"], classes: int
) -> Int64[Tensor, "k k"]:
    """Counts: row = true class, column = predicted class.

    Args:
        labels: true class of each image, 0 to classes - 1.
        predicted: predicted class of each image, 0 to classes - 1.
        classes: their number k.

    Returns:
        (k, k), int64: entry (i, j) counts the images of class i that were predicted as class j.
    """
    # 1. The cell of each image, if the cells are numbered row after row from 0.
    cell = labels * classes + predicted
    # 2. Count how often each number occurs, including those that never do; reshape the counts to a square.
    return torch.bincount(cell, minlength=classes**2).view(classes, classes)


def row_normalised(matrix: Int64[Tensor, "k k"]) -> Float[Tensor, "k k"]:
    """Each row divided by its sum: the diagonal is recall. A row without images stays 0."""
    return matrix.double() / matrix.sum(1, keepdim=True).clamp(min=1)


def class_scores(matrix: Int64[Tensor, "k k"]) -> ClassScores:
    """Precision, recall and F1 of every class from its row and its column of the confusion matrix."""
    # 1. Precision: of the images predicted as k (column), the share of class k. Recall: of class k (row),
    #    the share predicted as k.
    right, called, support = matrix.diagonal().double(), matrix.sum(0), matrix.sum(1)
    precision, recall = right / called.clamp(min=1), right / support.clamp(min=1)
    f1 = 2 * right / (called + support).clamp(min=1)
    # 2. A class that neither occurs nor is predicted has no score.
    absent = (called + support) == 0
    precision, recall, f1 = (score.masked_fill(absent, math.nan) for score in (precision, recall, f1))
    return ClassScores(precision, recall, f1, support)


def most_confused(matrix: Int64[Tensor, "k k"], count: int) -> list[tuple[int, int, int, int]]:
    """The largest off-diagonal cells as (true, predicted, how many, of how many), most frequent first."""
    wrong = matrix - torch.diag(matrix.diagonal())
    cells = wrong.flatten().sort(descending=True, stable=True).indices[:count].tolist()
    found = [divmod(cell, len(matrix)) for cell in cells]
    return [(t, p, int(wrong[t, p]), int(matrix[t].sum())) for t, p in found if wrong[t, p] > 0]


def top_k_accuracy(logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"], k: int) -> float:
    """The share of images whose true class is among the k largest logits."""
    best = logits.topk(min(k, logits.shape[1]), dim=1).indices
    return float((best == labels[:, None]).any(1).double().mean())


def negative_log_likelihood(logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]) -> float:
    """Mean of -log p(true class), in nats."""
    return float(-logits.double().log_softmax(1).gather(1, labels[:, None]).mean())


def scores(logits: Float[Tensor, "n k"], labels: Int64[Tensor, " n"]) -> Scores:
    """All headline scores of one test set.

    Raises:
        ValueError: there is no image.
    """
    if len(labels) == 0:
        raise ValueError("0 test images, wanted at least 1. Check the split or the folder.")
    predicted = logits.argmax(1)
    accuracy, low, high = accuracy_with_interval(predicted, labels)
    each = class_scores(confusion_matrix(labels, predicted, logits.shape[1]))
    return Scores(
        count=len(labels),
        accuracy=accuracy,
        interval=(low, high),
        top5=top_k_accuracy(logits, labels, 5),
        loss=negative_log_likelihood(logits, labels),
        precision=float(each.precision.nanmean()),
        recall=float(each.recall.nanmean()),
        f1=float(each.f1.nanmean()),
    )
