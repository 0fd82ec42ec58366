"""A DCGAN of 64 pixels: our step beside PyTorch's DCGAN example, with identical networks.

The example is written as its tutorial writes it: float32, channels first, the discriminator judges real and
generated pictures in passes of their own, with labels and BCELoss after a sigmoid, and the generator's step
computes gradients for both networks. Ours is the engine's step of the same losses in the machine's best
precision and layout. Random pictures do: no step depends on them. Data loading is left out on both sides.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from bench.common import Work, compare, main
from gradschool.engine.device import choose
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.update import Stepper
from gradschool.models.generative.dcgan import dcgan
from gradschool.tasks.gan import GAMES, Gan

BATCH, LATENT, WIDTH, SIDE = 64, 100, 64, 64
RATE, BETAS = 2e-4, (0.5, 0.999)


def example_generator() -> nn.Sequential:
    """The example's generator for three channels of 64 pixels."""
    layers: list[nn.Module] = []
    widths = [LATENT, 8 * WIDTH, 4 * WIDTH, 2 * WIDTH, WIDTH]
    for number, (before, after) in enumerate(pairwise(widths)):
        stride, padding = (1, 0) if number == 0 else (2, 1)
        layers += [
            nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(True),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1, bias=False), nn.Tanh())


def example_discriminator() -> nn.Sequential:
    """The example's discriminator; it ends in a sigmoid."""
    layers: list[nn.Module] = [nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    widths = [WIDTH, 2 * WIDTH, 4 * WIDTH, 8 * WIDTH]
    for before, after in pairwise(widths):
        layers += [
            nn.Conv2d(before, after, 4, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    return nn.Sequential(*layers, nn.Conv2d(8 * WIDTH, 1, 4, 1, 0, bias=False), nn.Sigmoid())


class Example:
    """The example's training loop."""

    def __init__(self) -> None:
        self.g, self.d = example_generator(), example_discriminator()
        self.criterion = nn.BCELoss()
        self.optimizer_g = torch.optim.Adam(self.g.parameters(), RATE, BETAS)
        self.optimizer_d = torch.optim.Adam(self.d.parameters(), RATE, BETAS)

    def train(self, batches: list[Tensor]) -> int:
        """One pass over the batches; returns how many pictures it saw."""
        seen = 0
        for real in batches:
            # 1. The discriminator: real pictures, then generated ones.
            self.d.zero_grad()
            label = torch.full((len(real),), 1.0)
            error_real = self.criterion(self.d(real).view(-1), label)
            error_real.backward()
            fake = self.g(torch.randn(len(real), LATENT, 1, 1))
            label.fill_(0.0)
            error_fake = self.criterion(self.d(fake.detach()).view(-1), label)
            error_fake.backward()
            self.optimizer_d.step()
            # 2. The generator.
            self.g.zero_grad()
            label.fill_(1.0)
            error_g = self.criterion(self.d(fake).view(-1), label)
            error_g.backward()
            self.optimizer_g.step()
            # 3. What the example prints.
            _ = error_real.item() + error_fake.item(), error_g.item()
            seen += len(real)
        return seen


class Ours:
    """The engine's step."""

    def __init__(self) -> None:
        self.machine = choose()
        self.players = dcgan((3, SIDE, SIDE), width=WIDTH, latent=LATENT)
        self.machine.place_module(self.players)
        self.task = Gan(self.players, GAMES["non_saturating"])
        optimizers = {
            name: make_optimizer(part, Optim("adam", RATE, betas=BETAS))
            for name, part in self.task.parts.items()
        }
        self.stepper = Stepper(self.task, optimizers, self.machine)

    def train(self, batches: list[Tensor]) -> int:
        """One pass over the batches; returns how many pictures it saw."""
        seen = 0
        for real in batches:
            self.stepper.begin(0.5)
            found = self.task.step((self.machine.place(real), torch.zeros(len(real))), self.stepper)
            _ = found["errD"].item(), found["errG"].item()
            seen += len(real)
        return seen


def run(repeats: int = 5, n: int = 3) -> dict[str, Any]:
    """Time n batches on both sides."""
    generator = torch.Generator().manual_seed(0)
    batches = [torch.rand(BATCH, 3, SIDE, SIDE, generator=generator) * 2 - 1 for _ in range(n)]
    ours, example = Ours(), Example()
    shapes = [
        sorted(tuple(p.shape) for net in nets for p in net.parameters())
        for nets in ((ours.players,), (example.g, example.d))
    ]
    assert shapes[0] == shapes[1], "the networks differ"
    about = {
        "batch": BATCH, "size": [3, SIDE, SIDE], "width": WIDTH, "batches a round": n,
        "parameters": sum(p.numel() for p in ours.players.parameters()),
        "ours": f"{ours.machine.precision}, {ours.machine.reason}",
    }  # fmt: skip
    peers: dict[str, Work] = {"PyTorch's DCGAN example, float32": lambda: example.train(batches)}
    return compare("dcgan", "images/s", lambda: ours.train(batches), peers, repeats, about)


if __name__ == "__main__":
    main(run, threads=2)
