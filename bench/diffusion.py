"""Training steps of the denoising U-Net: ours as a run takes them, and torch.nn's layers as usually written.

Ours compute in the precision and memory layout that `engine.device` finds fastest on this machine; the usual
form is the same network of equal parameters from torch's own modules, in float32, channels first.
denoising_diffusion_pytorch is timed as well where it is installed.
"""

import importlib.util
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

import gradschool.nn.denoiser as blocks
from bench.common import compare, main
from gradschool import nn as ours
from gradschool.engine.device import Machine, choose
from gradschool.models.generative import denoiser
from gradschool.ops.diffusion import NoiseSchedule, cosine_betas
from gradschool.tasks.diffuse import Ddpm

BATCH, SIDE, WIDTH, STEPS = 64, 32, 16, 4
TORCHS = ("Conv2d", "GroupNorm", "Linear", "SiLU", "Dropout")


def network() -> denoiser.Denoiser:
    """The network of `ddpm_mnist`."""
    return denoiser.denoiser_small((1, SIDE, SIDE), 0, WIDTH)


def usual() -> denoiser.Denoiser:
    """The same network built of torch's modules."""
    inside = {name: getattr(nn, name) for name in TORCHS}
    with mock.patch.multiple(blocks, **inside), mock.patch.multiple(ours, Conv2d=nn.Conv2d, SiLU=nn.SiLU):
        return network()


def steps(model: nn.Module, machine: Machine, x: Tensor, fused: bool = False) -> int:
    """Some optimiser steps; the images shown."""
    task = Ddpm(machine.place_module(model), NoiseSchedule(cosine_betas(1000)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=fused)
    x = machine.place(x)
    for _ in range(STEPS):
        with machine.autocast():
            loss = task.errors(x, None).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return STEPS * len(x)


def lucidrains(parameters: int) -> nn.Module:
    """The peer's U-Net, as wide as comes nearest to as many parameters."""
    from denoising_diffusion_pytorch import Unet

    made = [Unet(dim=dim, channels=1, dim_mults=(1, 2, 4)) for dim in (8, 16, 24, 32)]
    return min(made, key=lambda net: abs(sum(p.numel() for p in net.parameters()) - parameters))


def run(repeats: int = 5) -> dict[str, Any]:
    """Time a few steps on each side."""
    here, plain = choose(), Machine("cpu", "fp32", False)
    x = torch.randn(BATCH, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    mine, theirs = network(), usual()
    counts = {sum(p.numel() for p in net.parameters()) for net in (mine, theirs)}
    assert len(counts) == 1, "the two networks differ"
    parameters = counts.pop()
    peers = {"torch.nn, float32, channels first": partial(steps, theirs, plain, x)}
    has_peer = importlib.util.find_spec("denoising_diffusion_pytorch") is not None
    if has_peer:
        peers["denoising_diffusion_pytorch"] = partial(steps, lucidrains(parameters), plain, x)
    about = {
        "batch": BATCH, "side": SIDE, "parameters": parameters, "ours": f"{here.precision}, {here.reason}",
        "denoising_diffusion_pytorch": "timed" if has_peer else "not installed: not timed",
    }  # fmt: skip
    return compare("diffusion", "images/s", partial(steps, mine, here, x, fused=True), peers, repeats, about)


if __name__ == "__main__":
    main(run, threads=2)
