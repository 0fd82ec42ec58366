"""A U-Net whose way down is any network of timm: it can begin with features that were learned elsewhere.

Source: Iglovikov and Shvets 2018 (TernausNet); networks: Wightman, PyTorch Image Models. The finest map of
most networks is half as large as the picture, so one step up has no shortcut.
"""

from itertools import pairwise
from typing import Any

from torch import Tensor

from gradschool import nn
from gradschool.nn.unet import AnySize, Up, WayUp
from gradschool.parts import need

NARROWEST = 16  # channels of the last step, which has no shortcut


class TimmUNet(AnySize):
    """One score a label for every pixel.

    Args:
        body: pictures to a list of maps, finest first, each half as large as the one before; it has
            `feature_info` as timm's networks with features_only=True do.
        labels: scores a pixel.
        most: channels that a step up gives at most.
    """

    def __init__(self, body: Any, labels: int, most: int) -> None:
        strides = body.feature_info.reduction()
        super().__init__(strides[-1])
        self.body = body
        # 1. Coarse maps are wide: a 1x1 convolution narrows each.
        given = body.feature_info.channels()
        widths = [min(most, NARROWEST * 2 ** (i + 1)) for i in range(len(given))]
        self.narrow = nn.ModuleList(nn.ConvNormAct(a, b, 1) for a, b in zip(given, widths, strict=True))
        # 2. Up to the finest map, and from there to the size of the picture.
        self.up = WayUp(widths)
        more = strides[0].bit_length() - 1
        ins = [widths[0], *[NARROWEST] * more]
        self.last = nn.Sequential(*[Up(a, 0, b) for a, b in pairwise(ins)])
        self.head = nn.Conv2d(ins[-1], labels, 1)

    def inner(self, x: Tensor) -> Tensor:
        maps = [narrow(each) for narrow, each in zip(self.narrow, self.body(x), strict=True)]
        return self.head(self.last(self.up(maps)))


def timm_unet(labels: int, channels: int = 3, backbone: str = "resnet18", most: int = 256) -> TimmUNet:
    """A U-Net over a network of timm, with random weights.

    Args:
        labels: scores a pixel.
        channels: of the pictures.
        backbone: a network of timm.
        most: channels that a step up gives at most.
    Raises:
        UserError: timm is not installed.
        ValueError: it knows no such network.
    """
    need("timm", "practice", f"a U-Net over {backbone}")
    import timm

    if not timm.is_model(backbone):
        raise ValueError(f"backbone is {backbone!r}, a network of timm was wanted; try resnet18")
    body = timm.create_model(backbone, pretrained=False, features_only=True, in_chans=channels)
    return TimmUNet(body, labels, most)
