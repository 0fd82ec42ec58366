"""What an agent sees of a screen or of a board with planes: convolutions in front of its layers.

Sources: Mnih et al. 2015 (screens); Young and Tian 2019 (small boards).
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from gradschool.nn.conv import Conv2d

SMALLEST, SCREEN = 8, 36  # cells a side: from here on convolutions, and those for screens
# Channels, kernel and stride of each convolution.
OF_SCREENS = (32, 8, 4), (64, 4, 2), (64, 3, 1)
OF_BOARDS = ((16, 3, 1),)


def is_picture(shape: Sequence[int]) -> bool:
    """Whether an observation of this shape goes through convolutions: planes of at least 8 x 8 cells."""
    return len(shape) == 3 and min(shape[1:]) >= SMALLEST


class Pixels(nn.Module):
    """Convolutions, each followed by ReLU, over observations that come as rows of numbers.

    `forward` takes (..., c h w); bytes are read as 0 to 1. It returns (..., features).

    Args:
        shape: of an observation, (c, h, w).
    """

    def __init__(self, shape: Sequence[int]) -> None:
        super().__init__()
        channels, *sides = shape
        self.shape, found = tuple(shape), []
        for out, kernel, stride in OF_SCREENS if min(sides) >= SCREEN else OF_BOARDS:
            found += [Conv2d(channels, out, kernel, stride), nn.ReLU()]
            channels, sides = out, [(side - kernel) // stride + 1 for side in sides]
        self.body, self.features = nn.Sequential(*found), channels * math.prod(sides)

    def forward(self, x: Tensor) -> Tensor:
        # 1. Rows of numbers as pictures again; what comes before (time, worlds) becomes one axis.
        picture = x.reshape(-1, *self.shape)
        picture = picture if picture.is_floating_point() else picture.float() / 255
        # 2. Features, with the axes as they were.
        found: Tensor = self.body(picture)
        return found.reshape(*x.shape[:-1], self.features)
