"""The score of points in a plane by a small network, and annealed Langevin sampling with it.

Source: Song and Ermon 2019, algorithm 1.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from gradschool.nn.activation import SiLU
from gradschool.nn.linear import Linear
from gradschool.ops.score import langevin_step, score_loss

Score = Callable[[Tensor, Tensor], Tensor]


class ScoreNet(nn.Module):
    """Maps points (b, 2) and noise levels (b, 1) to scores; the output is divided by sigma.

    Besides the coordinates its inputs are sines and cosines of them; without these, fine structure is learned
    very slowly (Tancik et al. 2020).

    Args:
        hidden: units of each of three layers.
        waves: how many wavelengths, each half the one before, from 2 pi.
    """

    def __init__(self, hidden: int = 128, waves: int = 3) -> None:
        super().__init__()
        self.waves = waves
        self.layers = nn.Sequential(
            Linear(3 + 4 * waves, hidden), SiLU(), Linear(hidden, hidden), SiLU(),
            Linear(hidden, hidden), SiLU(), Linear(hidden, 2),
        )  # fmt: skip

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Scores (b, 2)."""
        turns = torch.cat([2**i * x for i in range(self.waves)], 1)
        return self.layers(torch.cat([x, sigma.log(), turns.sin(), turns.cos()], 1)) / sigma


def rings(n: int, generator: torch.Generator, thickness: float = 0.05) -> Tensor:
    """Points on two circles of radius 1 and 2 about the origin, a third of them on the inner one."""
    radius = 1 + (torch.rand(n, 1, generator=generator) > 1 / 3).float()
    radius = radius + thickness * torch.randn(n, 1, generator=generator)
    angle = 2 * torch.pi * torch.rand(n, 1, generator=generator)
    return radius * torch.cat([angle.cos(), angle.sin()], 1)


def denoising_loss(net: Score, x: Tensor, sigmas: Tensor, generator: torch.Generator) -> Tensor:
    """The mean loss of a batch of points, each at a noise level of its own."""
    which = torch.randint(len(sigmas), (len(x), 1), generator=generator)
    noise = torch.randn(x.shape, generator=generator)
    sigma = sigmas[which]
    return score_loss(net(x + sigma * noise, sigma), noise, sigma).mean()


def walk(
    net: Score, n: int, sigmas: Sequence[float], steps: int, generator: torch.Generator, size: float = 0.1
) -> Iterator[Tensor]:
    """Annealed Langevin sampling: `steps` steps at each noise level; yields the points after each level.

    Args:
        net: score of points at a noise level.
        n: points.
        sigmas: falling noise levels.
        steps: at each.
        generator: of the start and the noise.
        size: step size at each level, in units of its sigma^2.
    """
    # 1. Start as noise of the largest level.
    x = sigmas[0] * torch.randn(n, 2, generator=generator)
    # 2. From coarse to fine: at large sigma the score reaches far, at small sigma it is exact.
    for sigma in sigmas:
        level = torch.full((n, 1), sigma)
        for _ in range(steps):
            x = langevin_step(x, net(x, level), size * sigma**2, torch.randn(n, 2, generator=generator))
        yield x
