"""Softmax attention by random features: their products are exp(q·k) on average, and all are above 0.

Source: Choromanski et al. 2021 (Performer), lemma 1 and section 3.2 (directions at right angles).
"""

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.attention.dot_product import attend
from gradschool.ops.attention.linear import linear_attend
from gradschool.ops.norm import wide
from gradschool.ops.switch import op

Queries = Float[Tensor, "*b n d"]
Keys = Float[Tensor, "*b m d"]
Values = Float[Tensor, "*b m e"]
Directions = Float[Tensor, "r d"]


@op
def random_directions(
    r: int, d: int, generator: torch.Generator, orthogonal: bool = True, dtype: torch.dtype = torch.float32
) -> Directions:
    """Vectors of d numbers from the normal distribution, r of them.

    Args:
        r: number of directions.
        d: numbers of a head.
        generator: what is drawn from; the result is on its device.
        orthogonal: in groups of d the directions are at right angles, each of them still normal by itself:
            the same expectation with a smaller variance.
        dtype: of the result.
    """
    draw = partial(torch.randn, generator=generator, device=generator.device, dtype=dtype)
    if not orthogonal:
        return draw(r, d)
    # 1. Blocks of right angles, uniform over all rotations: the signs make QR's answer unique.
    blocks = []
    for _ in range(-(-r // d)):
        Q, R = torch.linalg.qr(draw(d, d))
        blocks.append((Q * R.diagonal().sign()).T)
    # 2. Lengths as normal vectors of d numbers have them.
    return torch.cat(blocks)[:r] * draw(r, d).norm(dim=1, keepdim=True)


@op
def exponents(x: Float[Tensor, "*b n d"], w: Directions) -> Float[Tensor, "*b n r"]:
    """Logarithms of the features of x / d^(1/4), apart from the factor 1 / √r: w·x - |x|² / 2.

    The products of two vectors' features are then exp(q·k / √d) on average.
    """
    # 1. Half of the scaling for queries, half for keys.
    x = wide(x) / x.shape[-1] ** 0.25
    # 2. Along each direction, less what makes the expectation exact.
    return x @ wide(w).T - x.square().sum(-1, keepdim=True) / 2


@op
def positive_features(x: Float[Tensor, "*b n d"], w: Directions) -> Float[Tensor, "*b n r"]:
    """φ(x) with E[φ(q)·φ(k)] = exp(q·k / √d) for normal directions w; every feature is above 0.

    Args:
        x: queries or keys.
        w: directions, from `random_directions`.

    Returns:
        float32 or wider.

    Source: Choromanski et al. 2021, lemma 1, equation 5.
    """
    return exponents(x, w).exp() / len(w) ** 0.5


@op
def performer_attend(
    q: Queries,
    k: Keys,
    v: Values,
    w: Directions,
    valid: Bool[Tensor, "... #m"] | None = None,
    causal: bool = False,
) -> Float[Tensor, "*b n e"]:
    """An estimate of softmax(q kᵀ / √d) v whose time grows with n and not with n².

    Args:
        q: queries.
        k: keys.
        v: values.
        w: r directions; the more, the closer.
        valid: False at padding.
        causal: position i looks at positions 0 to i only; needs n = m.

    Returns:
        Means of values, in the type of q: every weight is above 0, so they lie between the values.

    Source: Choromanski et al. 2021, section 3.1 and algorithm 1.
    """
    a, b = exponents(q, w), exponents(k, w)
    if valid is not None:
        b = b.masked_fill(~valid.unsqueeze(-1), -torch.inf)
    # 1. Factors that cancel, one for each query and one for all keys, keep exp from overflowing. A causal one
    #    must not know the keys to come: it is taken from the bound w·k - |k|² / 2 <= |w|² / 2.
    if causal:
        top = (wide(w).square().sum(1).amax() / 2 - 60).clamp(min=0)
    else:
        top = b.amax((-2, -1), keepdim=True).clamp(min=torch.finfo(b.dtype).min)
    f, g = (a - a.amax(-1, keepdim=True)).exp(), (b - top).exp()
    # 2. Linear attention with these features.
    return linear_attend(f, g, wide(v), valid, causal).to(q.dtype)


def feature_errors(
    q: Queries, k: Keys, v: Values, counts: Sequence[int], generator: torch.Generator,
    orthogonal: bool = True, draws: int = 16,
) -> dict[int, float]:  # fmt: skip
    """How far the estimate is from softmax attention, for different numbers of random features.

    Args:
        q: queries.
        k: keys.
        v: values.
        counts: numbers of features.
        generator: what directions are drawn from.
        orthogonal: as in `random_directions`.
        draws: sets of directions of each number.

    Returns:
        For each number the root of the mean squared error, as a share of the root mean square of attention
        itself. It falls like one over the root of the number.
    """
    right = attend(q, k, v)
    size, errors = right.square().mean().sqrt(), {}
    for r in counts:
        found = [
            performer_attend(q, k, v, random_directions(r, q.shape[-1], generator, orthogonal, q.dtype))
            for _ in range(draws)
        ]
        errors[r] = ((torch.stack(found) - right).square().mean().sqrt() / size).item()
    return errors
