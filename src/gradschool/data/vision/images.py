"""The two records every image task is handed: one split of labelled images, and the three splits of a set."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jaxtyping import Int64, UInt8
from torch import Tensor, uint8
from torch.nn.functional import interpolate


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

    def take(self, index: Int64[Tensor, " k"]) -> "Images":
        """The images at `index`, in that order."""
        names = [self.names[i] for i in index.tolist()] if self.names else ()
        return replace(self, pixels=self.pixels[index], labels=self.labels[index], names=names)


@dataclass(frozen=True)
class Splits:
    """What a recipe trains on. `skipped` lists (file, reason) of every image that was left out."""

    name: str
    train: Images
    val: Images | None
    test: Images
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = field(default_factory=tuple)


def resized(pixels: UInt8[Tensor, "n c h w"], height: int, width: int) -> UInt8[Tensor, "n c h2 w2"]:
    """Images at another size, without jagged edges; those that have it already come back as they are."""
    if tuple(pixels.shape[2:]) == (height, width):
        return pixels
    found = interpolate(pixels.float(), size=(height, width), mode="bilinear", antialias=True)
    return found.round().to(uint8)
