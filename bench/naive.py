"""A small residual network on CIFAR-size images: our loop beside the same network as tutorials write it.

The peer is torch.nn in float32, channels first, with torchvision's transforms image by image in PyTorch's
DataLoader and SGD. Ours is the same network trained by the engine: batched augmentation of uint8 images, the
machine's best precision and memory layout, fused optimiser. Random pixels do: no step depends on them.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from bench.common import compare, main
from bench.loader import MEAN, STD, Cropped, usual
from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader
from gradschool.engine.device import choose
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.update import Stepper
from gradschool.models.vision.resnet9 import resnet9
from gradschool.tasks.classify import Classify

BATCH = 128


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + x)


def stage(before: int, after: int) -> nn.Sequential:
    """Convolution, pooling, normalisation, one block."""
    conv = nn.Conv2d(before, after, 3, 1, 1, bias=False)
    return nn.Sequential(conv, nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU(), Block(after))


def naive_net() -> nn.Sequential:
    """The network of the recipe `cifar10`, in torch.nn."""
    stem = nn.Sequential(nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(192, 10))
    return nn.Sequential(stem, stage(32, 64), stage(64, 128), stage(128, 192), head)


def train_naively(model: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader) -> int:
    """One epoch, as every tutorial writes it."""
    seen = 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        seen += len(x)
    return seen


def train_ours(task: Classify, stepper: Stepper, loader: Loader, epoch: int) -> int:
    """One epoch through the engine's step."""
    seen = 0
    for x, y in loader.epoch(epoch):
        stepper.begin(0.5)
        task.step((stepper.machine.place(x), y), stepper)
        seen += len(x)
    return seen


def run(repeats: int = 5, n: int = 20 * BATCH) -> dict[str, Any]:
    """Time one epoch of n images on both sides."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, 10, (n,), generator=generator), tuple("0123456789"))
    # 1. Ours.
    machine = choose()
    model = machine.place_module(resnet9(10, stride=1))
    task = Classify(model)
    stepper = Stepper(task, {"model": make_optimizer(model, Optim("nesterov", 0.01, 5e-4))}, machine)
    mine = Loader(images, BATCH, 0, Pipeline(MEAN, STD, Augment(flip=True, crop_padding=4)))
    epochs = iter(range(10**6))
    # 2. The same network by others: as many weights, in the same shapes.
    theirs = naive_net()
    shapes = [sorted(tuple(p.shape) for p in net.parameters()) for net in (model, theirs)]
    assert shapes[0] == shapes[1], "the networks differ"
    sgd = torch.optim.SGD(theirs.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    peers = {
        f"torch.nn, float32, DataLoader with {workers} workers": partial(
            train_naively, theirs, sgd, usual(Cropped(images), BATCH, workers)
        )
        for workers in (0, 2)
    }
    about = {
        "images": n,
        "batch": BATCH,
        "size": [3, 32, 32],
        "ours": f"{machine.precision}, {machine.reason}",
    }
    work = lambda: train_ours(task, stepper, mine, next(epochs))  # noqa: E731
    return compare("naive", "images/s", work, peers, repeats, about)


if __name__ == "__main__":
    main(run, threads=2)
