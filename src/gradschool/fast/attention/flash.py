"""torch-native attention in tiles: its own kernels work so; see gradschool.ops.attention.flash."""

from torch import Tensor

from gradschool.fast.attention.dot_product import attend


def flash_attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False, tile: int = 64
) -> Tensor:
    """See ops.attention.flash.flash_attend. The kernel chooses its own tiles."""
    return attend(q, k, v, mask, causal)
