"""Batches as a function of (seed, epoch, position): resuming needs no state, and processes can share a batch.

The images are decoded once and stay uint8, on the device where they fit; a batch is one gather and the
pipeline's batched changes. That makes worker processes needless unless the images do not fit in memory.
Source: the loaders of airbench (Jordan 2024) and ffcv; PyTorch's DataLoader calls Python once an image.
"""

import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.rows import seeded
from gradschool.data.vision.images import Images
from gradschool.errors import UserError
from gradschool.phrases import command

RESIDENT = 0.25  # share of the free memory that the images may take to be kept on the device
TOO_LARGE = 0.5  # share of the main memory from which on worker processes read ahead


@dataclass(frozen=True)
class Loader:
    """Training batches, shuffled anew every epoch.

    The last images of an epoch that fill no batch are left out, others each time; a set smaller
    than a batch is one batch (of a multiple of the number of processes).

    Args:
        images: what to train on.
        batch_size: images a step, over all processes.
        seed: of the order and of all changes.
        pipeline: changes and normalises.
        share: (rank, processes): which part of every batch this process gets. The whole batch is changed
            and then cut, so that all processes together see what one would; each pays for the whole.
        device: where batches are wanted.
        workers: processes that read ahead; None: two if the images need over half of the free memory, else 0.
        steps: of the whole run, which tells the pipeline its progress; 0: progress stays 0.
    Raises:
        UserError: no images, wrong channels, or a batch that does not divide among processes.
    """

    images: Images
    batch_size: int
    seed: int
    pipeline: Pipeline
    share: tuple[int, int] = (0, 1)
    device: str = "cpu"
    workers: int | None = None
    steps: int = 0

    def __post_init__(self) -> None:
        rank, world = self.share
        if not len(self.images):
            raise UserError(
                "the training part has no images", "at least one", f"Try {command('data check PATH')}."
            )
        if self.batch_size < 1 or self.batch_size % world:
            wanted = f"a multiple of {world}, the number of processes" if world > 1 else "1 or more"
            raise UserError(f"batch_size is {self.batch_size}", wanted, f"Try --set batch_size={64 * world}.")
        if not 0 <= rank < world or len(self.images) < world:
            what = f"rank {rank} of {world} processes for {len(self.images)} images"
            raise UserError(what, "rank < processes <= images", "")
        if len(self.pipeline.mean) != self.images.pixels.shape[1]:
            what = f"mean and std are of {len(self.pipeline.mean)} channels"
            raise UserError(what, f"{self.images.pixels.shape[1]}, as the images have", "")

    def __len__(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.images) // self.batch_size)

    def for_steps(self, steps: int) -> "Loader":
        """The same batches for a run of so many steps in all."""
        return replace(self, steps=steps)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches (x, y) of epoch `number` from position `start` on; y is labels or shares of classes."""
        order = torch.randperm(len(self.images), generator=seeded(self.seed, "order", number))
        steps = _Steps(self, order.to(self.pixels.device), number)
        workers = self.reading_workers
        if not workers:
            return (steps[position] for position in range(start, len(self)))
        reading = DataLoader(
            steps,
            batch_size=None,
            sampler=range(start, len(self)),
            num_workers=workers,
            multiprocessing_context=multiprocessing.get_context("fork"),
            generator=seeded(self.seed, "workers", number),  # or it would draw from the global one
        )
        return iter(reading)

    def batch(self, order: Tensor, number: int, position: int) -> tuple[Tensor, Tensor]:
        """Batch `position` of epoch `number`.

        Args:
            order: the indices of all images in the random order of this epoch.
            number: of the epoch, from 0.
            position: of the batch in the epoch, from 0.

        Returns:
            The images after augmentation and normalisation, and their labels. If several processes share the
            batch, only the part of this process.
        """
        rank, world = self.share
        # 1. The whole batch: its images and labels, augmented with the random numbers of this step.
        size = min(self.batch_size, len(self.images)) // world * world
        chosen = order[position * size : (position + 1) * size]
        step = number * len(self) + position
        progress = step / self.steps if self.steps else 0.0
        pixels, labels = self.pixels.index_select(0, chosen), self.labels.index_select(0, chosen)
        x, y = self.pipeline.train(pixels, labels, seeded(self.seed, "change", step), progress)
        # 2. The part of this process.
        part = slice(rank * size // world, (rank + 1) * size // world)
        return x[part], y[part]

    @cached_property
    def pixels(self) -> Tensor:
        """The images, copied to the device if they take less than a quarter of its free memory."""
        pixels = self.images.pixels
        is_small = pixels.nbytes < RESIDENT * free_memory(self.device)
        return pixels.to(self.device, copy=True) if is_small else pixels

    @cached_property
    def labels(self) -> Tensor:
        """The labels, where the images are."""
        return self.images.labels.to(self.pixels.device)

    @cached_property
    def reading_workers(self) -> int:
        """How many processes read ahead; none without fork (Windows) or with images on a GPU."""
        if "fork" not in multiprocessing.get_all_start_methods() or self.pixels.device.type != "cpu":
            return 0
        is_too_large = self.pixels.nbytes > TOO_LARGE * free_memory("cpu")
        return self.workers if self.workers is not None else 2 * is_too_large


@dataclass(frozen=True)
class _Steps(Dataset):  # type: ignore[type-arg]
    """An epoch as PyTorch's DataLoader wants it: one item is one whole batch."""

    loader: Loader
    order: Tensor
    number: int

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        return self.loader.batch(self.order, self.number, position)


def evaluation_batches(
    images: Images, pipeline: Pipeline, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """All images once, in order, only resized and normalised; the last batch may be smaller."""
    for start in range(0, len(images), batch_size):
        stop = start + batch_size
        yield pipeline.eval(images.pixels[start:stop], images.labels[start:stop])


def free_memory(device: str) -> int:
    """Bytes that are free on a device now."""
    kind = device.split(":")[0]
    if kind == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if kind == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    import psutil

    available: int = psutil.virtual_memory().available
    return available
