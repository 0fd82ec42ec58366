"""The record that every task on pictures is handed: one part of a set, labelled and decoded."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor, uint8
from torch.nn.functional import interpolate

I = TypeVar("I", bound="Images")  # noqa: E741


@dataclass(frozen=True)
class Images:
    """One split, decoded once: `pixels` may be a memory map, so index it, never copy it whole without need.

    Args:
        pixels: uint8, (n, channels, height, width), 0 to 255.
        labels: int64, (n,), each an index into `classes`.
        classes: the names of the classes, in label order.
        names: where each image came from (file name), for reports; empty when the set has none.
    """

    pixels: UInt8[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]
    classes: tuple[str, ...]
    names: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def groups(self) -> Int64[Tensor, " n"]:
        """The number of each picture; copies of one picture have the same."""
        pixels, seen = self.pixels.contiguous().numpy(), dict[bytes, int]()
        digests = (hashlib.blake2b(picture.tobytes(), digest_size=16).digest() for picture in pixels)
        return torch.tensor([seen.setdefault(each, len(seen)) for each in digests], dtype=torch.int64)

    def take(self: I, index: Int64[Tensor, " k"]) -> I:
        """The images at `index`, in that order."""
        names = [self.names[i] for i in index.tolist()] if self.names else ()
        return replace(self, names=names, **self.rows(index))

    def between(self: I, start: int, end: int) -> I:
        """The images from `start` on to before `end`, without copying their pixels."""
        names = self.names[start:end] if self.names else ()
        return replace(self, names=names, **self.rows(slice(start, end)))

    def rows(self, where: Any) -> dict[str, Any]:
        """What the record holds of some images, by field; a record that holds more adds to it."""
        return {"pixels": self.pixels[where], "labels": self.labels[where]}

    def joined(self, others: Sequence["Images"], classes: Sequence[str] | None) -> "Images":
        """These and the others as one part; labels count `classes`, -1 for a picture of another class."""
        every, known = [self, *others], tuple(classes or self.classes)
        place = torch.tensor([known.index(name) if name in known else -1 for name in self.classes])
        labels = place[torch.cat([part.labels for part in every])]
        names = [name for part in every for name in part.names]
        return replace(self, labels=labels, classes=known, names=names, **self.together(every))

    def together(self, parts: Sequence[Any]) -> dict[str, Any]:
        """What the record holds of all images of some parts, by field; as for `rows`, others add to it."""
        return {"pixels": torch.cat([part.pixels for part in parts])}

    def content(self) -> Sequence[bytes | memoryview]:
        """Pixels and class of each named image; of images without names, of all together."""
        pixels, labels = self.pixels.contiguous().numpy(), self.labels.contiguous().numpy()
        if not self.names:
            return [pixels.reshape(-1).data.cast("B"), labels.reshape(-1).data.cast("B")] if len(self) else []
        return [x.tobytes() + bytes(self.named(y), "utf-8") for x, y in zip(pixels, labels, strict=True)]

    def named(self, label: Any) -> str:
        """The name of a label's class; of a mask or a mixed label, its numbers."""
        return self.classes[int(label)] if label.ndim == 0 else label.tobytes().hex()


def resized(pixels: UInt8[Tensor, "n c h w"], height: int, width: int) -> UInt8[Tensor, "n c h2 w2"]:
    """Images at another size, without jagged edges; those that have it already come back as they are."""
    if tuple(pixels.shape[2:]) == (height, width):
        return pixels
    found = interpolate(pixels.float(), size=(height, width), mode="bilinear", antialias=True)
    return found.round().to(uint8)
