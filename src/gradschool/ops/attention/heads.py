"""Heads: one vector cut into pieces that attend side by side, and keys that several heads share.

Sources: Vaswani et al. 2017, section 3.2.2; Ainslie et al. 2023, section 2.2 (groups of heads; one group for
all is the multi-query attention of Shazeer 2019).
"""

from jaxtyping import Bool, Float
from torch import Tensor

from gradschool.ops.attention.dot_product import attend
from gradschool.ops.switch import op


@op
def split_heads(x: Float[Tensor, "*b t e"], h: int) -> Float[Tensor, "*b h t d"]:
    """Cut each vector into h heads of d = e / h numbers; head 0 gets the first d.

    Args:
        x: t vectors of e numbers.
        h: number of heads, a divisor of e.

    Raises:
        ValueError: e numbers do not divide into h heads.
    """
    if h < 1 or x.shape[-1] % h:
        raise ValueError(f"{x.shape[-1]} numbers are to be cut into {h} heads, a divisor was wanted")
    # 1. Each vector as h rows of d numbers.
    rows = x.reshape(*x.shape[:-1], h, x.shape[-1] // h)
    # 2. The heads before the positions, so that each head is a sequence of its own.
    return rows.transpose(-3, -2)


@op
def join_heads(x: Float[Tensor, "*b h t d"]) -> Float[Tensor, "*b t e"]:
    """Put the heads side by side again: what `split_heads` did, undone."""
    return x.transpose(-3, -2).flatten(-2)


@op
def repeat_heads(x: Float[Tensor, "*b g t d"], h: int) -> Float[Tensor, "*b h t d"]:
    """Give each of h heads of queries the keys (or values) of its group.

    Args:
        x: keys or values of g groups.
        h: heads of queries, a multiple of g: heads 0 to h/g - 1 share group 0.

    Raises:
        ValueError: h heads do not divide into g groups.
    """
    g, t, d = x.shape[-3:]
    if g < 1 or h % g:
        raise ValueError(f"{h} heads are to share {g} groups, a divisor was wanted")
    # 1. An axis for the h / g heads of each group.
    shared = x.unsqueeze(-3).expand(*x.shape[:-3], g, h // g, t, d)
    # 2. Groups and their heads in one axis.
    return shared.flatten(-4, -3)


@op
def attend_in_groups(
    q: Float[Tensor, "*b h n d"],
    k: Float[Tensor, "*b g m d"],
    v: Float[Tensor, "*b g m e"],
    mask: Bool[Tensor, "... #n #m"] | None = None,
    causal: bool = False,
) -> Float[Tensor, "*b h n e"]:
    """Grouped-query attention: h heads of queries look at g heads of keys and values, h a multiple of g.

    With g = h it is attention in many heads, with g = 1 multi-query attention. A cache of keys and values
    is h / g times smaller.

    Args:
        q: queries; heads 0 to h/g - 1 belong to group 0, and so on.
        k: keys.
        v: values.
        mask: True where a query may look, for all h heads or for each.
        causal: position i may look at positions 0 to i only.

    Raises:
        ValueError: h heads do not divide into g groups.

    Source: Ainslie et al. 2023, section 2.2.
    """
    h = q.shape[-3]
    return attend(q, repeat_heads(k, h), repeat_heads(v, h), mask, causal)
