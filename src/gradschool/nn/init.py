"""Initial weights for deep networks of rectified units.

Source: He et al. 2015, eq. 14 (the variance that keeps gradients alike from layer to layer).
"""

from torch import nn

from gradschool.nn.conv import Conv2d


def he_(model: nn.Module) -> None:
    """Draw every convolution's filters from a normal distribution of variance 2 / (places x output channels).

    Biases and all other layers stay as they are; randomness comes from torch's default generator.
    """
    for module in model.modules():
        if isinstance(module, Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
