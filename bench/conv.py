"""Three 3x3 convolutions, forward and backward: our layers as a run uses them, torch's as usually written.

Ours compute in the precision and memory layout that `engine.device` finds fastest on this machine; torch's
in float32, channels first. The plain ones (windows and one matrix product) show what the lecture's form
costs.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench.common import compare, main
from gradschool import nn as ours
from gradschool.engine.device import Machine, choose
from gradschool.ops import switch

BATCH, CHANNELS, SIDE = 128, 64, 16


def net(library: Any) -> nn.Sequential:
    """Three convolutions with normalisation, built from one library's layers."""
    layers: list[nn.Module] = []
    for _ in range(3):
        layers += [
            library.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False),
            library.BatchNorm2d(CHANNELS),
            library.ReLU(),
        ]
    return nn.Sequential(*layers)


def step(model: nn.Module, x: Tensor, machine: Machine, layer: switch.Layer = "fast") -> int:
    """Forward and backward of one batch; its images."""
    with switch.using(layer):
        with machine.autocast():
            y = model(x)
        y.float().square().mean().backward()
    return len(x)


def run(repeats: int = 5) -> dict[str, Any]:
    """Time ten steps on each side."""
    here, usual = choose(), Machine("cpu", "fp32", False)
    x = torch.randn(BATCH, CHANNELS, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    mine, theirs, lecture = here.place_module(net(ours)), net(nn), net(ours)
    sides = {
        "ours": partial(step, mine, here.place(x), here),
        "torch.nn, float32, channels first": partial(step, theirs, x, usual),
        "ours, plain": partial(step, lecture, x, usual, "plain"),
    }

    def ten(side: str) -> int:
        return sum(sides[side]() for _ in range(10))

    about = {"batch": BATCH, "channels": CHANNELS, "side": SIDE, "ours": f"{here.precision}, {here.reason}"}
    peers = {side: partial(ten, side) for side in sides if side != "ours"}
    return compare("conv", "images/s", partial(ten, "ours"), peers, repeats, about)


if __name__ == "__main__":
    main(run, threads=2)
