"""The ELBO: samples that gradients pass through, the KL term of a code, bounds from several codes.

Sources: Kingma and Welling 2014, sections 2.4, 3 and appendix B; Burda et al. 2016; Kingma et al. 2016.
All costs are in nats.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.switch import op

X = Float[Tensor, "..."]


@op
def reparametrise(
    mean: Float[Tensor, "*k b d"], log_variance: Float[Tensor, "*k b d"], noise: Float[Tensor, "*k b d"]
) -> Float[Tensor, "*k b d"]:
    """A sample z of N(mean, sigma^2) as a function of its parameters, so that gradients reach them.

    Args:
        mean: of each code, any shape that ends in (b, d).
        log_variance: ln sigma^2 of each code, of the same shape; any number for which sigma is finite, also
            where sigma^2 is not.
        noise: of the same shape, drawn from N(0, 1) by the caller.

    Returns:
        z, of the same shape; the mean itself where the noise is 0.

    Source: Kingma and Welling 2014, section 2.4.
    """
    # 1. The standard deviation sigma, from ln sigma^2.
    sigma = torch.exp(0.5 * log_variance)
    # 2. Scale the noise and shift it by the mean.
    return mean + sigma * noise


@op
def kl_standard_normal(
    mean: Float[Tensor, "b d"], log_variance: Float[Tensor, "b d"]
) -> Float[Tensor, "b d"]:
    """KL(N(mean, sigma^2) || N(0, 1)) of every latent dimension, in nats; sum over d for a code.

    Args:
        mean: of each code, (b, d).
        log_variance: ln sigma^2 of each code, (b, d).

    Returns:
        (b, d), 0 where mean = 0 and sigma = 1, above 0 elsewhere; nothing is summed.

    Source: Kingma and Welling 2014, appendix B.
    """
    # 1. The variance sigma^2.
    variance = torch.exp(log_variance)
    # 2. The closed form of the divergence of two Gaussians.
    return 0.5 * (mean**2 + variance - 1 - log_variance)


@op
def gaussian_nll(x: X, mean: X, log_variance: X) -> X:
    """-ln N(x; mean, sigma^2) of every number, in nats: with a fixed variance the squared error,
    apart from a factor and a constant.

    Args:
        x: the observed numbers, of any shape.
        mean: their expected values, of the same shape.
        log_variance: ln sigma^2, of the same shape.

    Returns:
        of the same shape, one number for each; nothing is summed.
    """
    # 1. The squared distance in units of the variance.
    distance = (x - mean) ** 2 / torch.exp(log_variance)
    # 2. Half of it, plus the logarithm of the normalising constant sqrt(2 pi sigma^2).
    return 0.5 * (distance + log_variance + math.log(2 * math.pi))


@op
def free_bits(prices: Float[Tensor, "b d"], nats: float) -> Float[Tensor, ""]:
    """The KL term of a batch with a lower limit per dimension: the sum over dimensions of max(nats, mean KL).

    Below the limit a dimension gets no gradient, so it is not given up early in training.

    Args:
        prices: KL of every code and dimension, (b, d), in nats.
        nats: the limit for each dimension, 0 or more; 0 gives the plain mean KL of a code.

    Returns:
        one number.

    Source: Kingma et al. 2016, appendix C.8, with a group for each dimension.
    """
    # 1. The mean over the batch, for each dimension.
    each = prices.mean(0)
    # 2. Below the limit the charge is constant; then the sum over dimensions.
    return each.clamp_min(nats).sum()


@op
def warmed_up(progress: float, warmup: float) -> float:
    """Weight of the KL term during training: rises from 0 to 1, then stays.

    Args:
        progress: share of the run that is done, 0 to 1.
        warmup: share of the run in which the weight rises; 0: it is 1 from the start.

    Source: Bowman et al. 2016, section 3.1, with a straight line.
    """
    # 1. Without a warm-up there is nothing to wait for.
    if warmup <= 0:
        return 1.0
    # 2. A straight line up to 1.
    return min(1.0, progress / warmup)


@op
def log_weights(
    log_likelihood: Float[Tensor, "k b"],
    z: Float[Tensor, "k b d"],
    mean: Float[Tensor, "b d"],
    log_variance: Float[Tensor, "b d"],
) -> Float[Tensor, "k b"]:
    """Importance weights ln w = ln p(x|z) + ln p(z) - ln q(z|x) of k codes for each of b images; E[w] = p(x).

    Args:
        log_likelihood: ln p(x|z) of each code, (k, b).
        z: the codes, (k, b, d), drawn from q(z|x) = N(mean, sigma^2).
        mean: of q, (b, d).
        log_variance: ln sigma^2 of q, (b, d).

    Returns:
        ln w, (k, b); the prior p(z) is N(0, I).

    Source: Burda et al. 2016, section 3.
    """
    # 1. The log-density of each code under the prior, summed over its d numbers.
    zeros = torch.zeros_like(z)
    log_prior = -gaussian_nll(z, zeros, zeros).sum(-1)
    # 2. Its log-density under the encoder's distribution q.
    log_posterior = -gaussian_nll(z, mean.expand_as(z), log_variance.expand_as(z)).sum(-1)
    # 3. The logarithm of p(x|z) p(z) / q(z|x).
    return log_likelihood + log_prior - log_posterior


@op
def importance_bound(log_w: Float[Tensor, "k b"]) -> Float[Tensor, " b"]:
    """Ln of the mean of k importance weights: on average a lower bound of ln p(x) that rises with k.

    Args:
        log_w: logarithms of the weights, (k, b), of any size, e.g. -700, or -inf for 0; k = 1 gives the ELBO.

    Returns:
        the bound for each of b images, (b,), in nats.

    Source: Burda et al. 2016, eq. 8.
    """
    # 1. The number of codes; weights are around exp(-90), so the sum is computed in logarithms.
    k = log_w.shape[0]
    # 2. ln of the sum, minus ln k for the mean.
    return torch.logsumexp(log_w, 0) - math.log(k)


@op
def active_units(means: Float[Tensor, "n d"], threshold: float = 0.01) -> Bool[Tensor, " d"]:
    """Which latent dimensions are active: the encoder's mean varies from image to image.

    A dimension that has collapsed to the prior has the same mean, 0, for every image.

    Args:
        means: of the codes of n >= 2 images, (n, d).
        threshold: a dimension is active if the variance of its mean (divided by n - 1) exceeds this.

    Returns:
        True or False for each of the d dimensions.

    Source: Burda et al. 2016, section 5.2.
    """
    # 1. The variance of each dimension's mean over images.
    variance = means.var(0)
    # 2. Compare it with the threshold.
    return variance > threshold
