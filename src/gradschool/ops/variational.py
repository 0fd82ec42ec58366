"""The variational bound: samples that gradients pass through, the price of a code, bounds from several codes.

Sources: Kingma and Welling 2014, sections 2.4, 3 and appendix B; Burda et al. 2016; Kingma et al. 2016.
All prices are in nats.
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
    """A sample z of N(mean, variance) as a function of its parameters, so that gradients reach them.

    Args:
        mean: of each code.
        log_variance: ln sigma^2 of each code; any number, so a network needs no constraint.
        noise: drawn from N(0, 1) elsewhere.

    Source: Kingma and Welling 2014, section 2.4.
    """
    # 1. The standard deviation is exp of half the logarithm of the variance.
    sigma = torch.exp(0.5 * log_variance)
    # 2. Scale and shift.
    return mean + sigma * noise


@op
def kl_standard_normal(
    mean: Float[Tensor, "b d"], log_variance: Float[Tensor, "b d"]
) -> Float[Tensor, "b d"]:
    """KL(N(mean, variance) || N(0, 1)) of every latent dimension; sum over d for the code's price.

    Args:
        mean: of each code.
        log_variance: ln sigma^2 of each code.

    Source: Kingma and Welling 2014, appendix B.
    """
    # 1. The variance itself.
    variance = torch.exp(log_variance)
    # 2. Appendix B, with its sign turned: a cost, 0 where the code says nothing.
    return 0.5 * (mean**2 + variance - 1 - log_variance)


@op
def gaussian_nll(x: X, mean: X, log_variance: X) -> X:
    """-ln N(x; mean, variance) of every number: with a fixed variance the squared error, but for a factor and
    a constant.

    Args:
        x: what was seen.
        mean: what was expected, of the same shape.
        log_variance: ln sigma^2, of the same shape.
    """
    # 1. The squared distance in units of the variance.
    distance = (x - mean) ** 2 / torch.exp(log_variance)
    # 2. And the normalisation: a wide Gaussian is low everywhere.
    return 0.5 * (distance + log_variance + math.log(2 * math.pi))


@op
def free_bits(prices: Float[Tensor, "b d"], nats: float) -> Float[Tensor, ""]:
    """What a batch's codes cost on average when the first `nats` of each dimension are free.

    A dimension that costs less gets no gradient towards zero, so it is not given up early in training.

    Args:
        prices: KL of every code and dimension.
        nats: free of charge in each dimension, 0 or more; 0 gives the plain mean KL.

    Source: Kingma et al. 2016, appendix C.8, with a group for each dimension.
    """
    # 1. The mean price of each dimension.
    each = prices.mean(0)
    # 2. Below the free amount all prices are the same.
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
    """Weights ln w = ln p(x|z) + ln p(z) - ln q(z|x) of k codes a picture: the mean of w over codes is p(x).

    Args:
        log_likelihood: ln p(x|z) of each code.
        z: the codes, drawn from q(z|x) = N(mean, variance).
        mean: of q.
        log_variance: ln sigma^2 of q.

    Source: Burda et al. 2016, section 3.
    """
    # 1. How probable a code is by itself.
    zeros = torch.zeros_like(z)
    log_prior = -gaussian_nll(z, zeros, zeros).sum(-1)
    # 2. How probable the encoder made it.
    log_posterior = -gaussian_nll(z, mean.expand_as(z), log_variance.expand_as(z)).sum(-1)
    # 3. Their quotient corrects for having looked where the encoder points.
    return log_likelihood + log_prior - log_posterior


@op
def importance_bound(log_w: Float[Tensor, "k b"]) -> Float[Tensor, " b"]:
    """The ln of the mean of k weights: a lower bound of ln p(x) on average that rises with k.

    Args:
        log_w: see `log_weights`; k = 1 gives the variational bound.

    Source: Burda et al. 2016, eq. 8.
    """
    # 1. Weights of pictures are around exp(-90), so the sum is taken in logarithms.
    k = log_w.shape[0]
    # 2. The mean is the sum over k.
    return torch.logsumexp(log_w, 0) - math.log(k)


@op
def active_units(means: Float[Tensor, "n d"], threshold: float = 0.01) -> Bool[Tensor, " d"]:
    """Which latent dimensions say anything: where the encoder's mean varies from picture to picture.

    A dimension that has collapsed to the prior has the same mean, 0, for every picture.

    Args:
        means: of the codes of n >= 2 pictures.
        threshold: variance above which a dimension counts as active.

    Source: Burda et al. 2016, section 5.2.
    """
    # 1. How much the mean varies over pictures.
    variance = means.var(0)
    # 2. More than a hundredth is more than chance.
    return variance > threshold
