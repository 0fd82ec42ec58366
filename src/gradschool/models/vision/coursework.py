"""The thin residual network that the image-classification coursework starts from and asks to beat.

Sources: starter of Imperial College's deep-learning coursework 1 (2022 to 2025); blocks of He et al. 2016a.
Deviation: the starter ends with max pooling over 4x4 places, which fits 256 pixels only; here the pooling is
over all places, the same at 256 and fit for any size.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import check_images
from gradschool.nn.residual import BasicBlock, stage


class CourseworkNet(nn.Module):
    """A 3x3 convolution to 16 channels, then six stages of two blocks that each halve the image."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.conv1 = nn.ConvNormAct(channels, 16)
        self.layer1 = stage(BasicBlock, 16, 16, 2, 2)
        self.layer2 = stage(BasicBlock, 16, 32, 2, 2)
        self.layer3 = stage(BasicBlock, 32, 64, 2, 2)
        self.layer4 = stage(BasicBlock, 64, 128, 2, 2)
        self.layer5 = stage(BasicBlock, 128, 256, 2, 2)
        self.layer6 = stage(BasicBlock, 256, 512, 2, 2)
        self.fc = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 33)
        x = self.layer3(self.layer2(self.layer1(self.conv1(x))))
        x = self.layer6(self.layer5(self.layer4(x)))
        return self.fc(x.amax((2, 3)))


def coursework(classes: int, channels: int = 3) -> CourseworkNet:
    """11,204,164 parameters for 20 classes."""
    return CourseworkNet(classes, channels)
