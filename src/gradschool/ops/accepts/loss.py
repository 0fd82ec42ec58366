"""What the losses refuse; see gradschool.ops.loss."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import (
    alike,
    axes,
    floating,
    looks_at_numbers,
    one_of,
    one_type,
    shaped,
    spreads,
    within,
)

REDUCTIONS = ("mean", "sum", "none")


def pair(x: Tensor, y: Tensor, reduction: str, *more: str) -> None:
    """Two tensors of floats of one shape, and a reduction."""
    floating(x=x, y=y)
    alike(x, y)
    one_of("reduction", reduction, (*more, *REDUCTIONS))


def mse_loss(x: Tensor, y: Tensor, reduction: str = "mean") -> None:
    """One shape."""
    pair(x, y, reduction)


l1_loss = mse_loss


def smooth_l1_loss(x: Tensor, y: Tensor, reduction: str = "mean", beta: float = 1.0) -> None:
    """One shape, beta >= 0."""
    pair(x, y, reduction)
    if not beta >= 0:
        raise ValueError(f"beta is {beta}, a number >= 0 was wanted")


def huber_loss(x: Tensor, y: Tensor, reduction: str = "mean", delta: float = 1.0) -> None:
    """One shape, delta > 0."""
    pair(x, y, reduction)
    if not delta > 0:
        raise ValueError(f"delta is {delta}, a number > 0 was wanted")


def classes(x: Tensor, y: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> None:
    """Scores of classes on axis 1, and a true class for each place, or ignore_index."""
    one_of("reduction", reduction, REDUCTIONS)
    axes("x", x, "(batch, classes, ...)", 2)
    if y.dtype != torch.int64:
        raise ValueError(f"classes are of type {y.dtype}, int64 was wanted: .long() makes them so")
    shaped("y", y, (x.shape[0], *x.shape[2:]))
    shaped("weight", weight, x.shape[1:2])
    within("y", y, 0, max(x.shape[1] - 1, 0), ignore_index)


@looks_at_numbers
def nll_loss(
    log_p: Tensor, y: Tensor, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean"
) -> None:
    """See classes."""
    one_type(log_p, weight=weight)
    classes(log_p, y, weight, ignore_index, reduction)


@looks_at_numbers
def cross_entropy(
    x: Tensor, y: Tensor, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> None:  # fmt: skip
    """True classes, or shares of classes, which have the shape of the scores and ignore nothing."""
    one_type(x, weight=weight)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing is {label_smoothing}, a share from 0 to 1 was wanted")
    if x.dim() > 1 and x.shape[1] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}, one class or more was wanted")
    if not y.is_floating_point():
        return classes(x, y, weight, ignore_index, reduction)
    one_of("reduction", reduction, REDUCTIONS)
    axes("x", x, "(batch, classes, ...)", 2)
    alike(x, y)
    shaped("weight", weight, x.shape[1:2])
    if ignore_index >= 0:
        raise ValueError(f"ignore_index is {ignore_index}, none was wanted where y is shares of classes")
    return None


@looks_at_numbers
def binary_cross_entropy(p: Tensor, y: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> None:
    """One shape; predictions and targets must be probabilities, which NaN is not."""
    one_type(p, y=y, weight=weight)
    pair(p, y, reduction)
    spreads("weight", weight, p.shape)
    within("p", p, 0, 1, nan=False)
    within("y", y, 0, 1, nan=False)


def binary_cross_entropy_with_logits(
    x: Tensor, y: Tensor, reduction: str = "mean", weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
) -> None:  # fmt: skip
    """One shape; weights that spread over it."""
    pair(x, y, reduction)
    floating(weight=weight, pos_weight=pos_weight)
    spreads("weight", weight, x.shape)
    spreads("pos_weight", pos_weight, x.shape)


def kl_div(log_q: Tensor, p: Tensor, reduction: str = "mean", log_target: bool = False) -> None:
    """One shape; a mean over the batch needs a batch axis."""
    pair(log_q, p, reduction, "batchmean")
    if reduction == "batchmean":
        axes("log_q", log_q, "(batch, ...)", 1)


def margin_ranking_loss(
    a: Tensor, b: Tensor, y: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> None:
    """One shape for all three."""
    floating(a=a, b=b, y=y)
    alike(a, b, y)
    one_of("reduction", reduction, REDUCTIONS)


def contrastive_loss(
    a: Tensor, b: Tensor, same: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> None:
    """Pairs of vectors, and a number for each."""
    floating(a=a, b=b, same=same)
    axes("a", a, "(batch, numbers)", 2, 2)
    alike(a, b)
    shaped("same", same, a.shape[:1])
    one_of("reduction", reduction, REDUCTIONS)


def triplet_margin_loss(
    anchor: Tensor, near: Tensor, far: Tensor, margin: float = 1.0, reduction: str = "mean", p: float = 2.0,
    eps: float = 1e-6, swap: bool = False,
) -> None:  # fmt: skip
    """Three tensors of one shape."""
    floating(anchor=anchor, near=near, far=far)
    axes("anchor", anchor, "(batch, numbers)", 1)
    alike(anchor, near, far)
    one_of("reduction", reduction, REDUCTIONS)
    if not margin > 0:
        raise ValueError(f"margin is {margin}, a number > 0 was wanted")
    if not p > 0:
        raise ValueError(f"p is {p}, the power of a norm, > 0, was wanted")


def cosine_embedding_loss(
    a: Tensor, b: Tensor, y: Tensor, margin: float = 0.0, reduction: str = "mean"
) -> None:
    """Pairs of vectors, and 1 or -1 for each."""
    floating(a=a, b=b)
    axes("a", a, "(batch, numbers)", 1, 2)
    alike(a, b)
    shaped("y", y, a.shape[:-1])
    one_of("reduction", reduction, REDUCTIONS)


def focal_loss(
    x: Tensor, y: Tensor, gamma: float = 2.0, alpha: float | None = None, reduction: str = "mean"
) -> None:
    """One shape."""
    pair(x, y, reduction)
