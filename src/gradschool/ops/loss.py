"""Losses: how wrong a prediction is, each as its formula. `reduction` is "mean", "sum" or "none".

Names, reductions and defaults are torch's, without `size_average` and `reduce`. Nothing broadcasts: shapes
must be equal. Classes lie on axis 1 of scores.
"""

from typing import Literal

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

from gradschool.ops.activation import log_softmax, sigmoid, softplus
from gradschool.ops.switch import op

Reduction = Literal["mean", "sum", "none"]
X = Float[Tensor, "..."]
Labels = Int64[Tensor, "..."]


def reduced(values: X, reduction: Reduction) -> X:
    """The mean, the sum, or the values themselves.

    Raises:
        ValueError: there is no such reduction.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is {reduction!r}, mean, sum or none was wanted")
    return values.mean() if reduction == "mean" else values.sum() if reduction == "sum" else values


@op
def mse_loss(x: X, y: X, reduction: Reduction = "mean") -> X:
    """(x - y)^2: the negative log-likelihood of Gaussian noise, but for constants."""
    return reduced((x - y) ** 2, reduction)


@op
def l1_loss(x: X, y: X, reduction: Reduction = "mean") -> X:
    """|x - y|: the negative log-likelihood of Laplace noise, but for constants."""
    return reduced((x - y).abs(), reduction)


@op
def smooth_l1_loss(x: X, y: X, reduction: Reduction = "mean", beta: float = 1.0) -> X:
    """Quadratic below beta, linear above; L1 with beta 0. Source: Girshick 2015, eq. 3."""
    if beta == 0:
        return l1_loss(x, y, reduction)
    far = (x - y).abs()
    return reduced(torch.where(far < beta, 0.5 * far**2 / beta, far - 0.5 * beta), reduction)


@op
def huber_loss(x: X, y: X, reduction: Reduction = "mean", delta: float = 1.0) -> X:
    """Smooth L1 times delta. Source: Huber 1964."""
    far = (x - y).abs()
    return reduced(torch.where(far < delta, 0.5 * far**2, delta * (far - 0.5 * delta)), reduction)


@op
def nll_loss(
    log_p: Float[Tensor, "b k *rest"],
    y: Int64[Tensor, "b *rest"],
    weight: Float[Tensor, " k"] | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> X:
    """Negative log-likelihood: minus the log-probability of the true class, times its class weight.

    Args:
        log_p: log-probabilities (b, k, ...), classes on axis 1.
        y: true classes (b, ...), 0 to k - 1, or ignore_index.
        weight: of each class (k,); None: all 1.
        ignore_index: examples with this label have weight 0; it need not be a class.
        reduction: "mean": the sum of the weighted losses over the sum of the weights that were used; "sum";
            "none": the weighted losses, (b, ...).
    """
    # 1. The log-probability of each true class. An ignored example looks up class 0 and gets weight 0.
    counts = y != ignore_index
    true = torch.where(counts, y, torch.zeros_like(y))
    picked = log_p.gather(1, true.unsqueeze(1)).squeeze(1)
    # 2. The weight of each example: that of its class, or 1; 0 where it is ignored.
    share = counts.to(log_p.dtype) if weight is None else weight[true] * counts
    loss = torch.where(counts, -picked * share, torch.zeros_like(picked))
    return loss.sum() / share.sum() if reduction == "mean" else reduced(loss, reduction)


@op
def cross_entropy(
    x: Float[Tensor, "b k *rest"],
    y: Int64[Tensor, "b *rest"] | Float[Tensor, "b k *rest"],
    weight: Float[Tensor, " k"] | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> X:
    """Cross-entropy: minus the log-probability of the target under softmax(x).

    Args:
        x: logits, k classes on axis 1.
        y: class numbers 0 to k - 1, or a share of each class (same shape as x, summing to 1 over axis 1).
        weight: of each class, (k,); 1 if not given.
        ignore_index: examples of this class count nothing; only for class numbers.
        reduction: "mean", "sum" or "none". For class numbers the mean divides by the sum of the weights of
            the true classes, ignored examples counting 0; for shares it divides by the number of examples.
        label_smoothing: share of the target spread evenly over all k classes, 0 to 1 (Szegedy et al. 2016,
            section 7).
    """
    # 1. In log-probabilities, so that nothing overflows; a weight for each class.
    log_p = log_softmax(x, 1)
    k = x.shape[1]
    w = torch.ones(k, dtype=x.dtype, device=x.device) if weight is None else weight
    w_axis = w.view(1, k, *[1] * (x.dim() - 2))
    # 2. Shares of classes: smooth the shares, then sum over all classes.
    if y.is_floating_point():
        shares = y * (1 - label_smoothing) + label_smoothing / k
        loss = -(shares * log_p * w_axis).sum(1)
        return loss.sum() / (x.numel() / k) if reduction == "mean" else reduced(loss, reduction)
    # 3. Class numbers: 1 - s times the loss of the true class, plus s times the mean loss over all classes.
    counts = y != ignore_index
    true = nll_loss(log_p, y, w, ignore_index, "none")
    everywhere = -(log_p * w_axis).sum(1) / k
    spread = torch.where(counts, everywhere, torch.zeros_like(everywhere))
    loss = (1 - label_smoothing) * true + label_smoothing * spread
    if reduction != "mean":
        return reduced(loss, reduction)
    return loss.sum() / (w[torch.where(counts, y, torch.zeros_like(y))] * counts).sum()


@op
def binary_cross_entropy(p: X, y: X, reduction: Reduction = "mean", weight: X | None = None) -> X:
    """-(y log p + (1 - y) log(1 - p)); logs are cut at -100, as torch does, so that p = 0 stays finite.

    Args:
        p: probabilities, 0 to 1.
        y: targets, 0 to 1, of the same shape.
        reduction: "mean", "sum" or "none".
        weight: of each element; spread over the shape of p.
    """
    # The inner `where` keeps log's infinite slope out of the gradient: 0 times infinity would be NaN.
    log_p = torch.where(p > 0, torch.log(torch.where(p > 0, p, 1)), -100).clamp(min=-100)
    log_q = torch.where(p < 1, torch.log1p(-torch.where(p < 1, p, 0)), -100).clamp(min=-100)
    return reduced(weighed(-(y * log_p + (1 - y) * log_q), weight), reduction)


@op
def binary_cross_entropy_with_logits(
    x: X, y: X, reduction: Reduction = "mean", weight: X | None = None, pos_weight: X | None = None
) -> X:
    """Binary cross-entropy of sigmoid(x), safe for large x: softplus(x) - x y.

    Args:
        x: logits.
        y: targets, 0 to 1, of the same shape.
        reduction: "mean", "sum" or "none".
        weight: of each element; spread over the shape of x.
        pos_weight: of the positive part, y log p; spread likewise.
    """
    if pos_weight is None:
        loss = softplus(x) - x * y
    else:
        loss = pos_weight * y * softplus(-x) + (1 - y) * softplus(x)
    return reduced(weighed(loss, weight), reduction)


def weighed(loss: X, weight: X | None) -> X:
    """Each element times its weight, where there are weights."""
    return loss if weight is None else loss * weight


@op
def kl_div(
    log_q: X,
    p: X,
    reduction: Literal["mean", "sum", "none", "batchmean"] = "mean",
    log_target: bool = False,
) -> X:
    """The sum of p (log p - log q), with 0 log 0 = 0.

    Args:
        log_q: log-probabilities of the model.
        p: probabilities of the target, of the same shape.
        reduction: "batchmean", the sum over the batch's size, is the true divergence; "mean" divides by the
            number of classes as well.
        log_target: whether p holds the logarithms of the target's probabilities.

    Source: Kullback and Leibler 1951, eq. 2.4.
    """
    if log_target:
        loss = torch.exp(p) * (p - log_q)
    else:
        loss = torch.where(p > 0, p * (torch.log(torch.where(p > 0, p, 1)) - log_q), 0)
    return loss.sum() / log_q.shape[0] if reduction == "batchmean" else reduced(loss, reduction)


@op
def margin_ranking_loss(a: X, b: X, y: X, margin: float = 0.0, reduction: Reduction = "mean") -> X:
    """max(0, -y (a - b) + margin): a should exceed b by the margin where y = 1, fall short where y = -1."""
    return reduced((-y * (a - b) + margin).clamp(min=0), reduction)


@op
def contrastive_loss(
    a: Float[Tensor, "b d"], b: Float[Tensor, "b d"], same: Float[Tensor, " b"], margin: float = 1.0,
    reduction: Reduction = "mean",
) -> X:  # fmt: skip
    """Pull equal pairs together, push others a margin apart. Source: Hadsell et al. 2006, eq. 4."""
    far = ((a - b) ** 2).sum(-1).add(1e-12).sqrt()
    return reduced(0.5 * (same * far**2 + (1 - same) * (margin - far).clamp(min=0) ** 2), reduction)


@op
def triplet_margin_loss(
    anchor: Float[Tensor, "*b d"], near: Float[Tensor, "*b d"], far: Float[Tensor, "*b d"],
    margin: float = 1.0, reduction: Reduction = "mean", p: float = 2.0, eps: float = 1e-6, swap: bool = False,
) -> X:  # fmt: skip
    """The anchor should be nearer to `near` than to `far` by the margin (Schroff et al. 2015, eq. 2).

    Args:
        anchor, near, far: vectors, one shape.
        margin: > 0.
        reduction: "mean", "sum" or "none".
        p: of the norm, > 0; 2 is the Euclidean distance.
        eps: added to every difference.
        swap: take the distance from `near` to `far` where it is the smaller (Balntas et al. 2016).
    """

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return ((a - b + eps).abs() ** p).sum(-1) ** (1 / p)

    d_near, d_far = distance(anchor, near), distance(anchor, far)
    d_far = torch.minimum(d_far, distance(near, far)) if swap else d_far
    return reduced((d_near - d_far + margin).clamp(min=0), reduction)


@op
def cosine_embedding_loss(
    a: Float[Tensor, "*b d"], b: Float[Tensor, "*b d"], y: Shaped[Tensor, "*b"], margin: float = 0.0,
    reduction: Reduction = "mean",
) -> X:  # fmt: skip
    """1 - cos where y = 1, max(0, cos - margin) where y = -1, 0 elsewhere."""
    # A little is added to the squares, as torch does, so that a vector of zeros has cosine 0.
    size = (((a**2).sum(-1) + 1e-12) * ((b**2).sum(-1) + 1e-12)).sqrt()
    cosine = (a * b).sum(-1) / size
    apart = torch.where(y == -1, (cosine - margin).clamp(min=0), 0)
    return reduced(torch.where(y == 1, 1 - cosine, apart), reduction)


@op
def focal_loss(
    x: X, y: X, gamma: float = 2.0, alpha: float | None = None, reduction: Reduction = "mean"
) -> X:
    """Binary cross-entropy times (1 - p_t)^gamma; p_t is the probability of the true class.

    Args:
        x: logits of class 1, any shape.
        y: true class, 0 or 1, same shape.
        gamma: exponent, >= 0; 0 gives cross-entropy, larger values suppress easy examples.
        alpha: weight of class 1, 0 to 1; class 0 gets 1 - alpha. None: both classes have weight 1.
        reduction: "mean", "sum" or "none".

    Source: Lin et al. 2017, eq. 5.
    """
    # 1. Cross-entropy of every element.
    loss = binary_cross_entropy_with_logits(x, y, "none")
    # 2. p_t is p where y is 1 and 1 - p where y is 0; multiply by (1 - p_t)^gamma.
    p = sigmoid(x)
    loss = loss * (1 - (p * y + (1 - p) * (1 - y))) ** gamma
    # 3. Multiply by alpha (class 1) or 1 - alpha (class 0) if it is given; then reduce.
    return reduced(loss if alpha is None else loss * (alpha * y + (1 - alpha) * (1 - y)), reduction)
