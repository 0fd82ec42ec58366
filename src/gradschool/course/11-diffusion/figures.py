"""Figures of chapter 11."""

import json
import math
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from gradschool.ops.diffusion import NoiseSchedule, cosine_betas, guide, linear_betas, q_sample
from gradschool.ops.edm import karras_sigmas
from gradschool.ops.mixture import mixture_clean, mixture_draw
from gradschool.ops.sampling import SAMPLERS

RESULTS = Path(__file__).parent / "results"
TURNS = torch.arange(8) * math.pi / 4
RING = 1.2 * torch.stack([TURNS.cos(), TURNS.sin()], 1)
SHARES = torch.arange(1.0, 9.0) / 36
ANGLES = torch.tensor([[68.0, 112], [188, 232], [308, 352]]).deg2rad()
PLACES = torch.stack([ANGLES.cos(), ANGLES.sin()], 2)


def measured(name) -> dict:
    """What an experiment found."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["values"]


def panels(count, limit=2.6, **kwargs):
    """Square panels side by side, without ticks."""
    figure, axes = plt.subplots(1, count, figsize=(1.75 * count, 2.0), dpi=160, **kwargs)
    for ax in axes:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[], aspect="equal")
    return figure, axes


def levels(steps):
    """EDM's levels, from nearly all noise to clean."""
    return (1 / (1 + karras_sigmas(steps, 0.002, 80.0) ** 2)).tolist()


def never():
    """Fresh noise for samplers that want none."""
    raise AssertionError


def perfect(x, a):
    """What a perfect network sees in points of the ring."""
    return mixture_clean(x, RING, SHARES, 0.01, a)


def forward() -> Figure:
    """The ring of eight peaks at falling levels."""
    figure, axes = panels(5)
    source = torch.Generator().manual_seed(0)
    x0 = mixture_draw(RING, SHARES, 0.01, 600, source)
    noise = torch.randn(600, 2, generator=source)
    for ax, a in zip(axes, (1.0, 0.95, 0.7, 0.3, 0.0), strict=True):
        ax.scatter(*q_sample(x0, noise, a).T, s=2, lw=0, rasterized=True, color="C0", alpha=0.6)
        ax.set_title(rf"$\bar\alpha$ = {a:g}", fontsize=9)
    figure.tight_layout()
    return figure


def schedules() -> Figure:
    """Alpha bar and the logarithm of the signal-to-noise ratio over time, of both schedules."""
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.5))
    for name, betas in (("linear", linear_betas), ("cosine", cosine_betas)):
        schedule = NoiseSchedule(betas(1000))
        axes[0].plot(schedule.alpha_bar.numpy(), label=name)
        axes[1].plot(schedule.snr.log().numpy())
    axes[0].set(title=r"share of the picture $\bar\alpha_t$", xlabel="time $t$")
    axes[1].set(title="ln SNR", xlabel="time $t$", ylim=(-12, 10))
    axes[0].legend(frameon=False)
    figure.tight_layout()
    return figure


def perfect_guess() -> Figure:
    """Noisy points (grey), and the mean clean point behind each of them, at four levels."""
    figure, axes = panels(4)
    source = torch.Generator().manual_seed(1)
    x0 = mixture_draw(RING, SHARES, 0.01, 400, source)
    noise = torch.randn(400, 2, generator=source)
    for ax, a in zip(axes, (0.97, 0.8, 0.4, 0.05), strict=True):
        x = q_sample(x0, noise, a)
        ax.scatter(*x.T, s=3, lw=0, rasterized=True, color="lightgray")
        ax.scatter(*perfect(x, a).T, s=3, lw=0, rasterized=True, color="C3")
        ax.set_title(rf"$\bar\alpha$ = {a:g}", fontsize=9)
    figure.tight_layout()
    return figure


def roads() -> Figure:
    """Twelve starts followed by two samplers; the picture's coordinate beside noise level."""
    figure, axes = plt.subplots(1, 2, figsize=(6.6, 2.8), sharey=True)
    source = torch.Generator().manual_seed(3)
    start = torch.randn(12, 2, generator=source)
    for ax, name in zip(axes, ("ddpm", "ddim"), strict=True):
        grid = NoiseSchedule(cosine_betas(1000)).levels(200)
        fresh = torch.Generator().manual_seed(4)
        path = [start, *SAMPLERS[name](perfect, start, grid, lambda g=fresh: torch.randn(12, 2, generator=g))]  # type: ignore[misc]
        heights = torch.stack(path)[:, :, 1]
        ax.plot(range(len(path)), heights.numpy(), lw=0.9)
        ax.set(title={"ddpm": "ddpm: a new die each step", "ddim": "ddim: one road from each start"}[name],
               xlabel="step")  # fmt: skip
        ax.title.set_fontsize(9)
    axes[0].set(ylabel="second coordinate", ylim=(-2.6, 2.6))
    figure.tight_layout()
    return figure


