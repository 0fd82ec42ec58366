"""EDM: noise described by its standard deviation, x = x_0 + sigma e, and a network that is wrapped so that
its inputs and targets have unit variance at every sigma (preconditioning).

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
        sigma_data: standard deviation of the clean images' pixels.
    Source: Karras et al. 2022, table 1 and appendix B.6.
    """
    # 1. The variance of the noisy image.
    total = sigma**2 + sigma_data**2
    # 2. c_skip is the best linear denoiser, c_out what then remains to be predicted.
    c_skip, c_out = sigma_data**2 / total, sigma * sigma_data * total.rsqrt()
    # 3. An input of unit variance, and the noise level on a logarithmic scale.
    return c_skip, c_out, total.rsqrt(), sigma.log() / 4


@op
def edm_weight(sigma: Sigma, sigma_data: float = 0.5) -> Sigma:
    """Weight of the squared error of D: 1 / c_out^2, so that errors of the network count equally."""
    # 1. The variance of the noisy image.
    total = sigma**2 + sigma_data**2
    # 2. Table 1, "loss weighting".
    return total / (sigma * sigma_data) ** 2


@op
def karras_sigmas(steps: int, low: float, high: float, rho: float = 7.0) -> Float[Tensor, " steps_and_1"]:
    """EDM's noise levels from `high` down to `low`, then 0; small ones lie close together.

    Args:
        steps: n, 1 or more.
        low: the smallest, above 0.
        high: the largest.
        rho: 1 spaces them evenly; larger values put more levels at small sigmas.
    Source: Karras et al. 2022, eq. 5.
    """
    # 1. Evenly spaced roots, from the largest down.
    place = torch.linspace(0, 1, steps, dtype=torch.float64)
    root = high ** (1 / rho) + place * (low ** (1 / rho) - high ** (1 / rho))
    # 2. Back to sigmas, and 0 (the clean image) at the end.
    return torch.cat([root**rho, root.new_zeros(1)])


@op
def heun_step(denoise: Denoise, x: Float[Tensor, "*d"], sigma: float, after: float) -> Float[Tensor, "*d"]:
    """One step of Heun's method on dx/dsigma = (x - D(x, sigma)) / sigma: the mean slope of both ends.

    `denoise` is called twice; once if `after` is 0, where Euler's step is taken.

    Args:
        denoise: D(x, sigma), the clean image that the network predicts; returns the shape of x.
        x: the image with noise of standard deviation `sigma`, x_0 + sigma e; any shape.
        sigma: noise level now, above 0.
        after: noise level after the step, below sigma, 0 or more; 0 is the clean image.
    Returns:
        The image at level `after`, shape and dtype of x.
    Source: Karras et al. 2022, algorithm 1.
    """
    # 1. The slope dx/dsigma at the start, and Euler's step along it.
    slope = (x - denoise(x, sigma)) / sigma
    there = x + (after - sigma) * slope
    # 2. At sigma = 0 the slope would be 0 / 0: keep Euler's step.
    if after == 0:
        return there
    # 3. The slope at the end of that step; go from the start again, along the mean of both slopes.
    end = (there - denoise(there, after)) / after
    return x + (after - sigma) * (slope + end) / 2
