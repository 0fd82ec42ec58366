"""Mixtures of round Gaussians, for which the score and the best denoiser are known exactly.

Symbols: a component is a round Gaussian with mean m and variance v; a mixture is a weighted sum of them; the
score is the gradient of ln p. Source of the link between score and denoiser: Tweedie's formula (Efron 2011).
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
    # 1. Choose a component, then a point of it.
    which = torch.multinomial(weights, n, replacement=True, generator=generator)
    return means[which] + variance**0.5 * torch.randn(n, means.shape[1], generator=generator)


def mixture_score(
    x: Float[Tensor, "n d"], means: Float[Tensor, "k d"], weights: Float[Tensor, " k"], variance: float
) -> Float[Tensor, "n d"]:
    """The score, the gradient of ln p, of a mixture of k round Gaussians of equal variance.

    Args:
        x: (n, d) points.
        means: (k, d), the mean m_i of each component.
        weights: (k,), the weight w_i of each component, above 0, with sum 1.
        variance: v, the variance of each component along each axis, above 0.
    Returns:
        (n, d), dtype of x, the sum over i of r_i (m_i - x) / v, with r_i the posterior probability of
        component i. It is finite even where all densities are too small for a float.
    Source: Bishop 2006, eq. 9.7, differentiated by x.
    """
    # 1. ln of weight times density, (n, k); a constant that all components share may be left out.
    distance = (x[:, None] - means).square().sum(2)
    log_joint = weights.log() - distance / (2 * variance)
    # 2. Posterior probabilities of the components by Bayes' rule; each point's sum to 1.
    share = log_joint.softmax(1)
    # 3. Each component pulls towards its mean, by its share.
    return (share @ means - x) / variance


def tweedie(x: Float[Tensor, "*d"], score: Float[Tensor, "*d"], a: float) -> Float[Tensor, "*d"]:
    """Tweedie's formula: the mean clean image E[x_0 | x] from the score of the noisy images.

    Args:
        x: noisy, sqrt(a) x_0 + sqrt(1 - a) noise.
        score: gradient of ln p at x, where p is the density of such noisy images.
        a: alpha bar, above 0.
    Source: Efron 2011, eq. 1.4.
    """
    # 1. Along the score, times the variance of the noise.
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
    """The perfect denoiser E[x_0 | x] at level a, if clean data come from a mixture."""
    # 1. Noisy data are a mixture, too: means shrink by sqrt(a), variances grow.
    wide = a * variance + 1 - a
    # 2. So the score is known, and Tweedie's formula gives the mean.
    return tweedie(x, mixture_score(x, a**0.5 * means, weights, wide), a)
