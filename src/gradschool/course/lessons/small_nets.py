"""Many small networks at once: batched products train dozens of them on 8x8 digits in a second.

Each has settings and random numbers of its own. The experiments of chapter 17 are made of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from torch import Tensor

HIDDEN, BATCH = 32, 32
NAMES = ("learning rate", "weight decay", "momentum", "scale of the first weights")


@dataclass(frozen=True)
class Data:
    """Training, validation and test part: images (n, 64) with mean 0 and deviation about 1, labels (n,)."""

    train: tuple[Tensor, Tensor]
    val: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def digits(seed: int, train: int, val: int) -> Data:
    """So many digits of the 1,797 to train on and to validate by; all others are the test part."""
    bunch = load_digits()
    x = (torch.from_numpy(bunch.data).float() - 4.9) / 6.0
    y = torch.from_numpy(bunch.target).long()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    parts = order[:train], order[train : train + val], order[train + val :]
    return Data(*((x[part], y[part]) for part in parts))


@dataclass(frozen=True)
class Settings:
    """Of b networks, each (b,).

    Args:
        rate: learning rate.
        decay: weight decay, a share of the weights in a step at rate 1.
        momentum: 0 to below 1.
        scale: factor on the usual initial weights.
    """

    rate: Tensor
    decay: Tensor
    momentum: Tensor
    scale: Tensor


def from_unit(points: Tensor) -> Settings:
    """Settings from points (b, 4), each number 0 to 1: the space that a search looks in.

    Rates from 0.001 to 3, decays from 1e-5 to 0.1, scales from 0.1 to 5, all logarithmic; momenta from 0 to
    0.98.
    """
    u = points.float()
    return Settings(10 ** (math.log10(3000) * u[:, 0] - 3), 10 ** (4 * u[:, 1] - 5), 0.98 * u[:, 2],
                    10 ** (math.log10(50) * u[:, 3] - 1))  # fmt: skip


def usual(count: int, rate: float = 0.1) -> Settings:
    """The same good settings for so many networks."""
    one = torch.ones(count)
    return Settings(rate * one, 1e-4 * one, 0.9 * one, one)


class Networks:
    """b networks of one hidden layer.

    Args:
        settings: of each.
        seeds: of each: initial weights and order of the examples.
        hidden: units.
        inputs: numbers of an example.
    """

    def __init__(self, settings: Settings, seeds: Sequence[int], hidden: int = HIDDEN, inputs: int = 64):
        self.settings, self.sources = settings, [torch.Generator().manual_seed(seed) for seed in seeds]
        shapes = ((inputs, hidden), (1, hidden), (hidden, 10), (1, 10))
        factors = (inputs**-0.5 * 2**0.5, 0.0, hidden**-0.5, 0.0)
        self.weights = [
            factor * torch.stack([torch.randn(shape, generator=source) for source in self.sources])
            for shape, factor in zip(shapes, factors, strict=True)
        ]
        for weight in self.weights:
            weight.mul_(settings.scale.view(-1, 1, 1)).requires_grad_()
        self.speed = [torch.zeros_like(weight) for weight in self.weights]

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (b, n, 10) of images (n, 64), the same for all, or (b, n, 64)."""
        one, bias, two, last = self.weights
        x = x if x.dim() == 3 else x.expand(len(one), -1, -1)
        return (torch.baddbmm(bias, x, one)).relu() @ two + last

    def step(self, x: Tensor, y: Tensor, soft: Tensor | None = None, first: int = 0) -> None:
        """One step of gradient descent with momentum for each.

        Args:
            x: images (b, n, 64).
            y: labels (b, n).
            soft: probabilities to learn in place of labels.
            first: of the four weights that learn; 2 freezes the hidden layer.
        """
        logits = self(x)
        log_p = logits.log_softmax(2)
        known = log_p.gather(2, y[..., None]).squeeze(2) if soft is None else (soft * log_p).sum(2)
        loss = -known.mean(1).sum()
        gradients = torch.autograd.grad(loss, self.weights[first:])
        s = self.settings
        rate, decay, momentum = (v.view(-1, 1, 1) for v in (s.rate, s.decay, s.momentum))
        with torch.no_grad():
            learning = zip(self.weights[first:], gradients, self.speed[first:], strict=True)
            for weight, gradient, speed in learning:
                speed.mul_(momentum).add_(gradient)
                weight.sub_(rate * (speed + decay * weight))

    def learn(
        self, x: Tensor, y: Tensor, steps: int, soft: Tensor | None = None, first: int = 0
    ) -> "Networks":
        """So many steps, each network on batches of its own.

        Args:
            x: images (n, 64), the same for all, or (b, n, 64), each with its own.
            y: labels (n,) or (b, n).
            steps: how many.
            soft: probabilities (n, 10) to learn in place of labels; None for labels.
            first: of the four weights that learn.
        """
        n = x.shape[-2]
        rows = torch.arange(len(self.sources))[:, None]
        for _ in range(steps):
            places = torch.stack([torch.randint(n, (BATCH,), generator=s) for s in self.sources])
            images = x[rows, places] if x.dim() == 3 else x[places]
            labels = y[rows, places] if y.dim() == 2 else y[places]
            self.step(images, labels, None if soft is None else soft[places], first)
        return self

    @torch.no_grad()
    def errors(self, x: Tensor, y: Tensor) -> Tensor:
        """The share of wrong answers of each, (b,); all are wrong where weights are not finite."""
        logits = self(x)
        wrong = (logits.argmax(2) != y).float().mean(1)
        return torch.where(logits.isfinite().all(2).all(1), wrong, 1.0)
