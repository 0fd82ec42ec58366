"""Rotary positions: queries and keys are turned by angles that grow with the position.

Turned by m and n steps, their scalar product depends on n - m alone. Source: Su et al. 2021 (RoFormer),
equations 14, 15 and 34. Deviation: by default the pairs are numbers i and i + d/2 (halves, as in GPT-NeoX and
the checkpoints of Llama at Hugging Face); `interleaved` takes the paper's pairs, neighbours 2i and 2i + 1.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.norm import wide
from gradschool.ops.switch import op


@op
def rotary_angles(
    positions: Int64[Tensor, "*p t"], d: int, base: float = 10000.0, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "*p t half"]:
    """The angle of each pair at each position: m θ_i in radians, θ_i = base^(-2i/d) for i = 0 to d/2 - 1.

    Args:
        positions: any whole numbers: a cache goes on counting, left padding does not count.
        d: numbers of a head, even.
        base: the last pair turns fully in about 2π base steps; a larger one suits longer texts.
        dtype: of the angles; in float32 the angle of position m is exact to 6e-8 m.

    Raises:
        ValueError: d is odd.
    """
    i = torch.arange(d // 2, device=positions.device, dtype=dtype)
    return positions.unsqueeze(-1).to(dtype) * base ** (-2 * i / d)


@op
def rotate(
    x: Float[Tensor, "*b t d"], angles: Float[Tensor, "... t half"], interleaved: bool = False
) -> Float[Tensor, "*b t d"]:
    """Turn each pair of numbers of x by its angle.

    Args:
        x: queries or keys.
        angles: one for each pair, in radians; spreads over the axes before.
        interleaved: pairs are neighbours, numbers 2i and 2i + 1; else the halves, numbers i and i + d/2.

    Returns:
        Shape, dtype and length of every vector as in x; half precision is turned in float32.

    Source: Su et al. 2021, equation 34.
    """
    # 1. The two numbers of every pair.
    pairs = wide(x).reshape(*x.shape[:-1], -1, 2).unbind(-1) if interleaved else wide(x).chunk(2, -1)
    a, b = pairs
    # 2. A rotation in the plane.
    cos, sin = angles.cos(), angles.sin()
    turned = a * cos - b * sin, a * sin + b * cos
    # 3. Back where they were.
    y = torch.stack(turned, -1).flatten(-2) if interleaved else torch.cat(turned, -1)
    return y.to(x.dtype)


@op
def rope(
    x: Float[Tensor, "*b h t d"],
    positions: Int64[Tensor, "*p t"],
    base: float = 10000.0,
    interleaved: bool = False,
) -> Float[Tensor, "*b h t d"]:
    """Rotary position embedding of queries or keys in heads; values are not turned.

    Args:
        x: h heads of t positions.
        positions: of the t tokens, the same for the whole batch (t) or each row's own (b, t).
        base: of the geometric row of angles.
        interleaved: as in `rotate`. A network that was trained with one does not work with the other.

    Returns:
        Shape and dtype of x.

    Raises:
        ValueError: d is odd, or the positions do not fit.

    Source: Su et al. 2021, section 3.2.2.
    """
    angles = rotary_angles(positions, x.shape[-1], base, wide(x).dtype)
    return rotate(x, angles.unsqueeze(-3), interleaved)
