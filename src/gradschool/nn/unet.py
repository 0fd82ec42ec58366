"""What U-shaped networks share: two convolutions, a step up that takes in a skip, and a way to any size.

Source: Ronneberger et al. 2015, section 2; the gate is Oktay et al. 2018, section 2.2. Deviations: padded
convolutions, so that a map keeps its size and nothing is cropped; batch normalisation after each.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradschool.nn.activation import ReLU, Sigmoid
from gradschool.nn.blocks import ConvNormAct
from gradschool.nn.conv import Conv2d, ConvTranspose2d
from gradschool.nn.norm import BatchNorm2d


def double_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3x3 convolutions, each normalised and rectified."""
    return nn.Sequential(ConvNormAct(in_channels, out_channels), ConvNormAct(out_channels, out_channels))


class Up(nn.Module):
    """A coarse map at twice its size, joined with the fine one from the way down.

    Args:
        coarse: channels of the coarse map.
        fine: channels of the fine map; 0 where there is none.
        out_channels: of the result.
    """

    def __init__(self, coarse: int, fine: int, out_channels: int) -> None:
        super().__init__()
        self.up = ConvTranspose2d(coarse, out_channels, 2, 2)
        self.conv = double_conv(out_channels + fine, out_channels)

    def skipped(self, fine: Tensor, up: Tensor) -> Tensor:
        """What of the fine map goes on: all of it."""
        return fine

    def forward(self, coarse: Tensor, fine: Tensor | None = None) -> Tensor:
        """One step of the decoder: upsample, concatenate with the encoder's map, convolve.

        Args:
            coarse: feature map of the step before, (b, coarse channels, h, w).
            fine: feature map of the encoder at twice the resolution, (b, fine channels, 2h, 2w), carried by
                the skip connection; None: there is none.

        Returns:
            (b, out_channels, 2h, 2w).
        """
        # 1. Upsample the coarse map: `self.up` doubles height and width.
        up = self.up(coarse)
        # 2. Concatenate along the channels: first what `skipped` lets through of the fine map, then the
        #    upsampled map; the upsampled map alone where `fine` is None.
        joined = up if fine is None else torch.cat([self.skipped(fine, up), up], 1)
        # 3. Two convolutions: `self.conv`.
        return self.conv(joined)


class GatedUp(Up):
    """The same, but the coarse map says where the fine one matters.

    Args:
        coarse: channels of the coarse map.
        fine: channels of the fine map; 0 where there is none.
        out_channels: of the result.
    """

    def __init__(self, coarse: int, fine: int, out_channels: int) -> None:
        super().__init__(coarse, fine, out_channels)
        inner = max(1, fine // 2)
        self.of_fine = nn.Sequential(Conv2d(fine, inner, 1, bias=False), BatchNorm2d(inner))
        self.of_up = nn.Sequential(Conv2d(out_channels, inner, 1, bias=False), BatchNorm2d(inner))
        self.gate = nn.Sequential(ReLU(), Conv2d(inner, 1, 1), Sigmoid())

    def skipped(self, fine: Tensor, up: Tensor) -> Tensor:
        """The fine map times a number from 0 to 1 at every place."""
        return fine * self.gate(self.of_fine(fine) + self.of_up(up))


class WayUp(nn.Module):
    """From maps, finest first, each half as large as the one before, back to the size of the finest.

    Args:
        channels: of the maps, finest first.
        step: builds one step up from channels of the coarse map, of the fine one, and of the result.
    """

    def __init__(self, channels: Sequence[int], step: Callable[[int, int, int], Up] = Up) -> None:
        super().__init__()
        pairs = reversed(list(pairwise(channels)))
        self.steps = nn.ModuleList(step(coarse, fine, fine) for fine, coarse in pairs)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        x, *finer = reversed(maps)
        for step, fine in zip(self.steps, finer, strict=True):
            x = step(x, fine)
        return x


class AnySize(nn.Module):
    """A network that halves its input several times, for pictures of any size.

    Right and below, pictures are padded by repeating their last pixels; what is seen there is cut off again.

    Args:
        stride: sides are padded to multiples of this.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def inner(self, x: Tensor) -> Tensor:
        """The network itself, on sides that are multiples of the stride."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Run `self.inner`, which needs sides that are multiples of `self.stride`, on images of any size.

        Args:
            x: images (b, c, h, w), h and w at least 1.

        Returns:
            Scores (b, k, h, w). The padding repeats the last row below and the last column on the right.
        """
        # 1. How many rows and columns are missing to the next multiple of the stride: 0 to stride - 1. If
        #    none are, the network runs on x as it is.
        height, width = x.shape[2:]
        below, right = -height % self.stride, -width % self.stride
        if not below and not right:
            return self.inner(x)
        # 2. Pad below and on the right, run the network, cut its output to height x width.
        return self.inner(F.pad(x, (0, right, 0, below), mode="replicate"))[:, :, :height, :width]
