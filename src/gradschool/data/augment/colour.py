"""Changing colours: brightness, contrast, saturation, hue, blur, noise and what RandAugment adds.

All take images of one or three channels, floats from 0 to 1 or bytes, and one parameter an image, and return
floats. Formulas are those of Pillow and torchvision (ITU-R 601 weights for grey): a factor of 1 changes
nothing, 0 removes the quality, above 1 exaggerates it. Grey images pass saturation and hue unchanged.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from gradschool.data.augment.geometry import Pixels, each, unit

Colours = Float[Tensor, "n c h w"]
Factor = Float[Tensor, " n"]
GREY = (0.2989, 0.587, 0.114)


def check_channels(images: Colours) -> None:
    """Refuse images that are neither grey nor of red, green and blue.

    Raises:
        ValueError: they have other channels.
    """
    if images.shape[1] not in (1, 3):
        raise ValueError(f"images have {images.shape[1]} channels, 1 (grey) or 3 (colour) were wanted")


def factors(values: Factor, images: Colours) -> Float[Tensor, "n 1 1 1"]:
    """One number for each image, in the images' precision."""
    return each(values, images).to(images.dtype)


def luminance(images: Pixels) -> Float[Tensor, "n 1 h w"]:
    """How light each pixel looks; images of one channel are grey already."""
    images = unit(images)
    check_channels(images)
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(GREY, device=images.device, dtype=images.dtype).view(3, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def blend(images: Colours, other: Float[Tensor, "..."], factor: Factor) -> Colours:
    """`other` at factor 0, `images` at 1, beyond them above 1; kept within 0 to 1."""
    return torch.lerp(other.expand_as(images), images, factors(factor, images)).clamp_(0, 1)


def brightness(images: Pixels, factor: Factor) -> Colours:
    """Multiply: 0 is black."""
    images = unit(images)
    return (images * factors(factor, images)).clamp_(0, 1)


def contrast(images: Pixels, factor: Factor) -> Colours:
    """Away from or towards the image's mean grey."""
    images = unit(images)
    return blend(images, luminance(images).mean((1, 2, 3), keepdim=True), factor)


def saturation(images: Pixels, factor: Factor) -> Colours:
    """Away from or towards each pixel's own grey: 0 is a black-and-white photograph."""
    images = unit(images)
    return images if images.shape[1] == 1 else blend(images, luminance(images), factor)


def hue(images: Pixels, shift: Factor) -> Colours:
    """Turn the colour circle by `shift` of a full turn, -0.5 to 0.5.

    Source: the hue-saturation-value model (Smith 1978); the way back is the closed form
    `value - spread * clamp(min(k, 4 - k), 0, 1)` with `k = (5, 3, 1) + hue (mod 6)` for red, green and blue.
    """
    images = unit(images)
    check_channels(images)
    if images.shape[1] == 1:
        return images
    # 1. Hue in sixths of a turn; grey has none and any will do.
    red, green, blue = (images[:, i : i + 1] for i in range(3))
    value = images.amax(1, keepdim=True)
    spread = value - images.amin(1, keepdim=True)
    safe = spread.masked_fill(spread == 0, 1)
    from_green, from_blue = 2 + (blue - red) / safe, 4 + (red - green) / safe
    sixths = torch.where(
        value == red, (green - blue) / safe, torch.where(value == green, from_green, from_blue)
    )
    # 2. Turn, and back to three channels.
    phases = torch.tensor([5.0, 3.0, 1.0], device=images.device, dtype=images.dtype).view(3, 1, 1)
    k = (sixths + 6 * factors(shift, images) + phases).remainder(6)
    return value - spread * torch.minimum(k, 4 - k).clamp_(0, 1)


def blur(images: Pixels, sigma: Factor, radius: int) -> Colours:
    """Gaussian blur of `sigma` pixels, cut off at `radius`, mirrored at the border: down, then across."""
    images = unit(images)
    taps = torch.arange(-radius, radius + 1, device=sigma.device)
    weights = torch.exp(-0.5 * (taps / sigma[:, None]) ** 2)
    weights = (weights / weights.sum(1, keepdim=True)).to(images.device)
    padded = F.pad(images, (radius,) * 4, mode="reflect")
    return smooth_down(smooth_down(padded, weights).mT, weights).mT


def smooth_down(padded: Colours, weights: Float[Tensor, "n k"]) -> Float[Tensor, "n c out_h w"]:
    """Weighted sum of k neighbouring rows, the weights being each image's own; k - 1 rows fewer come out."""
    height = padded.shape[2] - weights.shape[1] + 1
    total = torch.zeros_like(padded[:, :, :height])
    for i in range(weights.shape[1]):
        total.addcmul_(factors(weights[:, i], padded), padded[:, :, i : i + height])
    return total


def noise(images: Pixels, std: float, generator: Generator) -> Colours:
    """Add Gaussian noise of standard deviation `std`, drawn on the generator's device; kept within 0 to 1."""
    images = unit(images)
    drawn = torch.randn(images.shape, generator=generator, device=generator.device)
    return (images + std * drawn.to(images)).clamp_(0, 1)


def sharpness(images: Pixels, factor: Factor) -> Colours:
    """Away from or towards a 3 x 3 smoothing; the outermost pixels stay, as in Pillow."""
    images = unit(images)
    if min(images.shape[2:]) < 3:  # all pixels are outermost ones
        return images
    kernel = torch.full((1, 1, 3, 3), 1 / 13, device=images.device, dtype=images.dtype)
    kernel[:, :, 1, 1] = 5 / 13
    smooth = images.clone()
    smooth[:, :, 1:-1, 1:-1] = F.conv2d(images.flatten(0, 1)[:, None], kernel).view_as(
        smooth[:, :, 1:-1, 1:-1]
    )
    return blend(images, smooth, factor)


def posterize(images: Pixels, bits: Factor) -> Colours:
    """Keep the `bits` highest of a pixel's eight bits, 0 to 8."""
    images = unit(images)
    step = factors(2.0 ** (8 - bits.round()), images)
    return (images * 255).round().div(step).floor() * step * (1 / 255)


def solarize(images: Pixels, threshold: Factor) -> Colours:
    """Invert every value from `threshold` upwards."""
    images = unit(images)
    return torch.where(images >= factors(threshold, images), 1 - images, images)


def autocontrast(images: Pixels) -> Colours:
    """Stretch each channel so that its darkest pixel is 0 and its lightest 1; flat channels stay."""
    images = unit(images)
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = low == high
    return ((images - low.masked_fill(flat, 0)) / (high - low).masked_fill(flat, 1)).clamp_(0, 1)


def equalize(images: Pixels) -> Colours:
    """Spread each channel's values so that all 256 are about equally frequent, by Pillow's integer recipe."""
    # 1. Histogram of every channel of every image.
    images = unit(images)
    values = (images * 255).round().long().flatten(2)
    counts = torch.zeros(*values.shape[:2], 256, dtype=torch.long, device=images.device)
    counts.scatter_add_(2, values, torch.ones_like(values))
    # 2. Pixels for each step of the new scale, the lightest value left out; zero steps: leave the channel.
    lightest = values.amax(2, keepdim=True)
    step = (values.shape[2] - counts.gather(2, lightest)) // 255
    # 3. A value's new place: the pixels darker than it, in steps.
    darker = counts.cumsum(2) - counts
    table = ((darker + step // 2) // step.clamp(min=1)).clamp(max=255)
    table = torch.where(step == 0, torch.arange(256, device=images.device), table)
    return table.gather(2, values).view_as(images).to(images.dtype) * (1 / 255)
