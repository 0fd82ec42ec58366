"""Figures of chapter 11."""

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_sample_image
from torch.nn.functional import interpolate

from gradschool.classroom.author.drawing import draw
from gradschool.classroom.author.figure import measured
from gradschool.models.generative.denoiser import denoiser_small
from gradschool.ops.diffusion import NoiseSchedule, cosine_betas, guide, linear_betas, q_sample
from gradschool.ops.edm import karras_sigmas
from gradschool.ops.mixture import mixture_clean, mixture_draw, mixture_score
from gradschool.ops.sampling import SAMPLERS

NAMES = {"ddpm": "DDPM", "ddim": "DDIM", "heun": "Heun", "dpm": "DPM-Solver++"}
TURNS = torch.arange(8) * math.pi / 4
RING = 1.2 * torch.stack([TURNS.cos(), TURNS.sin()], 1)
SHARES = torch.arange(1.0, 9.0) / 36
ANGLES = torch.tensor([[68.0, 112], [188, 232], [308, 352]]).deg2rad()
CLASSES = torch.stack([ANGLES.cos(), ANGLES.sin()], 2)


def panels(rows, columns, limit=2.6, side=1.75):
    """Square panels without ticks, in one flat list."""
    size = (side * columns, (side + 0.25) * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, dpi=100, squeeze=False)
    for ax in axes.flat:
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[], aspect="equal")
    return figure, list(axes.flat)


def dots(ax, points, **kwargs):
    """A cloud of points, drawn as pixels: thousands of shapes would make the page heavy.

    Pixels keep their colour on a dark page, so nothing in black is drawn so.
    """
    ax.scatter(*points.T, lw=0, rasterized=True, **{"s": 3, "color": "C0", **kwargs})


def levels(steps):
    """EDM's levels, from nearly all noise to clean."""
    return (1 / (1 + karras_sigmas(steps, 0.002, 80.0) ** 2)).tolist()


def never():
    """Fresh noise for samplers that want none."""
    raise AssertionError


def perfect(x, a):
    """The perfect network's answer for points of the ring."""
    return mixture_clean(x, RING, SHARES, 0.01, a)


def photograph() -> Figure:
    """A photograph at six times of the forward process with the cosine schedule."""
    # 1. A square of the photograph, 72 pixels wide, from -1 to 1.
    pixels = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)[None, :, :, 150:577]
    x0 = interpolate(pixels.float() / 127.5 - 1, (72, 72), mode="bilinear", antialias=True)[0]
    # 2. The same noise at rising strength.
    schedule = NoiseSchedule(cosine_betas(1000))
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0))
    figure, axes = plt.subplots(2, 3, figsize=(5.4, 4.1), dpi=160)
    for ax, t in zip(axes.flat, (0, 50, 200, 500, 750, 999), strict=True):
        a = schedule.alpha_bar[t - 1].item() if t else 1.0
        shown = ((q_sample(x0, noise, a) + 1) / 2).clamp(0, 1).permute(1, 2, 0)
        ax.imshow(shown.numpy(), interpolation="none")
        snr = a / (1 - a) if t else math.inf
        digits = 0 if snr > 10 else 2 if snr > 0.01 else 6
        ax.set_title(f"t = {t}, SNR {snr:.{digits}f}", fontsize=10)
        ax.axis("off")
    return figure


def forward() -> Figure:
    """The ring of eight clusters at four levels of noise."""
    figure, axes = panels(1, 4, side=1.45)
    source = torch.Generator().manual_seed(0)
    x0 = mixture_draw(RING, SHARES, 0.01, 600, source)
    noise = torch.randn(600, 2, generator=source)
    for ax, a in zip(axes, (1.0, 0.95, 0.6, 0.0), strict=True):
        dots(ax, q_sample(x0, noise, a), alpha=0.6)
        ax.set_title(rf"$\bar\alpha$ = {a:g}", fontsize=10)
    return figure


def schedules() -> Figure:
    """Alpha bar and the logarithm of the signal-to-noise ratio over time, for both schedules."""
    figure, axes = plt.subplots(1, 2, figsize=(5.8, 2.6))
    for name, betas in (("linear", linear_betas), ("cosine", cosine_betas)):
        schedule = NoiseSchedule(betas(1000))
        axes[0].plot(schedule.alpha_bar.numpy(), label=name)
        axes[1].plot(schedule.snr.log().numpy())
    axes[0].set(ylabel=r"share of signal $\bar\alpha_t$", xlabel="time $t$ (steps)")
    axes[1].set(ylabel="ln SNR", xlabel="time $t$ (steps)", ylim=(-12, 10))
    axes[0].legend(frameon=False)
    return figure


