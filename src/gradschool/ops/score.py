"""Score matching: learn the gradient of the log-density from samples, and sample with it.

The score of a density p is the gradient of ln p(x). Sources: Vincent 2011 (denoising); Song and Ermon 2019.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op


@op
def score_loss(
    score: Float[Tensor, "b d"], noise: Float[Tensor, "b d"], sigma: Float[Tensor, "b 1"]
) -> Float[Tensor, " b"]:
    """Denoising score matching: squared error of a score; its target points back to the clean point.

    Args:
        score: as predicted at the points x + sigma * noise.
        noise: N(0, 1), as added to each point x.
        sigma: its standard deviation, one a point.
    Returns:
        The squared error of each point, times sigma^2 so that all sigmas weigh alike.
    Source: Song and Ermon 2019, eq. 5 and section 4.2.
    """
    # 1. The score of N(x, sigma^2) at a noisy point points back to x.
    back = -noise / sigma
    # 2. Least squares finds the mean over all clean x: the score of the noisy data.
    return 0.5 * (sigma * (score - back)).square().sum(1)


@op
def langevin_step(
    x: Float[Tensor, "*d"], score: Float[Tensor, "*d"], step: float, noise: Float[Tensor, "*d"]
) -> Float[Tensor, "*d"]:
    """One step of Langevin dynamics: along the score, plus noise. After many small steps x is a sample of p.

    Args:
        x: points; any shape.
        score: gradient of ln p at each point, shape of x.
        step: step size h, above 0; smaller steps are more exact and slower.
        noise: z ~ N(0, 1), shape of x.
    Returns:
        The moved points: h times the score further, plus noise of variance 2 h; shape and dtype of x.
    Source: Welling and Teh 2011, eq. 1, with step = alpha / 2 of Song and Ermon 2019, eq. 4.
    """
    # 1. Along the score.
    uphill = x + step * score
    # 2. Noise, without which all points would end at the maxima of p.
    return uphill + (2 * step) ** 0.5 * noise


@op
def falling_sigmas(high: float, low: float, n: int) -> Float[Tensor, " n"]:
    """Noise levels from `high` to `low`, each the same fraction of the one before.

    Source: Song and Ermon 2019, section 4.1.
    """
    # 1. Evenly spaced logarithms.
    logs = torch.linspace(0, 1, n)
    # 2. Back.
    return high * (low / high) ** logs
