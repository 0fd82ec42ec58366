"""torch-native convolutions, with the names and arguments of gradschool.ops.conv."""

import torch.nn.functional as F
from torch import Tensor

from gradschool.ops.conv import One, Pair, pair


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Tensor:
    """See ops.conv.conv2d."""
    return F.conv2d(x, weight, bias, stride, padding, dilation, groups)


def conv1d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: One = 1,
    padding: One = 0,
    dilation: One = 1,
    groups: int = 1,
) -> Tensor:
    """See ops.conv.conv1d."""
    return F.conv1d(x, weight, bias, stride, padding, dilation, groups)


def conv_transpose2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Tensor:
    """See ops.conv.conv_transpose2d."""
    return F.conv_transpose2d(
        x, weight, bias, pair(stride), pair(padding), pair(output_padding), groups, pair(dilation)
    )
