"""Find images of one part in another: the same pixels, or the same picture mirrored, cropped or re-encoded.

Each held-out image, as it is and mirrored, is compared with the training image whose 6 by 6 colour thumbnail
correlates best: they are twins if their fine structure agrees at some shift and zoom. Images below 32 pixels
are compared exactly only: among digits, near twins are not leaks but the subject. What is found and what is
imagined, beside a difference hash (Krawetz 2013), is in bench/results/leaks.json.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.vision.images import I, Images
from gradschool.phrases import command

SMALLEST = 32  # pixels a side, below which only exact twins count
THUMBNAIL = 6  # pixels a side
SIDE = 32  # pixels to which pictures are shrunk before their structure is compared
PATCH = 26  # pixels of the middle that are looked for in the other picture
ZOOMS = (28, 30, 32, 34, 36)  # sides of the other picture: either may be a crop of the other, by a tenth
DULL = 0.02  # contrast of neighbouring cells, 0 to 1, below which structure counts less and less
AGREE = 0.5  # correlation of structure from which on two pictures are one; see bench/results/leaks.json
CHUNK = 256
SAMPLE = 200  # held-out images of each part that a warning looks at
ALARM = 0.01  # share of them from which on it warns: a published set may hold a twin or two


@dataclass(frozen=True)
class Twin:
    """An image of a held-out part (`second`) that is also in the training part (`first`): (part, index)."""

    first: tuple[str, int]
    second: tuple[str, int]
    exact: bool


@dataclass(frozen=True)
class LeakReport:
    """The twins found, and how many held-out images were looked at."""

    twins: Sequence[Twin]
    held_out: int

    @property
    def leaked(self) -> int:
        """Held-out images with a twin to train on."""
        return len({twin.second for twin in self.twins})

    def sentence(self) -> str:
        """What a person should know, or an empty text."""
        if not self.leaked:
            return ""
        exact = sum(twin.exact for twin in self.twins)
        share = 100 * self.leaked / self.held_out
        return (
            f"{self.leaked:,} of {self.held_out:,} held-out images ({share:.1f} %) have a twin to train on, "
            f"{exact:,} exact: scores will be too good. Split before making copies; "
            f"{command('data check PATH')} lists them."
        )


def find_leaks(splits: Splits[I], sample: int | None = None) -> LeakReport:
    """Look for the held-out images in the training part.

    Args:
        splits: of a set.
        sample: how many held-out images of each part to look at, evenly spread; None for all.
    """
    train = splits.train
    thumbnails = unit_thumbnails(train.pixels) if comparable(train) else None
    known = {digest: i for i, digest in reversed(list(enumerate(digests(train.pixels))))}
    twins: list[Twin] = []
    looked = 0
    for part, images in (("val", splits.val), ("test", splits.test)):
        if images is None or images.pixels.shape[1:] != train.pixels.shape[1:]:
            continue
        count = min(len(images), sample or len(images))
        index = torch.linspace(0, len(images) - 1, count).round().long()
        pixels = images.pixels[index]
        found = {j: (known[d], True) for j, d in enumerate(digests(pixels)) if d in known}
        if thumbnails is not None:
            found = near_twins(train.pixels, thumbnails, pixels) | found
        places = sorted(found.items())
        twins += [Twin(("train", i), (part, int(index[j])), exact) for j, (i, exact) in places]
        looked += count
    return LeakReport(twins, looked)


def comparable(images: Images) -> bool:
    """Whether the pictures are large enough to be told apart."""
    return len(images) > 0 and min(images.pixels.shape[-2:]) >= SMALLEST


def digests(pixels: UInt8[Tensor, "n c h w"]) -> list[bytes]:
    """A short digest of every image's pixels."""
    return [hashlib.blake2b(image.tobytes(), digest_size=12).digest() for image in pixels.numpy()]


def near_twins(
    pixels: UInt8[Tensor, "n c h w"], thumbnails: Float[Tensor, "n d"], queries: UInt8[Tensor, "k c h w"]
) -> dict[int, tuple[int, bool]]:
    """Query to (index of its twin, False)."""
    found: dict[int, tuple[int, bool]] = {}
    for start in range(0, len(queries), CHUNK):
        chunk = queries[start : start + CHUNK]
        best = torch.full((len(chunk),), AGREE)
        for view in (chunk, chunk.flip(-1)):
            nearest = (unit_thumbnails(view) @ thumbnails.T).argmax(1)
            agreement = structure_agreement(view, pixels[nearest])
            for j in (agreement > best).nonzero().flatten().tolist():
                found[start + j] = int(nearest[j]), False
            best = best.maximum(agreement)
    return found


def unit_thumbnails(pixels: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
    """Small colour pictures of mean 0 and length 1, so that products of two are correlations."""
    chunks = (pixels[start : start + CHUNK] for start in range(0, len(pixels), CHUNK))
    parts = [F.adaptive_avg_pool2d(chunk.float(), THUMBNAIL).flatten(1) for chunk in chunks]
    return unit(torch.cat(parts))


def structure_agreement(
    queries: UInt8[Tensor, "n c h w"], pictures: UInt8[Tensor, "n c h w"]
) -> Float[Tensor, " n"]:
    """How well the middle of each query's fine structure is found in its picture, at the best place and zoom.

    Returns:
        Correlation, -1 to 1; near 0 for pictures without structure.
    """
    edge = (SIDE - PATCH) // 2
    middle = fine_structure(queries, SIDE)[:, :, edge:-edge, edge:-edge]
    patches = unit(middle.flatten(1)).view(-1, 1, PATCH, PATCH)
    best = torch.full((len(queries),), -1.0)
    for zoom in ZOOMS:
        images = fine_structure(pictures, zoom).transpose(0, 1)  # (1, n, zoom, zoom): an image a channel
        # A patch has mean 0, so the windows' means drop out of the product, but not of their length.
        product = F.conv2d(images, patches, groups=len(queries))
        mean = F.avg_pool2d(images, PATCH, 1)
        variance = F.avg_pool2d(images.square(), PATCH, 1) - mean.square()
        agreement = product / (variance * PATCH**2).clamp(min=1.0).sqrt()
        best = best.maximum(agreement[0].flatten(1).amax(1))
    return best


def fine_structure(pixels: UInt8[Tensor, "n c h w"], side: int) -> Float[Tensor, "n 1 side side"]:
    """Edges and texture of grey pictures: less the local mean, over the local contrast.

    The means of rows and columns are taken off first, and the contrast divided out: a white frame, which many
    photographs share, would otherwise outweigh the picture inside it.
    """
    small = F.adaptive_avg_pool2d(pixels.float().mean(1, keepdim=True) / 255, side)
    small = small - small.mean(-1, keepdim=True) - small.mean(-2, keepdim=True)
    detail = small - around(small)
    return detail / (around(detail.square()).sqrt() + DULL)


def around(pictures: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 1 h w"]:
    """The mean of the 5 by 5 cells about each cell."""
    return F.avg_pool2d(F.pad(pictures, (2, 2, 2, 2), mode="replicate"), 5, 1)


def unit(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Mean 0 and length 1; constant rows become 0."""
    centred = rows - rows.mean(1, keepdim=True)
    return centred / centred.norm(dim=1, keepdim=True).clamp(min=1e-2)


def warning(splits: Splits[I]) -> str:
    """The sentence for the start of a training run, from a sample of the held-out images; mostly empty."""
    report = find_leaks(splits, SAMPLE)
    return report.sentence() if report.leaked >= ALARM * report.held_out else ""
