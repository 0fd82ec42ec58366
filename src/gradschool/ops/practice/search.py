"""Two ideas behind a search for settings: stop trials that are behind, and look where good trials are dense.

Sources: Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning, section 3 (ASHA); Bergstra et
al. 2011, Algorithms for Hyper-Parameter Optimization, section 4 (TPE). Settings are scaled to 0 to 1.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.switch import op

FIRST = 8  # trials at random, before there is anything to learn from
GOOD = 0.25  # share of the trials that count as good
CANDIDATES = 24  # points near good trials, of which the best is tried
WIDTH = 0.2  # of the Gaussians around one good trial; around many it is smaller


@op
def promoted(losses: Float[Tensor, " n"], reduction: int = 3) -> Bool[Tensor, " n"]:
    """Which trials on a rung go on to the next one: one in `reduction`, the best.

    Args:
        losses: of the n trials that have reached the rung, n >= 1; NaN is worse than any number.
        reduction: eta, >= 2.

    Returns:
        True for the floor(n / reduction) trials with the lowest losses, but at least one; of equal trials
        the first.

    Source: Li et al. 2020, algorithm 2.
    """
    # 1. How many go on.
    count = max(1, len(losses) // reduction)
    # 2. The best of them.
    best = losses.argsort(stable=True)[:count]
    found = torch.zeros_like(losses, dtype=torch.bool)
    found[best] = True
    return found


@op
def tpe_scores(
    candidates: Float[Tensor, "c d"], good: Float[Tensor, "g d"], bad: Float[Tensor, "b d"], width: float
) -> Float[Tensor, " c"]:
    """How much denser the good trials are at each candidate than the bad ones: log l(x) - log g(x).

    Either density is a mixture with equal weights. It has a Gaussian at every trial, whose d numbers are
    independent, and the uniform density over all settings, which is 1.

    Args:
        candidates: c points of d settings, each scaled to 0 to 1.
        good: settings of the good trials, g >= 0.
        bad: settings of all others.
        width: standard deviation of the Gaussians, > 0.

    Returns:
        (c,) scores; the candidate with the highest is tried next.

    Source: Bergstra et al. 2011, section 4.
    """
    # 1. The log-density at every candidate under the good trials, then under the bad ones.
    densities = []
    for trials in (good, bad):
        gap = (candidates[:, None] - trials) / width
        each = (-0.5 * gap.square() - math.log(width * math.sqrt(2 * math.pi))).sum(-1)
        every = torch.cat([each, torch.zeros_like(candidates[:, :1])], dim=1)
        densities.append(every.logsumexp(1) - math.log(len(trials) + 1))
    # 2. The logarithm of their ratio.
    return densities[0] - densities[1]


def proposed(
    points: Float[Tensor, "n d"], losses: Float[Tensor, " n"], generator: torch.Generator
) -> Float[Tensor, " d"]:
    """The settings that TPE tries next: at random at first, then the best of some points near good trials.

    Args:
        points: settings of the finished trials, each scaled to 0 to 1.
        losses: of these trials.
        generator: of the draws.
    """
    n, d = points.shape
    if n < FIRST:
        return torch.rand(d, generator=generator, dtype=points.dtype)
    # 1. Good and bad trials.
    order, count = losses.argsort(stable=True), math.ceil(GOOD * n)
    good, bad = points[order[:count]], points[order[count:]]
    # 2. Candidates near good trials, mirrored at the ends of the range, and some anywhere.
    width = max(0.05, WIDTH * count ** (-1 / (d + 4)))
    centre = torch.randint(count, (CANDIDATES,), generator=generator)
    noise = torch.randn(CANDIDATES, d, generator=generator, dtype=points.dtype)
    near = (1 - (1 - (good[centre] + width * noise).abs()).abs()).clamp(0, 1)
    anywhere = torch.rand(CANDIDATES // 4, d, generator=generator, dtype=points.dtype)
    candidates = torch.cat([near, anywhere])
    # 3. The one with the highest ratio.
    return candidates[tpe_scores(candidates, good, bad, width).argmax()]
