"""Initial weights for deep networks of rectified units.

Sources: He et al. 2015, eq. 14 (the variance that keeps gradients alike from layer to layer); Goyal et al.
2017, section 5.1 (blocks that start as the identity); Huang et al. 2022 (orthogonal weights for policies).
"""

from collections.abc import Iterable

from torch import nn

from gradschool.nn.conv import Conv2d
from gradschool.nn.linear import Linear
from gradschool.nn.norm import BatchNorm2d


def he_(model: nn.Module) -> None:
    """Draw every convolution's filters from a normal distribution of variance 2 / (places x output channels).

    Biases and all other layers stay as they are; randomness comes from torch's default generator.
    """
    for module in model.modules():
        if isinstance(module, Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def silence_(norms: Iterable[BatchNorm2d]) -> None:
    """Set the gain of each block's last normalisation to 0: its residual is silent in the first step."""
    for norm in norms:
        if norm.weight is not None:
            nn.init.zeros_(norm.weight)


def orthogonal_(model: nn.Module, gain: float) -> None:
    """Give every linear map orthogonal weights, times `gain`, and zero biases; other layers stay."""
    for module in model.modules():
        if isinstance(module, Linear):
            nn.init.orthogonal_(module.weight, gain)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
