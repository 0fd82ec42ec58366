"""GoogLeNet: branches that look at several scales at once, with 1x1 convolutions to keep them cheap.

Source: Szegedy et al. 2015, table 1; parameters bear torchvision's names. Deviations, as in torchvision:
batch normalisation, and a 3x3 convolution where the paper has 5x5. Left out: the two auxiliary heads, which
only serve training and were later found of little use (Szegedy et al. 2016, section 4).
"""

from collections.abc import Mapping

from torch import Tensor

from gradschool import nn
from gradschool.nn.inception import Branches, ConvUnit
from gradschool.nn.inputs import check_images


def mixed(
    in_channels: int, ones: int, threes: tuple[int, int], fives: tuple[int, int], pooled: int
) -> Branches:
    """An Inception module: 1x1; 1x1 then 3x3; 1x1 then "5x5"; pooling then 1x1.

    Args:
        in_channels: of the input.
        ones: channels of the first branch.
        threes: channels of the second branch's two convolutions.
        fives: channels of the third branch's two convolutions.
        pooled: channels of the fourth branch.
    """
    return Branches(
        {
            "branch1": ConvUnit(in_channels, ones),
            "branch2": nn.Sequential(ConvUnit(in_channels, threes[0]), ConvUnit(*threes, 3)),
            "branch3": nn.Sequential(ConvUnit(in_channels, fives[0]), ConvUnit(*fives, 3)),
            "branch4": nn.Sequential(nn.MaxPool2d(3, 1, 1), ConvUnit(in_channels, pooled)),
        }
    )


class GoogLeNet(nn.Module):
    """Stem, nine Inception modules with pooling between them, mean over places, dropout, linear head."""

    def __init__(self, classes: int, channels: int) -> None:
        super().__init__()
        self.channels = channels
        # 1. The stem: to 192 channels at an eighth of the size.
        self.conv1 = ConvUnit(channels, 64, 7, 2)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.conv3 = ConvUnit(64, 64), ConvUnit(64, 192, 3)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        # 2. Modules 3a to 5b.
        self.inception3a = mixed(192, 64, (96, 128), (16, 32), 32)
        self.inception3b = mixed(256, 128, (128, 192), (32, 96), 64)
        self.maxpool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.inception4a = mixed(480, 192, (96, 208), (16, 48), 64)
        self.inception4b = mixed(512, 160, (112, 224), (24, 64), 64)
        self.inception4c = mixed(512, 128, (128, 256), (24, 64), 64)
        self.inception4d = mixed(512, 112, (144, 288), (32, 64), 64)
        self.inception4e = mixed(528, 256, (160, 320), (32, 128), 128)
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.inception5a = mixed(832, 256, (160, 320), (32, 128), 128)
        self.inception5b = mixed(832, 384, (192, 384), (48, 128), 128)
        # 3. The head.
        self.avgpool, self.dropout = nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 32)
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x = self.inception4c(self.inception4b(self.inception4a(x)))
        x = self.maxpool4(self.inception4e(self.inception4d(x)))
        x = self.inception5b(self.inception5a(x))
        return self.fc(self.dropout(self.avgpool(x).flatten(1)))


def googlenet(classes: int, channels: int = 3) -> GoogLeNet:
    """GoogLeNet: 6.6 million parameters."""
    return GoogLeNet(classes, channels)


def from_torchvision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of torchvision's googlenet that this network has: all but the auxiliary heads'.

    torchvision's pretrained network also wants its input rescaled (transform_input), which is the caller's
    business.
    """
    return {name: value for name, value in state.items() if not name.startswith(("aux1.", "aux2."))}
