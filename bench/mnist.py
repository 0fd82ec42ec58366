"""Seconds from nothing to 98.9 % of MNIST's test images: our recipe beside the usual PyTorch example.

The example: two convolutions, pooling, dropout, two linear layers, Adadelta at rate 1 falling by 0.7 an
epoch, batches of 64, float32, torchvision's transforms in a DataLoader. It looks at the test images after
every epoch, uncounted, and stops at the first look that reaches the goal. Ours trains its whole recipe.
"""

import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from bench.common import compare, main
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.open import open_set
from gradschool.recipes.vision.mnist import mnist
from gradschool.runs.request import Request
from gradschool.runs.train import train

GOAL = 0.989
MEAN, STD = 0.1307, 0.3081


class Converted(Dataset):
    """One image at a time through torchvision's transforms."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self.transform = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize((MEAN,), (STD,))])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.images.pixels[i]), self.images.labels[i]


def example_net() -> nn.Sequential:
    """The network of the usual example, 1.2 million parameters; raw logits."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10),
    )  # fmt: skip


@torch.no_grad()
def accuracy(model: nn.Module, batches: Any) -> float:
    """Share of right answers."""
    model.eval()
    right = [(model(x).argmax(1) == y).float() for x, y in batches]
    model.train()
    return float(torch.cat(right).mean())


def example(splits: Splits[Images], seed: int) -> float:
    """Train the usual way; seconds of training until the goal."""
    torch.manual_seed(seed)
    model = example_net()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    falling = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7)
    loader = DataLoader(Converted(splits.train), 64, shuffle=True)
    test = DataLoader(Converted(splits.test), 1000)
    spent = 0.0
    for _ in range(14):
        start = time.perf_counter()
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        spent += time.perf_counter() - start
        falling.step()
        if accuracy(model, test) >= GOAL:
            return spent
    return float("inf")


def ours(seed: int) -> float:
    """Train the recipe; seconds of training, or infinity where it misses the goal."""
    with tempfile.TemporaryDirectory() as place:
        folder = train(mnist(), Request("mnist", seed=seed, out=Path(place) / "run"), say=lambda text: None)
        result = folder.read("result.json")
    return result["seconds"] if result["metrics"]["test_accuracy"] >= GOAL else float("inf")


def run(repeats: int = 5) -> dict[str, Any]:
    """Train both sides `repeats` times, each time from another seed."""
    splits = open_set("mnist", val=0.0)
    seeds, others = itertools.count(), itertools.count()
    peers = {"the usual PyTorch example": lambda: example(splits, next(others))}
    about = {"goal": GOAL, "images": len(splits.train), "parameters of the example": 1_199_882}
    return compare("mnist", "seconds to goal", lambda: ours(next(seeds)), peers, repeats, about)


if __name__ == "__main__":
    main(run, threads=2)
