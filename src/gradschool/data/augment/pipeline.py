"""From stored uint8 images to what a network is fed: what may be changed, and in which order.

Order: crop and flip on uint8, resize, one warp for all that is affine or projective, colour, RandAugment,
blur, noise, normalise, erase, mix. A mask goes through the same geometry by nearest neighbour, nothing else.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, Shaped, UInt8
from torch import Generator, Tensor

from gradschool.data.augment import colour, draw, geometry, mix, policy
from gradschool.data.augment import random as changes
from gradschool.data.augment.geometry import Edge, Pixels
from gradschool.errors import UserError

HIGHEST = {
    "resized_crop": 1, "rotate": 180, "translate": 1, "scale": 10, "shear": 60, "perspective": 0.99,
    "hue": 0.5, "grey": 1, "blur": 1, "blur_sigma": 20, "noise": 1, "erase": 1, "mix_share": 1,
    "magnitude": policy.STRONGEST,
}  # fmt: skip


@dataclass(frozen=True)
class Augment:
    """What may happen to a training image; everything is off unless given.

    Args:
        flip: mirror half of the images left to right.
        crop_padding: shift by up to so many pixels (pad, then crop).
        resized_crop: smallest and largest share of the area that is cut out and resized, e.g. (0.35, 1.0).
        rotate: largest angle either way, in degrees.
        translate: largest shift either way, as a share of the side.
        scale: smallest and largest magnification.
        shear: largest shear either way, in degrees.
        perspective: how far corners move inwards, as a share of half the side, below 1.
        brightness: factors from 1 - this to 1 + this.
        contrast: likewise.
        saturation: likewise.
        hue: turn of the colour circle either way, up to 0.5.
        grey: probability of losing the colour.
        blur: probability of a Gaussian blur.
        blur_sigma: smallest and largest width of that blur, in pixels.
        noise: standard deviation of Gaussian noise, on the scale 0 to 1.
        cutout: side of a square that is hidden, in pixels.
        erase: probability that a random box is hidden.
        mixup: alpha of mixup.
        cutmix: alpha of CutMix; with mixup as well, a coin decides for each batch.
        mix_share: share of the batches that mixup or CutMix changes.
        policy: RandAugment's number of operations.
        magnitude: RandAugment's strength, 0 to 30.
        edge: what lies beyond the border, "black" or "mirror".
    Raises:
        UserError: a value is outside its range.
    """

    flip: bool = False
    crop_padding: int = 0
    resized_crop: tuple[float, float] | None = None
    rotate: float = 0.0
    translate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0
    perspective: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    noise: float = 0.0
    cutout: int = 0
    erase: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_share: float = 1.0
    policy: int = 0
    magnitude: float = 9.0
    edge: Edge = "black"

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            high = HIGHEST.get(name, math.inf)
            if isinstance(value, int | float) and not 0 <= value <= high:
                wanted = f"a number from 0 to {high}" if name in HIGHEST else "0 (off) or more"
                raise UserError(f"{name} is {value}", wanted, f"Leave {name} out to switch it off.")
            if isinstance(value, tuple) and not 0 < value[0] <= value[1] <= high:
                raise UserError(f"{name} is {value}", f"two numbers, 0 < smallest <= largest <= {high}", "")
        if self.edge not in ("black", "mirror"):
            raise UserError(f"edge is {self.edge!r}", '"black" or "mirror"', "")

    @property
    def is_mixing(self) -> bool:
        """Whether labels become shares of classes."""
        return self.mixup > 0 or self.cutmix > 0

    @property
    def is_warping(self) -> bool:
        """Whether anything affine or projective is on."""
        is_scaling = self.scale != (1.0, 1.0)
        return is_scaling or any((self.rotate, self.translate, self.shear, self.perspective))


@dataclass(frozen=True)
class Geometry:
    """The moves drawn for one batch, for images and (nearest) for masks; None is no such move."""

    size: tuple[int, int]
    offsets: Int64[Tensor, "n 2"] | None
    flipped: Bool[Tensor, " n"] | None
    boxes: Int64[Tensor, "n 4"] | None
    matrices: Float[Tensor, "n 3 3"] | None
    padding: int
    edge: Edge

    def apply(self, pixels: Pixels, nearest: bool = False) -> Shaped[Tensor, "n c out_h out_w"]:
        """Move pixels; uint8 stays uint8 unless they have to be interpolated."""
        if self.offsets is not None and self.flipped is not None:
            pixels = geometry.crop_and_flip(pixels, self.offsets, self.flipped, self.padding, self.edge)
        if self.boxes is not None:
            pixels = geometry.resized_crop(pixels, self.boxes, self.size, nearest)
        pixels = geometry.fit(pixels, self.size, nearest)
        return pixels if self.matrices is None else geometry.warp(pixels, self.matrices, self.edge, nearest)


def draw_geometry(
    chosen: Augment, n: int, side: tuple[int, int], size: tuple[int, int], generator: Generator
) -> Geometry:
    """Draw the moves of n images of `side` (height, width) that are to come out at `size`."""
    offsets = flipped = boxes = matrices = None
    if chosen.flip or chosen.crop_padding:
        offsets = draw.integers((n, 2), 2 * chosen.crop_padding + 1, generator)
        flipped = draw.coins(n, 0.5 if chosen.flip else 0.0, generator)
    if chosen.resized_crop:
        boxes = draw.crop_boxes(n, side, chosen.resized_crop, changes.ASPECT, generator)
    if chosen.is_warping:
        scale = chosen.scale
        matrices = draw.affine(n, size, chosen.rotate, chosen.translate, scale, chosen.shear, generator)
        if chosen.perspective:
            matrices = matrices @ draw.perspective(n, size, chosen.perspective, generator)
    return Geometry(size, offsets, flipped, boxes, matrices, chosen.crop_padding, chosen.edge)


@dataclass(frozen=True)
class Pipeline:
    """Preparation of training and evaluation batches.

    Args:
        mean: of each channel, on the scale 0 to 1.
        std: of each channel, on the scale 0 to 1.
        augment: what may happen to training images.
        sizes: (from this share of training on, side in pixels), ascending from 0; () keeps the stored size.
            Evaluation takes the last size.
        num_classes: needed when labels are mixed.
        test_size: side in pixels for evaluation, in place of the last size. Random resized crops magnify:
            on slightly larger test images things have the size that was learnt (Touvron et al. 2019).
    Raises:
        UserError: sizes do not ascend from 0, or labels are to be mixed among fewer than two classes.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    augment: Augment = Augment()
    sizes: tuple[tuple[float, int], ...] = ()
    num_classes: int = 0
    test_size: int | None = None

    def __post_init__(self) -> None:
        starts = [start for start, _ in self.sizes]
        is_ascending = starts == sorted(set(starts)) and starts[:1] in ([], [0])
        if not is_ascending or min((side for _, side in self.sizes), default=1) < 1:
            wanted = "(share of training, pixels) ascending from 0"
            raise UserError(f"sizes are {self.sizes}", wanted, "Try ((0, 64),).")
        if self.augment.is_mixing and self.num_classes < 2:
            raise UserError(f"num_classes is {self.num_classes}", "2 or more, for mixup or cutmix", "")
        if len(self.mean) != len(self.std) or min(self.std, default=0) <= 0:
            raise UserError(f"mean {self.mean}, std {self.std}", "one of each a channel, std above 0", "")

    def size_at(self, progress: float, pixels: Pixels) -> tuple[int, int]:
        """Height and width at this share of training, 0 to 1."""
        reached = [side for start, side in self.sizes if start <= progress]
        return (reached[-1], reached[-1]) if reached else (pixels.shape[2], pixels.shape[3])

    def train(
        self,
        pixels: UInt8[Tensor, "n c h w"],
        labels: Int64[Tensor, " n"],
        generator: Generator,
        progress: float,
    ) -> tuple[Float[Tensor, "n c out_h out_w"], Int64[Tensor, " n"] | Float[Tensor, "n classes"]]:
        """A training batch.

        Args:
            pixels: uint8, (n, c, h, w).
            labels: class of each image.
            generator: where the randomness comes from.
            progress: share of training done, 0 to 1; chooses the size.
        Returns:
            Normalised float32 images, and labels or, when mixing, shares of classes.
        """
        images, _ = self.change(pixels, None, generator, progress)
        images = self.hide(self.normalise(images), generator)
        return self.mixed(images, labels, generator) if self.augment.is_mixing else (images, labels)

    def train_with_masks(
        self,
        pixels: UInt8[Tensor, "n c h w"],
        masks: Shaped[Tensor, "n k h w"],
        generator: Generator,
        progress: float,
    ) -> tuple[Float[Tensor, "n c out_h out_w"], Shaped[Tensor, "n k out_h out_w"]]:
        """A training batch whose masks (k maps an image, any dtype) move with their images.

        Raises:
            UserError: mixup or cutmix is on; they mix labels of whole images.
        """
        if self.augment.is_mixing:
            raise UserError("mixup or cutmix is on", "neither with masks", "Set both to 0.")
        images, moved = self.change(pixels, masks, generator, progress)
        assert moved is not None
        return self.hide(self.normalise(images), generator), moved

    def eval(
        self, pixels: UInt8[Tensor, "n c h w"], labels: Int64[Tensor, " n"]
    ) -> tuple[Float[Tensor, "n c out_h out_w"], Int64[Tensor, " n"]]:
        """An evaluation batch: resized to the size of tests and normalised."""
        size = (self.test_size, self.test_size) if self.test_size else self.size_at(1.0, pixels)
        return self.normalise(geometry.fit(pixels, size)), labels

    def change(
        self, pixels: Pixels, masks: Shaped[Tensor, "n k h w"] | None, generator: Generator, progress: float
    ) -> tuple[Shaped[Tensor, "n c out_h out_w"], Shaped[Tensor, "n k out_h out_w"] | None]:
        """Images as a person would look at them, before normalising; masks moved along."""
        on, n = self.augment, len(pixels)
        # 1. Geometry.
        moves = draw_geometry(on, n, changes.side(pixels), self.size_at(progress, pixels), generator)
        images = moves.apply(pixels)
        masks = None if masks is None else moves.apply(masks, nearest=True)
        # 2. Colour; images that nothing touches stay uint8.
        if on.brightness or on.contrast or on.saturation or on.hue:
            strengths = on.brightness, on.contrast, on.saturation, on.hue
            images = changes.random_jitter(geometry.unit(images), generator, *strengths)
        if on.grey:
            images = changes.random_grey(geometry.unit(images), on.grey, generator)
        # 3. RandAugment.
        for _ in range(on.policy):
            choice = policy.choose(n, on.magnitude, generator)
            images = policy.apply(geometry.unit(images), choice, on.edge)
            masks = None if masks is None else policy.move(masks, choice, on.edge, nearest=True)
        # 4. Blur and noise.
        if on.blur:
            images = changes.random_blur(geometry.unit(images), on.blur, generator, on.blur_sigma)
        if on.noise:
            images = colour.noise(geometry.unit(images), on.noise, generator)
        return images, masks

    def normalise(self, images: Pixels) -> Float[Tensor, "n c h w"]:
        """(x - mean) / std for each channel as one multiplication and one subtraction, uint8 or float."""
        shifts = tuple(mean / std for mean, std in zip(self.mean, self.std, strict=True))
        shift = per_channel(shifts, images.device)
        if images.is_floating_point():
            return (images * per_channel(tuple(1 / std for std in self.std), images.device)).sub_(shift)
        scale = per_channel(tuple(1 / (255 * std) for std in self.std), images.device)
        return images.float().mul_(scale).sub_(shift)

    def hide(self, images: Float[Tensor, "n c h w"], generator: Generator) -> Float[Tensor, "n c h w"]:
        """Cutout and random erasing, to the mean colour."""
        if self.augment.cutout:
            images = changes.random_cutout(images, self.augment.cutout, generator)
        return changes.random_erasing(images, self.augment.erase, generator) if self.augment.erase else images

    def mixed(
        self, images: Float[Tensor, "n c h w"], labels: Int64[Tensor, " n"], generator: Generator
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n classes"]]:
        """Mixup or CutMix; where both are on, a coin decides for the batch, and another whether to mix."""
        on = self.augment
        if on.mix_share < 1 and not bool(draw.coins(1, on.mix_share, generator)):
            return images, F.one_hot(labels, self.num_classes).float()
        is_mixup = bool(on.mixup) and (not on.cutmix or bool(draw.coins(1, 0.5, generator)))
        mixer, alpha = (mix.mixup, on.mixup) if is_mixup else (mix.cutmix, on.cutmix)
        return mixer(images, labels, self.num_classes, alpha, generator)


@cache
def per_channel(values: tuple[float, ...], device: torch.device) -> Float[Tensor, "c 1 1"]:
    """One number for each channel; kept, because making it costs as much as using it on a small batch."""
    with torch.inference_mode(False):  # it may be made while evaluating and used while training
        return torch.tensor(values, device=device).view(-1, 1, 1)
