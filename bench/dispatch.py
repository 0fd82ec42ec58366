"""What the switch between plain, fast and mine costs: a small network of our layers beside torch's.

Same arithmetic, same weights, same memory layout: a ratio of 1 is a switch that costs nothing.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.common import compare, main
from gradschool import nn as ours

BATCH = 64


def net(library: Any) -> nn.Sequential:
    """A small LeNet with normalisation, built from one library's layers."""
    return nn.Sequential(
        library.Conv2d(1, 8, 3, padding=1), library.BatchNorm2d(8), library.ReLU(), library.MaxPool2d(2),
        library.Conv2d(8, 16, 3, padding=1), library.BatchNorm2d(16), library.ReLU(), library.MaxPool2d(2),
        library.Flatten(), library.Linear(16 * 7 * 7, 10),
    )  # fmt: skip


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> int:
    """Fifty training steps."""
    for _ in range(50):
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()
    return 50


def run(repeats: int = 5) -> dict[str, Any]:
    """Time fifty small steps on each side."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, 1, 28, 28, generator=generator)
    y = torch.randint(0, 10, (BATCH,), generator=generator)
    mine, theirs = net(ours), net(nn)
    theirs.load_state_dict(mine.state_dict())
    works = [
        partial(steps, model, torch.optim.SGD(model.parameters(), 0.01), x, y) for model in (mine, theirs)
    ]
    about = {"batch": BATCH, "size": [1, 28, 28]}
    return compare("dispatch", "steps/s", works[0], {"torch.nn": works[1]}, repeats, about)


if __name__ == "__main__":
    main(run)
