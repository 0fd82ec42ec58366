"""A task and a source of batches small enough to reason about."""

import torch
from torch import nn

from gradschool.engine.device import Machine
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.seeds import mix
from gradschool.engine.update import Stepper, Stepping

CPU = Machine("cpu", "fp32", False)


class Regression:
    """Fit y = sum(x) + noise; dropout makes the randomness of each step matter."""

    def __init__(self, dropout: float = 0.2, seed: int = 0):
        torch.manual_seed(seed)
        layers = nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(dropout), nn.Linear(16, 1)
        self.parts = {"model": nn.Sequential(*layers)}

    def loss(self, batch):
        x, y = batch
        return {"loss": (self.parts["model"](x).squeeze(-1) - y).square().mean()}

    def step(self, batch, update):
        return update("model", batch, self.loss)

    def evaluate(self, batches):
        scores = [self.loss(batch)["loss"].item() for batch in batches]
        return {"val_loss": sum(scores) / len(scores)}


class Noise:
    """Ten batches an epoch, each a function of (epoch, position), with noise as an augmentation would add."""

    def __init__(self, size: int = 32, bad_at: int | None = None):
        self.size, self.bad_at = size, bad_at

    def __len__(self):
        return 10

    def epoch(self, number, start=0):
        for position in range(start, 10):
            generator = torch.Generator().manual_seed(mix(7, number, position))
            x = torch.randn(self.size, 4, generator=generator)
            y = x.sum(1) + 0.1 * torch.randn(self.size, generator=generator)
            yield x, (y * torch.nan if number * 10 + position == self.bad_at else y)


def stepper_for(task, how: Stepping | None = None, optim: Optim | None = None) -> Stepper:
    optim = optim or Optim("adamw", 0.01)
    return Stepper(task, {"model": make_optimizer(task.parts["model"], optim)}, CPU, how)


def held_out():
    return Noise().epoch(10**6)
