"""torch-native grouped attention, with the name and arguments of gradschool.ops.attention.heads."""

from torch import Tensor

from gradschool.fast.attention.dot_product import _attended


def attend_in_groups(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False
) -> Tensor:
    """See ops.attention.heads.attend_in_groups."""
    return _attended(q, k, v, mask, causal, in_groups=True)
