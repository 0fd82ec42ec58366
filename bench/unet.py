"""Training a U-Net of 32 channels on 96x96 crops: ours as a run uses it, beside a plain port in torch.nn.

The port is the usual way to write Ronneberger et al. 2015 in PyTorch (two convolutions with batch
normalisation a stage, transposed convolutions up) in float32, channels first, with torch's AdamW and
cross-entropy; ours computes in the precision and layout that `engine.device` finds fastest here.
"""

import itertools
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench.common import compare, main
from gradschool.engine.device import Machine, choose
from gradschool.engine.optim import Optim, make_optimizer
from gradschool.engine.update import Stepper
from gradschool.models.dense.unet import unet
from gradschool.tasks.segment import Segment

BATCH, SIDE, WIDTH, DEPTH, CLASSES = 8, 96, 32, 4, 2


class Double(nn.Sequential):
    """Twice: convolution, normalisation, activation."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__(
            nn.Conv2d(ins, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU(inplace=True),
            nn.Conv2d(outs, outs, 3, padding=1, bias=False), nn.BatchNorm2d(outs), nn.ReLU(inplace=True),
        )  # fmt: skip


class Port(nn.Module):
    """The plain port."""

    def __init__(self) -> None:
        super().__init__()
        widths = [WIDTH * 2**i for i in range(DEPTH + 1)]
        self.first = Double(1, WIDTH)
        self.down = nn.ModuleList(Double(a, b) for a, b in itertools.pairwise(widths))
        back = widths[::-1]
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in itertools.pairwise(back))
        self.join = nn.ModuleList(Double(2 * b, b) for b in back[1:])
        self.head = nn.Conv2d(WIDTH, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = [self.first(x)]
        for stage in self.down:
            maps.append(stage(nn.functional.max_pool2d(maps[-1], 2)))
        x = maps.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([maps.pop(), up(x)], 1))
        return self.head(x)


def ours(task: Segment, stepper: Stepper, x: Tensor, y: Tensor, steps: int) -> int:
    """Steps of a run; its images."""
    for _ in range(steps):
        task.step((x, y), stepper)
    return steps * len(x)


def usual(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, steps: int) -> int:
    """Steps of the usual loop; its images."""
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return steps * len(x)


def run(repeats: int = 5, steps: int = 4) -> dict[str, Any]:
    """Time a few steps on each side."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(BATCH, 1, SIDE, SIDE, generator=generator)
    y = torch.randint(CLASSES, (BATCH, SIDE, SIDE), generator=generator)
    here: Machine = choose()
    model = here.place_module(unet(CLASSES, 1, WIDTH, DEPTH))
    task = Segment(model)
    stepper = Stepper(task, {"model": make_optimizer(model, Optim("adamw", 1e-3))}, here)
    stepper.begin(0.5)
    port = Port()
    counts = [sum(p.numel() for p in each.parameters()) for each in (model, port)]
    assert counts[0] == counts[1], f"equal networks were wanted, {counts} parameters came"
    masks = y.to(torch.uint8).unsqueeze(1)
    mine = partial(ours, task, stepper, here.place(x), here.place(masks), steps)
    theirs = partial(usual, port, torch.optim.AdamW(port.parameters(), 1e-3), x, y, steps)
    about = {
        "batch": BATCH, "side": SIDE, "width": WIDTH, "depth": DEPTH, "parameters": counts[0],
        "ours": f"{here.precision}, {here.reason}",
    }  # fmt: skip
    return compare("unet", "images/s", mine, {"plain port, float32, channels first": theirs}, repeats, about)


if __name__ == "__main__":
    main(run, threads=2)
