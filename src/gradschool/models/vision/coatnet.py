"""CoAtNet: convolutions while the image is large, attention with learned offsets where it has become small.

Source: Dai et al. 2021, sections 2.1 (equation 3) and 2.2 (C-C-T-T). Deviations: far smaller, biases of far
offsets are shared so that images may be of any size, no squeeze and excitation in the convolutional blocks.
"""

from torch import Tensor

from gradschool import nn
from gradschool.nn.attention.block import PreNorm
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.relative import RelativeAttention
from gradschool.nn.inputs import check_images


class Inverted(nn.Module):
    """x' + narrow(depthwise(widen(norm(x)))): filters of one channel each, in four times as many channels.

    Args:
        channels: of the input.
        out: channels of the output.
        stride: 2 halves the image; x' is then its mean over 2x2 places, projected.
    """

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        inner = 4 * out
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != out:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, stride, ceil_mode=True), nn.Conv2d(channels, out, 1)
            )
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ConvNormAct(channels, inner, 1, act=nn.GELU()),
            nn.ConvNormAct(inner, inner, 3, stride, inner, act=nn.GELU()),
            nn.Conv2d(inner, out, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.layers(x)


class AttentionStage(nn.Module):
    """Halve the map, then blocks of attention among its places.

    Args:
        channels: of the input.
        width: of the output, a multiple of 32, the numbers of a head.
        depth: blocks.
    """

    def __init__(self, channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2, 2, ceil_mode=True)
        self.widen = nn.Conv2d(channels, width, 1)
        self.attentions = nn.ModuleList(
            PreNorm(nn.LayerNorm(width), RelativeAttention(width, width // 32)) for _ in range(depth)
        )
        self.feeds = nn.ModuleList(PreNorm(nn.LayerNorm(width), FeedForward(width)) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        x = self.widen(self.pool(x))
        h = x.flatten(2).transpose(1, 2)
        for attention, feed in zip(self.attentions, self.feeds, strict=True):
            h = feed(attention(h, *x.shape[2:]))
        return h.transpose(1, 2).reshape(x.shape)


class CoAtNet(nn.Module):
    """A stem and two stages of convolutions, two of attention, a mean over places.

    Args:
        classes: number of logits.
        channels: of the images.
        widths: of the stem and the four stages; the last two multiples of 32.
        depths: blocks of the four stages.
        stride: of the stem; 1 for small images.
    """

    def __init__(
        self, classes: int, channels: int, widths: tuple[int, ...], depths: tuple[int, ...], stride: int
    ) -> None:
        super().__init__()
        self.channels = channels
        self.stem = nn.ConvNormAct(channels, widths[0], 3, stride, act=nn.GELU())
        stages: list[nn.Module] = []
        for before, width, depth, down in zip(widths, widths[1:3], depths, (1, 2), strict=False):
            stages += [Inverted(before, width, down), *(Inverted(width, width, 1) for _ in range(depth - 1))]
        stages += [AttentionStage(*sizes) for sizes in zip(widths[2:4], widths[3:], depths[2:], strict=True)]
        self.stages = nn.Sequential(*stages)
        self.norm, self.head = nn.LayerNorm(widths[-1]), nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        check_images(x, self.channels, 16)
        return self.head(self.norm(self.stages(self.stem(x)).mean((2, 3))))


def coatnet_small(classes: int, channels: int = 3, stride: int = 1) -> CoAtNet:
    """1.4 million parameters for ten classes; for images of about 32 pixels, with stride 2 of about 64."""
    return CoAtNet(classes, channels, (32, 32, 64, 128, 192), (1, 2, 2, 2), stride)
