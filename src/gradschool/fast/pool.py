"""torch-native pooling, with the names and arguments of gradschool.ops.pool."""

import torch.nn.functional as F
from torch import Tensor

from gradschool.ops.conv import Pair, pair


def max_pool2d(
    x: Tensor,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """See ops.pool.max_pool2d."""
    return F.max_pool2d(x, kernel_size, stride, padding, dilation, ceil_mode)


def avg_pool2d(
    x: Tensor,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """See ops.pool.avg_pool2d."""
    return F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def adaptive_avg_pool2d(x: Tensor, output_size: Pair) -> Tensor:
    """See ops.pool.adaptive_avg_pool2d."""
    return F.adaptive_avg_pool2d(x, pair(output_size))
