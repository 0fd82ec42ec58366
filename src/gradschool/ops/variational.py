"""The variational bound's two halves: a sample that a gradient passes through, and the price of a code.

Source: Kingma and Welling 2014, sections 2.4, 3 and appendix B.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op


@op
def reparametrise(
    mean: Float[Tensor, "*k b d"], log_variance: Float[Tensor, "*k b d"], noise: Float[Tensor, "*k b d"]
) -> Float[Tensor, "*k b d"]:
    """A sample z of N(mean, variance) as a function of its parameters, so that gradients reach them.

    Args:
        mean: of each code.
        log_variance: ln sigma^2 of each code; any number, so a network needs no constraint.
        noise: drawn from N(0, 1) elsewhere.
    """
    # 1. The standard deviation is exp of half the logarithm of the variance.
    sigma = torch.exp(0.5 * log_variance)
    # 2. Scale and shift.
    return mean + sigma * noise


@op
def kl_standard_normal(
    mean: Float[Tensor, "b d"], log_variance: Float[Tensor, "b d"]
) -> Float[Tensor, "b d"]:
    """KL(N(mean, variance) || N(0, 1)) of every latent dimension, in nats; sum over d for the code's price.

    Args:
        mean: of each code.
        log_variance: ln sigma^2 of each code.
    """
    # 1. The variance itself.
    variance = torch.exp(log_variance)
    # 2. Appendix B, with its sign turned: a cost, 0 where the code says nothing.
    return 0.5 * (mean**2 + variance - 1 - log_variance)
