"""A small residual network for 28 to 64 pixels that trains in minutes on two processor cores.

Sources: He et al. 2016a (residual blocks), He et al. 2019, section 4.2 (shortcuts average, then project).
Deviations: a stem of one strided 3x3 convolution, one block a stage, an eighth of ResNet-18's parameters.
"""

from functools import partial

from torch import Tensor

from gradschool import nn
from gradschool.nn.init import he_
from gradschool.nn.inputs import check_images
from gradschool.nn.residual import BasicBlock, pooled_projection, stage


class QuickNet(nn.Module):
    """Stem, four stages that double the channels and halve the image, mean over places, linear head.

    Args:
        classes: outputs.
        channels: of the images.
        width: channels of the first stage.
        depth: blocks a stage.
        stride: of the stem: 2 for 64 pixels, 1 keeps more of 32.
    """

    def __init__(self, classes: int, channels: int, width: int, depth: int, stride: int) -> None:
        super().__init__()
        self.channels = channels
        block = partial(BasicBlock, shortcut=pooled_projection)
        self.stem = nn.ConvNormAct(channels, width, 3, stride)
        self.layer1 = stage(block, width, width, depth, 1)
        self.layer2 = stage(block, width, 2 * width, depth, 2)
        self.layer3 = stage(block, 2 * width, 4 * width, depth, 2)
        self.layer4 = stage(block, 4 * width, 8 * width, depth, 2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, classes)
        he_(self)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 9)
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return self.fc(self.pool(x).flatten(1))


def quicknet(classes: int, channels: int = 3, width: int = 32, depth: int = 1, stride: int = 2) -> QuickNet:
    """1.2 million parameters; see QuickNet for the arguments."""
    return QuickNet(classes, channels, width, depth, stride)
