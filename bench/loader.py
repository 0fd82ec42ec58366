"""CIFAR-size crop, flip and normalise: our loader against torchvision v2 with PyTorch's DataLoader.

Both sides start from the same uint8 tensor in memory and end with normalised float32 batches; random
pixels do, since no step depends on them. The peer may use worker processes, started before the clock, and
its best setting counts; ours is one thread of one process.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from bench.common import compare, main
from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
BATCH = 256


class Cropped(Dataset):
    """The usual way: one image at a time through torchvision's transforms."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self.transform = v2.Compose(
            [
                v2.RandomCrop(32, padding=4),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.transform(self.images.pixels[i]), self.images.labels[i]


def usual(dataset: Dataset, batch: int, workers: int) -> DataLoader:
    """PyTorch's DataLoader; its workers stay from epoch to epoch."""
    keep = workers > 0
    return DataLoader(dataset, batch, True, drop_last=True, num_workers=workers, persistent_workers=keep)


def consume(batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> int:
    """Take every batch and look at it, as a training step would."""
    seen, total = 0, 0.0
    for x, _ in batches:
        seen += len(x)
        total += x[0, 0, 0, 0].item()
    return seen


def run(repeats: int = 5, n: int = 80 * BATCH) -> dict[str, Any]:
    """Time one epoch of n images on both sides."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, 10, (n,), generator=generator), tuple("0123456789"))
    pipeline = Pipeline(MEAN, STD, Augment(flip=True, crop_padding=4))
    mine, epochs = Loader(images, BATCH, 0, pipeline), iter(range(10**6))
    peers = {
        f"torchvision v2 + DataLoader, {workers} workers": partial(
            consume, usual(Cropped(images), BATCH, workers)
        )
        for workers in (0, 2)
    }
    about = {"images": n, "batch": BATCH, "size": [3, 32, 32], "changes": "crop (padding 4), flip, normalise"}
    return compare("loader", "images/s", lambda: consume(mine.epoch(next(epochs))), peers, repeats, about)


if __name__ == "__main__":
    main(run)