def score_field() -> Figure:
    """The exact score of two rings at three noise levels."""
    # 1. Each ring as many narrow Gaussians side by side; the inner one has a third of the weight.
    turns = torch.arange(120) * 2 * math.pi / 120
    circle = torch.stack([turns.cos(), turns.sin()], 1)
    means = torch.cat([circle, 2 * circle])
    weights = torch.cat([torch.full((120,), 1 / 360), torch.full((120,), 2 / 360)])
    data = mixture_draw(means, weights, 0.05**2, 400, torch.Generator().manual_seed(0))
    # 2. Arrows of one length; how long they really are is shown by their darkness.
    x = torch.cartesian_prod(*[torch.linspace(-2.7, 2.7, 12)] * 2)
    figure, axes = panels(1, 3, limit=3.0, side=1.9)
    for ax, sigma in zip(axes, (1.5, 0.5, 0.2), strict=True):
        score = mixture_score(x, means, weights, 0.05**2 + sigma**2)
        length = score.norm(dim=1, keepdim=True)
        strength = (length / length.max()).sqrt()[:, 0]
        dots(ax, data, s=2)
        ax.quiver(*x.T, *(score / length).T, color="C1", alpha=0.2 + 0.8 * strength.numpy(),
                  scale=15, width=0.011, headwidth=5, headlength=5, headaxislength=4,
                  pivot="mid", rasterized=True)  # fmt: skip
        ax.set_title(rf"$\sigma$ = {sigma:g}", fontsize=10)
    return figure


def perfect_guess() -> Figure:
    """Noisy points (grey), and the mean clean point behind each of them, at four levels."""
    figure, axes = panels(1, 4, side=1.45)
    source = torch.Generator().manual_seed(1)
    x0 = mixture_draw(RING, SHARES, 0.01, 400, source)
    noise = torch.randn(400, 2, generator=source)
    for ax, a in zip(axes, (0.97, 0.8, 0.4, 0.05), strict=True):
        x = q_sample(x0, noise, a)
        dots(ax, x, color="gray", alpha=0.6)
        dots(ax, perfect(x, a), color="C3")
        ax.set_title(rf"$\bar\alpha$ = {a:g}", fontsize=10)
    return figure


def network() -> Figure:
    """The denoising U-Net of the digits, without numbers in its weights."""
    with torch.device("meta"):
        names = ("noisy image", "time", "time embedding", "", "", "", "", "", "prediction")
        return draw(
            denoiser_small((1, 32, 32), width=16), (1, 32, 32), torch.zeros(1), by_size=True, names=names
        )


def paths() -> Figure:
    """Twelve starts followed by two samplers: the second coordinate after every step."""
    figure, axes = plt.subplots(1, 2, figsize=(5.8, 2.7), sharey=True)
    source = torch.Generator().manual_seed(3)
    start = torch.randn(12, 2, generator=source)
    for ax, name in zip(axes, ("ddpm", "ddim"), strict=True):
        grid = NoiseSchedule(cosine_betas(1000)).levels(200)
        fresh = torch.Generator().manual_seed(4)
        path = [start, *SAMPLERS[name](perfect, start, grid, lambda g=fresh: torch.randn(12, 2, generator=g))]  # type: ignore[misc]
        ax.plot(range(len(path)), torch.stack(path)[:, :, 1].numpy(), lw=0.9)
        ax.set(title={"ddpm": "DDPM", "ddim": "DDIM (ODE)"}[name], xlabel="step from noise to data")
        ax.title.set_fontsize(10)
    axes[0].set(ylabel="second coordinate", ylim=(-2.6, 2.6))
    return figure


