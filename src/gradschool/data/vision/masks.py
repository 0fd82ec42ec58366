"""Pictures whose every pixel has a class: the records, and batches in which masks move with their pictures.

What is held out to choose by is the end of the training part, not a random share: neighbours in a volume
or a film are almost the same picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from torch import Generator, Tensor

from gradschool.data.augment import draw
from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.source import open_source
from gradschool.data.vision.images import Images
from gradschool.data.vision.open import resolve_pictures
from gradschool.data.vision.pairs import read_pairs
from gradschool.data.vision.pictureset import Parts
from gradschool.errors import UserError
from gradschool.ops.segment import STEPS


@dataclass(frozen=True)
class Masked(Images):
    """One split of pictures with masks.

    Args:
        pixels: uint8, (n, channels, height, width).
        labels: uint8, (n, 1, height, width), the class of every pixel or 255 where it does not count; or
            (n, 2, height, width), whose second map is each pixel's weight in the loss, in twentieths.
        classes: names, in label order.
        names: where each picture came from.
    """

    labels: UInt8[Tensor, "n k h w"]

    def joined(self, others: Sequence[Images], classes: Sequence[str] | None) -> "Masked":
        """These and the others as one part, without the weights that only some of them have."""
        every = [self, *others]
        maps = min(part.labels.shape[1] for part in every)
        return replace(
            self,
            pixels=torch.cat([part.pixels for part in every]),
            labels=torch.cat([part.labels[:, :maps] for part in every]),
            classes=tuple(classes or self.classes),
            names=[name for part in every for name in part.names],
        )


@dataclass(frozen=True)
class MaskPipeline(Pipeline):
    """Preparation of batches whose labels are masks; evaluation keeps whole pictures at their own size.

    Args:
        turning: turn square training pictures by none to three quarters: exact, nothing is interpolated.
    Raises:
        UserError: pictures would be moved over black edges, which have no class.
    """

    turning: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        on = self.augment
        if (on.is_warping or on.crop_padding) and on.edge == "black":
            wanted = "mirrored ones, since black has no class"
            raise UserError(
                "pictures with masks would get black edges", wanted, "Use --set augment.edge=mirror."
            )

    def train(
        self,
        pixels: UInt8[Tensor, "n c h w"],
        labels: UInt8[Tensor, "n k h w"],
        generator: Generator,
        progress: float,
    ) -> tuple[Float[Tensor, "n c out_h out_w"], UInt8[Tensor, "n k out_h out_w"]]:
        """A training batch.

        Raises:
            UserError: pictures are to be turned and are not square.
        """
        x, masks = self.train_with_masks(pixels, labels, generator, progress)
        if not self.turning:
            return x, masks
        if x.shape[2] != x.shape[3]:
            what = f"{x.shape[3]}x{x.shape[2]} pixels cannot be turned by quarters"
            raise UserError(what, "squares", "Use --set crop=128, or --set turning=false.")
        turns = draw.integers((len(x),), 4, generator).tolist()
        return turned(x, turns), turned(masks, turns)

    def eval(
        self, pixels: UInt8[Tensor, "n c h w"], labels: UInt8[Tensor, "n k h w"]
    ) -> tuple[Float[Tensor, "n c h w"], UInt8[Tensor, "n k h w"]]:
        """An evaluation batch: whole pictures, normalised."""
        return self.normalise(pixels), labels


def turned(pictures: Shaped[Tensor, "n c s s"], turns: list[int]) -> Shaped[Tensor, "n c s s"]:
    """Each picture turned by so many quarters."""
    return torch.stack([torch.rot90(p, t, (1, 2)) for p, t in zip(pictures, turns, strict=True)])


def open_masked(name: str | Path, *, val: float = 0.1) -> Splits[Images]:
    """Open a set with masks by name, or a folder or zip of pictures and masks by path.

    Args:
        name: of a set, or a path.
        val: share at the end of the training part that is held out, where there is no validation part.

    Raises:
        UserError: it is not here, has no masks, or they do not fit their pictures.
    """
    info, place = resolve_pictures(name)
    if info is None:
        assert place is not None, "what is no set is a path"
        pairs = read_pairs(open_source(place))
        splits = splits_of(place.stem, pairs.parts, pairs.classes, val, pairs.names)
        return replace(splits, skipped=pairs.skipped, notes=pairs.notes)
    if not info.has_masks:
        raise UserError(
            f"{info.name} has a class for each picture", "masks", "Try --data membrane or camvid."
        )
    return splits_of(info.name, info.arrays(place), tuple(info.classes), val)


def splits_of(
    name: str,
    parts: Parts,
    classes: tuple[str, ...],
    val: float,
    names: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Splits[Images]:
    """Arrays as three parts; `names` are those of the pictures of each part."""
    found = {
        part: Masked(
            torch.from_numpy(pixels), torch.from_numpy(np.asarray(masks)), classes, names.get(part, ())
        )
        for part, (pixels, masks) in parts.items()
    }
    train, held = found["train"], found.get("val")
    count = round(val * len(train)) if held is None else 0
    if count:
        places = torch.arange(len(train))
        train, held = train.take(places[:-count]), train.take(places[-count:])
    return Splits(name, train, held, found["test"])


def weighed(images: Masked, weights: Float[Tensor, "n h w"]) -> Masked:
    """The same pictures with a weight for every pixel, kept in 8 bits beside its class."""
    kept = (weights * STEPS).round().clamp(0, 255).to(torch.uint8).unsqueeze(1)
    return Masked(images.pixels, torch.cat([images.labels, kept], 1), images.classes, images.names)
