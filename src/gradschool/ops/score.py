"""Score matching: learn in which direction points become more probable, and walk there.

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
    """How far a score is from pointing back to where noisy points came from.

    Args:
        score: as predicted at the points x + sigma * noise.
        noise: N(0, 1), as added to each point x.
        sigma: its standard deviation, one a point.
    Returns:
        The squared error of each point, times sigma^2 so that all sigmas weigh alike.
    Source: Song and Ermon 2019, eq. 5 and section 4.2.
    """
    # 1. The score of N(x, sigma^2) at a noisy point leads back to x.
    back = -noise / sigma
    # 2. The mean over all x behind a noisy point is the score of the noisy data: least squares finds it.
    return 0.5 * (sigma * (score - back)).square().sum(1)


@op
def langevin_step(
    x: Float[Tensor, "*d"], score: Float[Tensor, "*d"], step: float, noise: Float[Tensor, "*d"]
) -> Float[Tensor, "*d"]:
    """Uphill a little, and a random shake; many such steps are samples of the density.

    Args:
        x: points.
        score: gradient of ln p at each.
        step: size, above 0; the smaller the more exact and the slower.
        noise: N(0, 1).
    Source: Welling and Teh 2011, eq. 1, with step = alpha / 2 of Song and Ermon 2019, eq. 4.
    """
    # 1. Uphill.
    uphill = x + step * score
    # 2. The shake that keeps points from all ending on the top.
    return uphill + (2 * step) ** 0.5 * noise


@op
def falling_sigmas(high: float, low: float, n: int) -> Float[Tensor, " n"]:
    """Standard deviations from `high` to `low`, each the same fraction of the one before.

    Source: Song and Ermon 2019, section 4.1.
    """
    # 1. Evenly spaced logarithms.
    logs = torch.linspace(0, 1, n)
    # 2. Back.
    return high * (low / high) ** logs
