"""Where a token stands, told to attention: sinusoids added to the token, or biases added to the scores.

Sources: Vaswani et al. 2017, section 3.5 (sinusoids); Press et al. 2022, section 3 (ALiBi); Raffel et al.
2020, section 2.1 (buckets of distances, T5). Rotary positions are in `rotary`.
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.attention.masks import places
from gradschool.ops.attention.rotary import rotary_angles
from gradschool.ops.switch import op


@op
def sinusoids(
    positions: Int64[Tensor, "*p t"], d: int, base: float = 10000.0, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*p t d"]:
    """Each position as d / 2 pairs (sin, cos) of its angles: clocks whose hands turn ever more slowly.

    Args:
        positions: whole numbers.
        d: even.
        base: the last pair turns fully in about 2π base steps.
        dtype: float32 or float64; angles in float32 are exact to 6e-8 times the position.

    Returns:
        Numbers from -1 to 1: sines at 0, 2, 4 ..., cosines at 1, 3, 5 ...
    """
    # 1. The angle of each of d / 2 hands at each position.
    angles = rotary_angles(positions, d, base, dtype)
    # 2. Sine and cosine of a hand are neighbours.
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)


@op
def shift_matrix(
    k: int, d: int, base: float = 10000.0, dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> Float[Tensor, "d d"]:  # fmt: skip
    """The matrix M that moves sinusoids by k steps: sinusoids(t + k) = M sinusoids(t) for every t.

    A linear layer can therefore look k steps back, whatever t is; which is why the paper chose sinusoids.

    Args:
        k: steps, of either sign.
        d: even, as in `sinusoids`.
        base: as in `sinusoids`.
        dtype: as in `sinusoids`.
        device: where it is made.

    Returns:
        A block of 2 x 2 for each pair; an orthogonal matrix.
    """
    # 1. The angle by which k steps turn each pair.
    angles = rotary_angles(torch.tensor([k], device=device), d, base, dtype)[0]
    cos, sin = angles.cos(), angles.sin()
    # 2. sin(a + b) = cos b sin a + sin b cos a and cos(a + b) = -sin b sin a + cos b cos a.
    even = torch.arange(0, d, 2)
    M = torch.zeros(d, d, dtype=dtype, device=device)
    M[even, even], M[even, even + 1] = cos, sin
    M[even + 1, even], M[even + 1, even + 1] = -sin, cos
    return M


@op
def alibi_slopes(h: int, device: torch.device | None = None) -> Float[Tensor, " h"]:
    """How fast each head's attention falls with distance: 2^(-8/h), 2^(-16/h), ..., 2^-8.

    Where h is no power of 2: the slopes of the power of 2 below h, then every second slope of the one above.

    Source: Press et al. 2022, section 3, and its published code for other numbers of heads.
    """
    power = 2 ** int(math.log2(h))
    ladder = [2 ** (-8 * i / power) for i in range(1, power + 1)]
    between = [2 ** (-4 * i / power) for i in range(1, 2 * power, 2)]
    return torch.tensor((ladder + between)[:h], device=device)


@op
def alibi_bias(
    n: int, m: int, h: int, offset: int = 0, device: torch.device | None = None
) -> Float[Tensor, "h n m"]:
    """What is added to scores: minus slope times distance (attention with linear biases).

    Args:
        n: number of queries, the first at position `offset`.
        m: number of keys, the first at position 0.
        h: number of heads.
        offset: keys before the first query.
        device: where it is made.

    Returns:
        Numbers of 0 or less, alike on both sides of a query; a causal mask is not in it.
    """
    i, j = places(n, m, offset, device)
    return -alibi_slopes(h, device)[:, None, None] * (i - j).abs()


@op
def distance_buckets(
    n: int, m: int, buckets: int = 32, furthest: int = 128, causal: bool = False, offset: int = 0,
    device: torch.device | None = None,
) -> Int64[Tensor, "n m"]:  # fmt: skip
    """A number for the distance of each key from each query; a learned bias for each is added to the scores.

    Near distances have buckets of their own, further ones share buckets whose widths grow geometrically.

    Args:
        n: number of queries, the first at position `offset`.
        m: number of keys, the first at position 0.
        buckets: in all; even, 4 or more. Half of them are for keys after the query, unless causal.
        furthest: from this distance on all share one bucket; more than buckets / 4 (buckets / 2 if causal).
        causal: all buckets are for keys before the query; those after it get bucket 0.
        offset: keys before the first query.
        device: where it is made.

    Returns:
        Numbers from 0 to buckets - 1.

    Source: Raffel et al. 2020, section 2.1, with the formula of T5's code.
    """
    i, j = places(n, m, offset, device)
    # 1. Which half: keys after the query have buckets of their own, or are hidden anyway.
    distance = i - j
    if causal:
        first, distance = torch.zeros_like(distance), distance.clamp(min=0)
    else:
        buckets //= 2
        first, distance = buckets * (distance < 0), distance.abs()
    # 2. Half of the buckets are exact, the other half is spread over the logarithm. (log2 is exact for powers
    #    of 2, where one bucket ends and the next begins.)
    exact = buckets // 2
    grown = [math.log2(max(x, exact) / exact) / math.log2(furthest / exact) for x in range(furthest + 1)]
    table = [min(x, exact) + int(share * (buckets - exact)) for x, share in enumerate(grown)]
    far = torch.tensor(table, device=device).clamp(max=buckets - 1)
    return first + far[distance.clamp(max=furthest)]
