"""Find images of one part in another: the same pixels, or nearly the same picture.

Exact twins have the same bytes. Near twins have nearly the same difference hash: the picture is shrunk to 9
by 8 grey cells, and each of 64 bits says whether a cell is brighter than its right neighbour; mirrored
copies are looked for as well. Source: Krawetz 2013 (difference hash). Images below 32 pixels are compared
exactly only: among digits, near twins are not leaks but the subject.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from gradschool.data.geometry import resize
from gradschool.data.images import Images, Splits

SMALLEST = 32  # pixels a side, below which only exact twins count
CORRELATED = 0.95  # of the shrunk pictures, from which on two are one
NEAR = 6  # bits of 64 that may differ; unrelated photographs differ in about 30
DULL = 0.02  # standard deviation of the shrunk picture below which a hash means nothing


@dataclass(frozen=True)
class Twin:
    """An image of one part that is also in another, by (part, index) and file name where known."""

    first: tuple[str, int]
    second: tuple[str, int]
    exact: bool


@dataclass(frozen=True)
class LeakReport:
    """The twins found, and how many held-out images have one in the training part."""

    twins: Sequence[Twin]
    leaked: int
    held_out: int

    def sentence(self) -> str:
        """What a person should know, or an empty text."""
        if not self.leaked:
            return ""
        exact = sum(twin.exact for twin in self.twins)
        return (
            f"{self.leaked} of {self.held_out:,} held-out images have a twin to train on ({exact} exact): "
            "scores will be too good. Split before duplicating: gradschool data check PATH lists them."
        )


def find_leaks(splits: Splits) -> LeakReport:
    """Compare the held-out parts with the training part."""
    parts = {"val": splits.val, "test": splits.test}
    held = {name: images for name, images in parts.items() if images is not None}
    twins = [
        twin for name, images in held.items() for twin in twins_between("train", splits.train, name, images)
    ]
    leaked = len({twin.second for twin in twins})
    return LeakReport(twins, leaked, sum(map(len, held.values())))


def twins_between(name: str, one: Images, other_name: str, other: Images) -> list[Twin]:
    """For every image of `other` at most one twin in `one`, exact before near."""
    # 1. Exact: the same bytes.
    known = {digest: i for i, digest in reversed(list(enumerate(digests(one))))}
    found = {j: (known[d], True) for j, d in enumerate(digests(other)) if d in known}
    # 2. Near: few bits of the hash differ, as it is or mirrored.
    if min(one.pixels.shape[-2:]) >= SMALLEST and one.pixels.shape[1:] == other.pixels.shape[1:]:
        mine, clear = hashes(one)
        for mirrored in (False, True):
            theirs, sharp = hashes(other, mirrored)
            for j, i in near(mine, clear, theirs, sharp):
                if j not in found and alike(one.pixels[i], other.pixels[j], mirrored):
                    found[j] = (i, False)
    return [Twin((name, i), (other_name, j), exact) for j, (i, exact) in sorted(found.items())]


def alike(one: UInt8[Tensor, "c h w"], other: UInt8[Tensor, "c h w"], mirrored: bool) -> bool:
    """Whether two pictures with near hashes are one: their shrunk forms correlate, for brightness may
    differ.
    """
    pictures = torch.stack([one, other.flip(-1) if mirrored else other]).float().mean(1, keepdim=True)
    return float(torch.corrcoef(resize(pictures, (16, 16)).flatten(1))[0, 1]) > CORRELATED


def digests(images: Images) -> list[bytes]:
    """A short digest of the pixels of every image."""
    return [hashlib.blake2b(image.numpy().tobytes(), digest_size=12).digest() for image in images.pixels]


def hashes(
    images: Images, mirrored: bool = False, chunk: int = 1024
) -> tuple[Float[Tensor, "n 64"], Bool[Tensor, " n"]]:
    """Signs (+1, -1) of 64 brightness steps, and whether the picture has enough contrast to be told by
    them.
    """
    signs, clear = [], []
    for start in range(0, len(images), chunk):
        small = shrunk(images.pixels[start : start + chunk])
        small = small.flip(-1) if mirrored else small
        signs.append(torch.where(small[..., 1:] > small[..., :-1], 1.0, -1.0).flatten(1))
        clear.append(small.flatten(1).std(1) > DULL)
    return torch.cat(signs), torch.cat(clear)


def shrunk(pixels: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n 8 9"]:
    """Grey, 8 rows of 9 cells, 0 to 1."""
    return resize(pixels.float().mean(1, keepdim=True) / 255, (8, 9))[:, 0]


def near(
    mine: Tensor, clear: Tensor, theirs: Tensor, sharp: Tensor, chunk: int = 2048
) -> list[tuple[int, int]]:
    """Pairs (index of theirs, index of mine) whose hashes differ in at most NEAR bits; the closest for
    each.
    """
    pairs = []
    for start in range(0, len(theirs), chunk):
        # Equal bits less unequal ones is the product of signs: 64 - 2 x distance.
        alike = theirs[start : start + chunk] @ mine.T
        alike[:, ~clear] = -64
        best, index = alike.max(1)
        close = (best >= 64 - 2 * NEAR) & sharp[start : start + chunk]
        pairs += [(start + int(j), int(index[j])) for j in close.nonzero().flatten()]
    return pairs


def warning(splits: Splits, largest: int = 20_000) -> str:
    """The sentence for the start of a training run; larger sets are left to `gradschool data check`."""
    parts = [part for part in (splits.train, splits.val, splits.test) if part is not None]
    return find_leaks(splits).sentence() if sum(map(len, parts)) <= largest else ""
