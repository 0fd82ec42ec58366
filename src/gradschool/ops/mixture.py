"""Mixtures of round Gaussians, for which everything about diffusion is known exactly: score and clean mean.

Symbols: a peak is a round Gaussian with mean m and variance v; a mixture is a weighted sum of them; the score
is the slope of ln p. Source of the bridge from one to the other: Tweedie's formula, in Efron 2011.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def mixture_draw(
    means: Float[Tensor, "k d"],
    weights: Float[Tensor, " k"],
    variance: float,
    n: int,
    generator: torch.Generator,
) -> Float[Tensor, "n d"]:
    """Draw n points of a mixture; arguments as in `mixture_score`."""
    # 1. Which peak, then where about it.
    which = torch.multinomial(weights, n, replacement=True, generator=generator)
    return means[which] + variance**0.5 * torch.randn(n, means.shape[1], generator=generator)


def mixture_score(
    x: Float[Tensor, "n d"], means: Float[Tensor, "k d"], weights: Float[Tensor, " k"], variance: float
) -> Float[Tensor, "n d"]:
    """The slope of ln p at each of n points, for a mixture of k equally wide round Gaussians.

    Args:
        x: the points.
        means: m_i, the middle of each peak.
        weights: share of each peak, above 0, with sum 1.
        variance: v of each peak along each axis, above 0.
    Source: the slope in x of Bishop 2006, eq. 9.7.
    """
    # 1. ln of weight times density of each peak at each point; what all peaks share may be left out.
    distance = (x[:, None] - means).square().sum(2)
    log_joint = weights.log() - distance / (2 * variance)
    # 2. Whose is the point? Shares of the peaks, which sum to 1.
    share = log_joint.softmax(1)
    # 3. Each peak pulls towards its middle, by its share.
    return (share @ means - x) / variance


def tweedie(x: Float[Tensor, "*d"], score: Float[Tensor, "*d"], a: float) -> Float[Tensor, "*d"]:
    """The mean clean picture behind a noisy one, from the slope of ln p of noisy pictures.

    Args:
        x: noisy, sqrt(a) x_0 + sqrt(1 - a) noise.
        score: slope of ln p at x, where p is the density of such noisy pictures.
        a: alpha bar, above 0.
    Source: Efron 2011, eq. 1.4.
    """
    # 1. Up the slope as far as the noise is strong.
    shrunk = x + (1 - a) * score
    # 2. Undo the shrinking.
    return shrunk / a**0.5


def mixture_clean(
    x: Float[Tensor, "n d"],
    means: Float[Tensor, "k d"],
    weights: Float[Tensor, " k"],
    variance: float,
    a: float,
) -> Float[Tensor, "n d"]:
    """What a perfect network says: the mean x_0 given x at level a, if clean pictures come from a mixture."""
    # 1. Noisy data are a mixture, too: peaks move in and widen.
    wide = a * variance + 1 - a
    # 2. So the slope is known.
    return tweedie(x, mixture_score(x, a**0.5 * means, weights, wide), a)