def solvers() -> Figure:
    """Distance to the data against evaluations, four samplers, two choices of levels."""
    run = measured(__file__, "solvers")
    figure, axes = plt.subplots(1, 2, figsize=(6.0, 2.9), sharey=True)
    for ax, grid in zip(axes, ("even", "karras"), strict=True):
        for i, name in enumerate(SAMPLERS):
            rows = run[grid][name]
            counts = [row["evaluations"] for row in rows]
            ax.loglog(counts, [row["mean"] for row in rows], "o-", ms=3, color=f"C{i}", label=NAMES[name])
            ax.fill_between(
                counts, [r["lowest"] for r in rows], [r["highest"] for r in rows], alpha=0.15, lw=0
            )
        ax.axhline(run["floor"]["mean"], color="black", alpha=0.5, lw=1, ls=":")
        ax.set(xlabel="network evaluations")
        ax.set_title({"even": "even times, cosine", "karras": "EDM's levels"}[grid], fontsize=10)
    axes[0].set(ylabel="distance to the data", ylim=(0.03, 3))
    axes[1].legend(frameon=False, fontsize=9)
    return figure


def order() -> Figure:
    """How far three samplers end from the exact end of the path, by evaluations of the perfect network."""
    start = torch.randn(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ring, shares = RING.double(), SHARES.double()

    def end(name, steps):
        def denoise(x, a):
            return mixture_clean(x, ring, shares, 0.01, a)

        *_, x = SAMPLERS[name](denoise, start, levels(steps), never)
        return x

    figure, axes = plt.subplots(figsize=(4.8, 3.0))
    truth, steps = end("heun", 600), [12, 16, 24, 32, 48, 64, 96, 128]
    for i, name in enumerate(("ddim", "heun", "dpm"), 1):
        off = [(end(name, n) - truth).square().sum(1).mean().sqrt().item() for n in steps]
        counts = [2 * n - 1 if name == "heun" else n for n in steps]
        axes.loglog(counts, off, "o-", ms=3, color=f"C{i}", label=NAMES[name])
    axes.set(xlabel="network evaluations", ylabel="distance from the exact end")
    axes.set_xticks([16, 32, 64, 128, 256], ["16", "32", "64", "128", "256"])
    axes.set_xticks([], minor=True)
    axes.legend(frameon=False, fontsize=9)
    return figure


def guided() -> Figure:
    """Three classes sampled with four guidance scales."""
    figure, axes = panels(1, 4, limit=3.2, side=1.45)
    means, weights = CLASSES.flatten(0, 1), torch.full((6,), 1 / 6)
    for ax, scale in zip(axes, (0.0, 1.0, 2.0, 5.0), strict=True):
        for label in range(3):
            source = torch.Generator().manual_seed(label)

            def denoise(x, a, label=label, scale=scale):
                told = mixture_clean(x, CLASSES[label], torch.full((2,), 0.5), 0.16, a)
                return guide(told, mixture_clean(x, means, weights, 0.16, a), scale)

            *_, x = SAMPLERS["heun"](denoise, torch.randn(300, 2, generator=source), levels(30), never)
            dots(ax, x, alpha=0.7, color=f"C{label}")
        ax.set_title(f"$s$ = {scale:g}", fontsize=10)
    return figure


def straight() -> Figure:
    """Paths of two learned flows from noise to moons."""
    run = measured(__file__, "pairing")
    figure, axes = panels(1, 2, limit=2.7, side=2.8)
    for ax, way in zip(axes, ("independent", "transport"), strict=True):
        walks = torch.tensor(run[way]["paths"])
        for walk in walks:
            ax.plot(*walk.T, color="gray", lw=0.6, alpha=0.7, rasterized=True)
        dots(ax, walks[:, 0], s=6, label="noise")
        dots(ax, walks[:, -1], s=6, color="C3", zorder=3, label="end")
        ax.set_title({"independent": "random pairs", "transport": "optimal transport"}[way], fontsize=10)
    axes[0].legend(frameon=False, fontsize=9, loc="lower left")
    return figure


def learned_score() -> Figure:
    """Points of annealed Langevin sampling with a learned score, and its arrows at one level."""
    run = measured(__file__, "score_matching")
    figure, axes = panels(1, 4, limit=3.0, side=1.45)
    for i, ax in enumerate(axes):
        if i == 2:
            x = torch.cartesian_prod(*[torch.linspace(-2.6, 2.6, 17)] * 2)
            arrows = torch.tensor(run["arrows"])
            shrunk = arrows * arrows.norm(dim=1, keepdim=True).clamp(min=1e-6).pow(-0.5)
            ax.quiver(*x.T, *shrunk.T, color="C1", alpha=0.6, width=0.008, rasterized=True)
        dots(ax, torch.tensor(run["points"][i]))
        ax.set_title(rf"$\sigma$ = {run['sigmas'][i]:.2g}", fontsize=10)
    return figure
