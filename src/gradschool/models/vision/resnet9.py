"""A residual network that learns small images fast: each stage convolves, pools, then refines what is left.

Sources: Page 2018, "How to train your ResNet" (the nine-layer plan), He et al. 2016a (residual blocks), Goyal
et al. 2017, section 5.1 (a block's last gain starts at 0). Deviations: a strided 4x4 stem, a block in every
stage, narrower late stages (their weight gradients are slow on processors), mean in place of max at the end.
"""

from collections.abc import Sequence

from torch import Tensor

from gradschool import nn
from gradschool.nn.init import he_, silence_
from gradschool.nn.inputs import check_images
from gradschool.nn.residual import BasicBlock


def pooled_stage(in_channels: int, channels: int, depth: int) -> nn.Sequential:
    """Convolution, maximum over 2x2, batch normalisation, ReLU, then `depth` residual blocks.

    Pooling before normalising saves three quarters of its work.
    """
    conv = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
    blocks = [BasicBlock(channels, channels) for _ in range(depth)]
    return nn.Sequential(conv, nn.MaxPool2d(2), nn.BatchNorm2d(channels), nn.ReLU(), *blocks)


class ResNet9(nn.Module):
    """Stem, stages that halve the image, mean over places, linear head.

    Args:
        classes: outputs.
        channels: of the images.
        widths: channels of each stage.
        depth: residual blocks a stage.
        stem: channels of the stem.
        stride: of the stem: 2 for 64 pixels, 1 for 28 to 32.
    """

    def __init__(
        self, classes: int, channels: int, widths: Sequence[int], depth: int, stem: int, stride: int
    ) -> None:
        super().__init__()
        self.channels = channels
        self.smallest = stride * 2 ** len(widths)
        # 1. The stem: a 4x4 window moves by 2, a 3x3 window by 1.
        kernel = 4 if stride == 2 else 3
        conv = nn.Conv2d(channels, stem, kernel, stride, 1, bias=False)
        self.stem = nn.Sequential(conv, nn.BatchNorm2d(stem), nn.ReLU())
        # 2. The stages.
        pairs = zip([stem, *widths], widths, strict=False)
        self.stages = nn.Sequential(*[pooled_stage(before, width, depth) for before, width in pairs])
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(widths[-1], classes)
        # 3. Every block starts as the identity.
        he_(self)
        silence_(module.bn2 for module in self.modules() if isinstance(module, BasicBlock))

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, self.smallest)
        return self.fc(self.pool(self.stages(self.stem(x))).flatten(1))


def resnet9(
    classes: int, channels: int = 3, widths: Sequence[int] = (64, 128, 192), depth: int = 1, stem: int = 32,
    stride: int = 2,
) -> ResNet9:  # fmt: skip
    """1.4 million parameters; see ResNet9 for the arguments."""
    return ResNet9(classes, channels, widths, depth, stem, stride)
