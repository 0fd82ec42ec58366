"""How alike two pictures look: brightness, contrast and structure, compared window by window.

Source: Wang et al. 2004, eq. 13 and section III.C (a Gaussian window of deviation 1.5 over 11x11 pixels,
windows that lie inside the picture). Deviation: pictures smaller than the window get the largest odd one
that fits.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.conv import conv2d
from gradschool.ops.switch import op

WINDOW, DEVIATION = 11, 1.5  # pixels
STEADY = 0.01**2, 0.03**2  # keep fractions of small numbers steady, for pixels from 0 to 1


def window(side: int) -> Float[Tensor, "k k"]:
    """Gaussian weights that sum to 1, at most as large as pictures of this side."""
    size = min(WINDOW, side - 1 + side % 2)
    far = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    weight = torch.exp(-(far**2) / (2 * DEVIATION**2))
    return torch.outer(weight, weight) / weight.sum() ** 2


@op
def structural_similarity(x: Float[Tensor, "b c h w"], y: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """SSIM, the structural similarity index of each pair of images.

    Args:
        x: images, pixels from 0 to 1.
        y: images of the same shape.

    Returns:
        The mean over windows and channels of luminance term times contrast-and-structure term; 1 for equal
        images, at most 1, negative where structures are opposite.
    """
    # 1. `mean`: the weighted mean of every window, each channel alone.
    weight = window(min(x.shape[2:])).to(x)[None, None]

    def mean(values: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
        maps = conv2d(values.flatten(0, 1).unsqueeze(1), weight)
        return maps.view(*values.shape[:2], *maps.shape[2:])

    # 2. The mean and variance of each window in both images, and their covariance.
    mx, my = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    # 3. (2 mx my + c1) / (mx^2 + my^2 + c1) times (2 xy + c2) / (xx + yy + c2), averaged.
    c1, c2 = STEADY
    brightness = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    structure = (2 * xy + c2) / (xx + yy + c2)
    return (brightness * structure).mean((1, 2, 3))
