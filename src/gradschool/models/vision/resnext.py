"""ResNeXt: a bottleneck whose 3x3 convolution is cut into groups; more groups at the same cost learn more.

Source: Xie et al. 2017, figure 3c and table 1. The blocks and the trunk are in `nn/residual.py`, shared with
ResNet; parameters bear torchvision's names. "32x4d": 32 groups of 4 channels in the first stage.
"""

from functools import partial

from gradschool.nn.residual import Bottleneck, ResidualNet


def resnext50_32x4d(classes: int, channels: int = 3) -> ResidualNet:
    """ResNeXt-50: 25.0 million parameters, as many as ResNet-50."""
    return ResidualNet(partial(Bottleneck, groups=32, width=4), (3, 4, 6, 3), classes, channels)


def resnext101_32x8d(classes: int, channels: int = 3) -> ResidualNet:
    """ResNeXt-101: 88.8 million parameters."""
    return ResidualNet(partial(Bottleneck, groups=32, width=8), (3, 4, 23, 3), classes, channels)
