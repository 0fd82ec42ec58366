"""The small formulas of language models: probabilities from counts, perplexity, and a draw.

Sources: MacKay and Peto 1995 (counts with a prior); Jelinek et al. 1977 (perplexity).
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op


@op
def dirichlet_predictive(
    count: Int64[Tensor, "*n"],
    total: Int64[Tensor, "*n"],
    prior: Float[Tensor, "*n"],
    strength: float,
) -> Float[Tensor, "*n"]:
    """The probability of an outcome that was seen `count` times in `total`: (c + s p0) / (n + s).

    It is the posterior mean under a Dirichlet prior. With p0 = 1/k and s = k for k outcomes it is add-one
    smoothing; with p0 the probability after a shorter history it interpolates with that.

    Args:
        count: c, how often the outcome was seen, >= 0.
        total: n, how often anything was seen, >= c.
        prior: p0, the probability of the outcome where nothing was seen, 0 to 1.
        strength: s, how many observations the prior is worth, > 0.
    """
    return (count + strength * prior) / (total + strength)


@op
def perplexity(nats: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """exp(loss): the number of equally probable tokens between which a model would be as undecided.

    Args:
        nats: mean negative log-likelihood of a token, >= 0.
    """
    return torch.exp(nats)


@op
def inverse_cdf(p: Float[Tensor, "b k"], u: Float[Tensor, " b"]) -> Int64[Tensor, " b"]:
    """Draw from categorical distributions: the first outcome whose cumulative probability exceeds u.

    Args:
        p: probabilities of the k outcomes, or numbers in proportion to them; not all 0.
        u: uniform random numbers, 0 to below 1, one for each draw.
    """
    # 1. The cumulative distribution, which rounding must not let end below 1.
    cdf = p.cumsum(1)
    cdf = cdf / cdf[:, -1:]
    # 2. Outcomes of probability 0 are steps of height 0: "exceeds" never stops at one.
    return (cdf <= u[:, None]).sum(1)