def solvers() -> Figure:
    """Distance to the data against evaluations, four samplers, two grids."""
    run = measured("solvers")
    figure, axes = plt.subplots(1, 2, figsize=(7.0, 2.9), sharey=True)
    for ax, grid in zip(axes, ("even", "karras"), strict=True):
        for i, name in enumerate(SAMPLERS):
            rows = run[grid][name]
            looks = [row["evaluations"] for row in rows]
            ax.loglog(looks, [row["mean"] for row in rows], "o-", ms=3, color=f"C{i}", label=name)
            ax.fill_between(
                looks, [r["lowest"] for r in rows], [r["highest"] for r in rows], alpha=0.15, lw=0
            )
        ax.axhline(run["floor"]["mean"], color="gray", lw=0.8, ls=":")
        ax.set(xlabel="evaluations of the network")
        ax.set_title({"even": "times evenly, cosine schedule", "karras": "EDM's levels"}[grid], fontsize=9)
    axes[0].set(ylabel="distance to the data", ylim=(0.03, 3))
    axes[1].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return figure


def order() -> Figure:
    """How far three samplers end from where the exact road ends, by evaluations of the perfect network."""
    start = torch.randn(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ring, shares = RING.double(), SHARES.double()

    def end(name, steps):
        def denoise(x, a):
            return mixture_clean(x, ring, shares, 0.01, a)

        *_, x = SAMPLERS[name](denoise, start, levels(steps), never)
        return x

    figure, axes = plt.subplots(figsize=(4.4, 2.8))
    truth, steps = end("heun", 600), [12, 16, 24, 32, 48, 64, 96, 128]
    for i, name in enumerate(("ddim", "heun", "dpm"), 1):
        off = [(end(name, n) - truth).square().sum(1).mean().sqrt().item() for n in steps]
        looks = [2 * n - 1 if name == "heun" else n for n in steps]
        axes.loglog(looks, off, "o-", ms=3, color=f"C{i}", label=name)
    axes.set(xlabel="evaluations of the network", ylabel="distance to the road's end")
    axes.set_xticks([16, 32, 64, 128, 256], ["16", "32", "64", "128", "256"])
    axes.set_xticks([], minor=True)
    axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return figure


def guided() -> Figure:
    """Three classes sampled with four strengths of guidance."""
    figure, axes = panels(4, limit=3.2)
    means, weights = PLACES.flatten(0, 1), torch.full((6,), 1 / 6)
    for ax, scale in zip(axes, (0.0, 1.0, 2.0, 5.0), strict=True):
        for label in range(3):
            source = torch.Generator().manual_seed(label)

            def denoise(x, a, label=label, scale=scale):
                told = mixture_clean(x, PLACES[label], torch.full((2,), 0.5), 0.16, a)
                return guide(told, mixture_clean(x, means, weights, 0.16, a), scale)

            *_, x = SAMPLERS["heun"](denoise, torch.randn(300, 2, generator=source), levels(30), never)
            ax.scatter(*x.T, s=3, lw=0, rasterized=True, alpha=0.7, color=f"C{label}")
        ax.set_title(f"scale {scale:g}", fontsize=9)
    figure.tight_layout()
    return figure


def straight() -> Figure:
    """Paths of two learned flows from noise to moons."""
    run = measured("pairing")
    figure, axes = plt.subplots(1, 2, figsize=(6.0, 3.0), dpi=160)
    for ax, way in zip(axes, ("independent", "transport"), strict=True):
        paths = torch.tensor(run[way]["paths"])
        for path in paths:
            ax.plot(*path.T, color="gray", lw=0.5, alpha=0.7, rasterized=True)
        ax.scatter(*paths[:, 0].T, s=5, color="C0", lw=0, rasterized=True, label="noise")
        ax.scatter(*paths[:, -1].T, s=5, color="C3", lw=0, rasterized=True, zorder=3, label="end")
        ax.set(xticks=[], yticks=[], aspect="equal", xlim=(-2.7, 2.7), ylim=(-2.7, 2.7))
        ax.set_title({"independent": "paired as drawn", "transport": "paired by transport"}[way], fontsize=9)
    axes[0].legend(frameon=False, fontsize=8, loc="lower left")
    figure.tight_layout()
    return figure


def learned_score() -> Figure:
    """Walkers in fading noise with a learned score; its arrows at one level."""
    run = measured("score_matching")
    figure, axes = panels(4, limit=3.0)
    for i, ax in enumerate(axes):
        if i == 2:
            axis = torch.linspace(-2.6, 2.6, 17)
            x, y = torch.cartesian_prod(axis, axis).T
            u, v = torch.tensor(run["arrows"]).T
            length = (u.square() + v.square()).sqrt()
            shrink = length.clamp(min=1e-6).pow(-0.5)
            ax.quiver(x, y, u * shrink, v * shrink, color="lightgray", width=0.006, rasterized=True)
        ax.scatter(*torch.tensor(run["points"][i]).T, s=2, lw=0, rasterized=True, color="C0")
        ax.set_title(rf"$\sigma$ = {run['sigmas'][i]:.2g}", fontsize=9)
    figure.tight_layout()
    return figure
