"""Plain MNIST-size batches: our loader against TensorDataset and PyTorch's DataLoader.

The peer holds normalised float32 images and only has to pick them; ours holds uint8 and normalises every
batch, so it does more for each image.
"""

from functools import partial
from typing import Any

import torch
from torch.utils.data import TensorDataset

from bench.common import compare, main
from bench.loader import consume, usual
from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader

BATCH = 128


def run(repeats: int = 5, n: int = 400 * BATCH) -> dict[str, Any]:
    """Time one shuffled epoch of n images on both sides."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, 1, 28, 28), dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, 10, (n,), generator=generator), tuple("0123456789"))
    pipeline = Pipeline((0.1307,), (0.3081,))
    mine, epochs = Loader(images, BATCH, 0, pipeline), iter(range(10**6))
    ready = TensorDataset(pipeline.normalise(pixels), images.labels)
    peers = {
        f"TensorDataset + DataLoader, {workers} workers": partial(consume, usual(ready, BATCH, workers))
        for workers in (0, 2)
    }
    about = {"images": n, "batch": BATCH, "size": [1, 28, 28], "changes": "shuffle and batch"}
    return compare("batches", "images/s", lambda: consume(mine.epoch(next(epochs))), peers, repeats, about)


if __name__ == "__main__":
    main(run)
