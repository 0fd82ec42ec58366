"""What attention in tiles refuses; see gradschool.ops.attention.flash."""

from torch import Tensor

from gradschool.ops.accepts.attention.dot_product import attend
from gradschool.ops.accepts.common import one_type, shaped


def flash_attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False, tile: int = 64
) -> None:
    """What attention refuses, and tiles without a place."""
    attend(q, k, v, mask, causal)
    if tile < 1:
        raise ValueError(f"tile is {tile}, 1 place or more was wanted")


def flash_forward(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, causal: bool = False, tile: int = 64
) -> None:
    """The same."""
    flash_attend(q, k, v, mask, causal, tile)


def flash_backward(
    q: Tensor, k: Tensor, v: Tensor, y: Tensor, logs: Tensor, slope: Tensor,
    mask: Tensor | None = None, causal: bool = False, tile: int = 64,
) -> None:  # fmt: skip
    """The same, and results that are not of these inputs."""
    flash_attend(q, k, v, mask, causal, tile)
    one_type(q, y=y, slope=slope)
    shaped("y", y, (*q.shape[:-1], v.shape[-1]))
    shaped("slope", slope, y.shape)
    shaped("logs", logs, q.shape[:-1])
