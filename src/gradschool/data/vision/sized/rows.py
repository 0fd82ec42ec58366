"""Images of different sizes in one batch: the patches of several images side by side in rows of one length.

Source: Dehghani et al. 2023 (NaViT), section 2.1, whose greedy packing this is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import pad

from gradschool.data.rows import Rows, seeded
from gradschool.data.vision.sized.images import SizedImages

PADDING = -1  # in place of the number of an image
Batch = tuple[Float[Tensor, "r n k"], Int64[Tensor, "r n 2"], Int64[Tensor, "r n"], Int64[Tensor, " b"]]
"""Patches of k numbers, the row and column of each in its image, the number of its image in the batch, and
the labels of the images."""


@dataclass(frozen=True)
class Packing:
    """How images become rows of patches.

    Args:
        patch: side of a patch, in pixels.
        length: patches of a row; no image has more.
        mean: of each channel, of pixels scaled to 0..1.
        std: the same.
        flip: whether half of the training images are mirrored.
    """

    patch: int
    length: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool = False

    def patches(self, image: Tensor) -> tuple[Float[Tensor, "n k"], Int64[Tensor, "n 2"]]:
        """The patches of one image (3, h, w), line by line, each as a filter sees it, and where they are.

        Edges that are no multiple of the patch get zeros on the right and below.
        """
        mean, std = (torch.tensor(each)[:, None, None] for each in (self.mean, self.std))
        x = (image.float() / 255 - mean) / std
        right, below = (-x.shape[axis] % self.patch for axis in (2, 1))
        x = pad(x, (0, right, 0, below)).unfold(1, self.patch, self.patch).unfold(2, self.patch, self.patch)
        rows, columns = x.shape[1:3]
        return x.permute(1, 2, 0, 3, 4).flatten(2).flatten(0, 1), torch.cartesian_prod(
            torch.arange(rows), torch.arange(columns)
        )

    def rows(self, images: Sequence[Tensor], labels: Tensor) -> Batch:
        """A batch of images, each whole in the first row that has room for it."""
        # 1. Patches, and the row and place in it where those of each image begin.
        cut = [self.patches(image) for image in images]
        used, starts = list[int](), list[tuple[int, int]]()
        for patches, _ in cut:
            fits = (i for i, n in enumerate(used) if n + len(patches) <= self.length)
            row = next(fits, len(used))
            used += [0] if row == len(used) else []
            starts.append((row, used[row]))
            used[row] += len(patches)
        # 2. Rows as long as the longest.
        shape = len(used), max(used)
        x, places = torch.zeros(*shape, cut[0][0].shape[1]), torch.zeros(*shape, 2, dtype=torch.int64)
        number = torch.full(shape, PADDING)
        for i, ((patches, at), (row, start)) in enumerate(zip(cut, starts, strict=True)):
            part = slice(start, start + len(patches))
            x[row, part], places[row, part], number[row, part] = patches, at, i
        return x, places, number, labels


def statistics(images: SizedImages, sample: int = 2048) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, scaled to 0..1, over pixels of evenly spaced images."""
    index = torch.linspace(0, len(images) - 1, min(sample, len(images))).long().tolist()
    parts = [images.picture(i).double().flatten(1) / 255 for i in index]
    count = sum(part.shape[1] for part in parts)
    mean = torch.stack([part.sum(1) for part in parts]).sum(0) / count
    square = torch.stack([part.square().sum(1) for part in parts]).sum(0) / count
    std = (square - mean.square()).clamp(min=0).sqrt().clamp(min=1e-3)
    return tuple(mean.tolist()), tuple(std.tolist())


@dataclass(frozen=True)
class PackedBatches:
    """Batches to train on: a function of (seed, epoch, position), as those of `data.vision.loader.Loader`.

    Args:
        images: what to train on.
        batch_size: images a step, over all processes; fewer if there are not so many.
        seed: of the order and of the mirrored images.
        packing: how they become rows.
        share: (rank, processes): which part of every batch this process gets.

    Raises:
        UserError: a batch that does not divide among the processes, or more processes than images.
    """

    images: SizedImages
    batch_size: int
    seed: int
    packing: Packing
    share: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        len(self.order)  # refuses what cannot be shared out

    @property
    def order(self) -> Rows:
        """Which images each batch holds, over all processes."""
        return Rows((torch.arange(len(self.images)),), self.batch_size, self.seed, self.share)

    def __len__(self) -> int:
        """Steps in an epoch."""
        return len(self.order)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` from position `start` on; images that fill none are left out."""
        rank, world = self.share
        for position, chosen in enumerate(self.order.chosen(number, start), start):
            # 1. Which are mirrored, drawn for the whole batch, so that processes together see what one would.
            draw, size = seeded(self.seed, "change", number * len(self) + position), len(chosen)
            mirrored = (torch.rand(size, generator=draw) < 0.5) & self.packing.flip
            # 2. This process's part of them, packed.
            part = slice(rank * size // world, (rank + 1) * size // world)
            pairs = zip(chosen[part].tolist(), mirrored[part].tolist(), strict=True)
            pictures = [self.images.picture(i).flip(2) if m else self.images.picture(i) for i, m in pairs]
            yield self.packing.rows(pictures, self.images.labels[chosen[part]])


def in_order(images: SizedImages, packing: Packing, batch_size: int) -> Iterator[Batch]:
    """All images once, in order, unchanged; the last batch may be smaller."""
    for start in range(0, len(images), batch_size):
        index = range(start, min(start + batch_size, len(images)))
        yield packing.rows([images.picture(i) for i in index], images.labels[index.start : index.stop])
