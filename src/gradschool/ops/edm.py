"""Diffusion told by the noise's standard deviation alone: x = x_0 + sigma e, and a network wrapped so that
its inputs and targets have unit variance at every sigma.

Source: Karras et al. 2022 ("EDM"), table 1 and algorithm 1. Every diffusion is of this form after dividing by
sqrt(alpha bar); then sigma^2 = (1 - a) / a.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

Sigma = Float[Tensor, "..."]
Denoise = Callable[[Tensor, float], Tensor]


@op
def edm_scalings(sigma: Sigma, sigma_data: float = 0.5) -> tuple[Sigma, Sigma, Sigma, Sigma]:
    """c_skip, c_out, c_in, c_noise of D(x, sigma) = c_skip x + c_out F(c_in x, c_noise).

    Args:
        sigma: standard deviation of the noise, above 0.
        sigma_data: that of the clean pictures.
    Source: Karras et al. 2022, table 1 and appendix B.6.
    """
    # 1. The variance of what the network is shown.
    total = sigma**2 + sigma_data**2
    # 2. With little noise the input itself is nearly the answer; with much it says nothing.
    c_skip, c_out = sigma_data**2 / total, sigma * sigma_data * total.rsqrt()
    # 3. Unit variance going in, and a noise level that is spread evenly.
    return c_skip, c_out, total.rsqrt(), sigma.log() / 4


@op
def edm_weight(sigma: Sigma, sigma_data: float = 0.5) -> Sigma:
    """Weight of the squared error of D: 1 / c_out^2, so that the network's own errors count alike."""
    # 1. The variance of input, again.
    total = sigma**2 + sigma_data**2
    # 2. Table 1, "loss weighting".
    return total / (sigma * sigma_data) ** 2


@op
def karras_sigmas(steps: int, low: float, high: float, rho: float = 7.0) -> Float[Tensor, " steps_and_1"]:
    """Standard deviations to stop at from `high` down to `low`, then 0; close together where they are small.

    Args:
        steps: n, 1 or more.
        low: the smallest, above 0.
        high: the largest.
        rho: 1 spaces evenly, more shifts stops to the small ones.
    Source: Karras et al. 2022, eq. 5.
    """
    # 1. Evenly spaced roots, from the largest down.
    place = torch.linspace(0, 1, steps, dtype=torch.float64)
    root = high ** (1 / rho) + place * (low ** (1 / rho) - high ** (1 / rho))
    # 2. Back to sigmas, and the clean picture at the end.
    return torch.cat([root**rho, root.new_zeros(1)])


@op
def heun_step(denoise: Denoise, x: Float[Tensor, "*d"], sigma: float, after: float) -> Float[Tensor, "*d"]:
    """One step of the flow from noise to pictures, with the slope averaged over its two ends.

    Args:
        denoise: D(x, sigma), the clean picture as a network sees it.
        x: the picture with noise of `sigma`.
        sigma: now, above 0.
        after: after the step, below sigma; 0 ends in the clean picture.
    Source: Karras et al. 2022, algorithm 1.
    """
    # 1. The slope here, dx/dsigma, and a step of Euler's along it.
    slope = (x - denoise(x, sigma)) / sigma
    there = x + (after - sigma) * slope
    # 2. At sigma 0 there is no slope to look at.
    if after == 0:
        return there
    # 3. The slope there; go again from the start, along the mean of both.
    end = (there - denoise(there, after)) / after
    return x + (after - sigma) * (slope + end) / 2
