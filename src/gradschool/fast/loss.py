"""torch-native losses, with the names and arguments of gradschool.ops.loss."""

import torch.nn.functional as F
from torch import Tensor

from gradschool.ops.loss import Reduction


def mse_loss(x: Tensor, y: Tensor, reduction: Reduction = "mean") -> Tensor:
    """See ops.loss.mse_loss."""
    return F.mse_loss(x, y, reduction=reduction)


def l1_loss(x: Tensor, y: Tensor, reduction: Reduction = "mean") -> Tensor:
    """See ops.loss.l1_loss."""
    return F.l1_loss(x, y, reduction=reduction)


def smooth_l1_loss(x: Tensor, y: Tensor, reduction: Reduction = "mean", beta: float = 1.0) -> Tensor:
    """See ops.loss.smooth_l1_loss."""
    return F.smooth_l1_loss(x, y, reduction=reduction, beta=beta)


def huber_loss(x: Tensor, y: Tensor, reduction: Reduction = "mean", delta: float = 1.0) -> Tensor:
    """See ops.loss.huber_loss."""
    return F.huber_loss(x, y, reduction=reduction, delta=delta)


def nll_loss(
    log_p: Tensor,
    y: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    """See ops.loss.nll_loss; torch's own has no way back to scores with channels last."""
    return F.nll_loss(log_p.contiguous(), y, weight, ignore_index=ignore_index, reduction=reduction)


def cross_entropy(
    x: Tensor,
    y: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """See ops.loss.cross_entropy."""
    return F.cross_entropy(
        x, y, weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
    )


def binary_cross_entropy(
    p: Tensor, y: Tensor, reduction: Reduction = "mean", weight: Tensor | None = None
) -> Tensor:
    """See ops.loss.binary_cross_entropy."""
    return F.binary_cross_entropy(p, y, weight, reduction=reduction)


def binary_cross_entropy_with_logits(
    x: Tensor,
    y: Tensor,
    reduction: Reduction = "mean",
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
) -> Tensor:
    """See ops.loss.binary_cross_entropy_with_logits."""
    return F.binary_cross_entropy_with_logits(x, y, weight, reduction=reduction, pos_weight=pos_weight)


def kl_div(log_q: Tensor, p: Tensor, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """See ops.loss.kl_div."""
    return F.kl_div(log_q, p, reduction=reduction, log_target=log_target)


def margin_ranking_loss(
    a: Tensor, b: Tensor, y: Tensor, margin: float = 0.0, reduction: Reduction = "mean"
) -> Tensor:
    """See ops.loss.margin_ranking_loss."""
    return F.margin_ranking_loss(a, b, y, margin=margin, reduction=reduction)


def triplet_margin_loss(
    anchor: Tensor, near: Tensor, far: Tensor, margin: float = 1.0, reduction: Reduction = "mean",
    p: float = 2.0, eps: float = 1e-6, swap: bool = False,
) -> Tensor:  # fmt: skip
    """See ops.loss.triplet_margin_loss."""
    return F.triplet_margin_loss(
        anchor, near, far, margin=margin, p=p, eps=eps, swap=swap, reduction=reduction
    )  # fmt: skip


def cosine_embedding_loss(
    a: Tensor, b: Tensor, y: Tensor, margin: float = 0.0, reduction: Reduction = "mean"
) -> Tensor:
    """See ops.loss.cosine_embedding_loss."""
    return F.cosine_embedding_loss(a, b, y, margin=margin, reduction=reduction)
