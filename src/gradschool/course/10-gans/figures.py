"""Figures of chapter 10."""

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from gradschool.classroom.author.drawing import draw
from gradschool.classroom.author.figure import measured
from gradschool.models.generative.dcgan import dcgan
from gradschool.nn.players import Players
from gradschool.ops.adversarial import jensen_shannon, optimal_discriminator

GAMES = {
    "gan": "GAN", "hinge": "hinge", "spectral": "hinge, spectral", "spectral_10": "hinge, spectral x10",
    "wgan_gp": "WGAN-GP",
}  # fmt: skip


def bell(x, mean) -> torch.Tensor:
    """Density of N(mean, 1)."""
    return torch.exp(-((x - mean) ** 2) / 2) / (2 * torch.pi) ** 0.5


def best_answer() -> Figure:
    """Two densities and the optimal discriminator, near and far."""
    figure, panels = plt.subplots(1, 2, figsize=(6, 2.7), sharey=True)
    x = torch.linspace(-4, 8, 241)
    for axes, mean in zip(panels, (1, 4), strict=True):
        data, made = bell(x, 0), bell(x, mean)
        axes.fill_between(x, data, color="C0", alpha=0.35, lw=0, label="data")
        axes.fill_between(x, made, color="C1", alpha=0.35, lw=0, label="generator")
        axes.plot(x, optimal_discriminator(data, made), color="black", lw=1.2, label="$D^*$")
        axes.set(title=f"means {mean} apart", xlabel="$x$", ylim=(0, 1.03))
    panels[0].set_ylabel("density; probability of real")
    panels[1].legend(frameon=False, fontsize=9, loc="center right")
    figure.tight_layout()
    return figure


def gradients() -> Figure:
    """Derivatives of both losses by the answer D, and the generator's gradient as a discriminator learns."""
    figure, axes = plt.subplots(1, 2, figsize=(6.2, 2.8))
    d, run = torch.linspace(0, 1, 101), measured(__file__, "stall")
    for i, (name, slope) in enumerate({"saturating": d, "non_saturating": 1 - d}.items()):
        axes[0].plot(d, slope, color=f"C{i}", label=name.replace("_", "-"))
        middle = [row["median"] for row in run[name]]
        low, high = ([row[end] for row in run[name]] for end in ("lowest", "highest"))
        axes[1].plot(run["steps"], middle, "o-", ms=3, color=f"C{i}")
        axes[1].fill_between(run["steps"], low, high, color=f"C{i}", alpha=0.25, lw=0)
    axes[0].set(xlabel="$D(G(z))$", ylabel="size of the derivative", ylim=(0, 1.03))
    axes[1].set(xlabel="discriminator steps", ylabel="generator gradient", yscale="log")
    axes[0].legend(frameon=False, fontsize=9, loc="upper center")
    figure.tight_layout()
    return figure


def distances() -> Figure:
    """JS and Wasserstein distance of two uniform densities, exact and as two nets estimate them."""
    figure, panels = plt.subplots(1, 2, figsize=(6.2, 2.8))
    run, fine = measured(__file__, "apart"), 1000
    gaps = torch.linspace(0, 1.6, 81)
    cells = torch.arange(int(1.8 * fine))
    first = (cells < 0.2 * fine).double() / (0.2 * fine)
    exact = [jensen_shannon(first, first.roll(round(float(gap) * fine))).item() for gap in gaps]
    for axes, name, truth in zip(panels, ("discriminator", "critic"), (exact, gaps), strict=True):
        axes.plot(gaps, truth, color="black", alpha=0.5, label="exact")
        middle = [row["median"] for row in run[name]]
        bars = [[abs(row[end] - row["median"]) for row in run[name]] for end in ("lowest", "highest")]
        axes.errorbar(run["distances"], middle, bars, fmt="o", ms=4, label=f"{name}")
        axes.set(xlabel="distance of the densities")
        axes.legend(frameon=False, fontsize=9, loc="lower right")
    panels[0].set(title="Jensen-Shannon, nats", ylim=(-0.05, 0.8))
    panels[1].set(title="Wasserstein distance")
    figure.tight_layout()
    return figure


def slopes() -> Figure:
    """Two densities far apart: the optimal discriminator is flat on both, the optimal critic is not."""
    x = torch.linspace(-3, 9, 241)
    data, made = bell(x, 0), bell(x, 6)
    figure, axes = plt.subplots(figsize=(5.2, 2.9), layout="constrained")
    axes.fill_between(x, data, color="C0", alpha=0.35, lw=0, label="data")
    axes.fill_between(x, made, color="C1", alpha=0.35, lw=0, label="generator")
    axes.plot(x, optimal_discriminator(data, made), color="black", lw=1.2, label="$D^*$")
    axes.plot(x, 0.5 - (x - 3) / 6, color="C2", lw=1.4, label="optimal critic, scaled")
    axes.set(xlabel="$x$", ylabel="density, or output of the network")
    axes.legend(frameon=False, fontsize=9, loc="upper right")
    return figure


def ring() -> Figure:
    """Points of one generator of each game."""
    figure, panels = plt.subplots(2, 3, figsize=(5.6, 4.2), sharex=True, sharey=True)
    run = measured(__file__, "modes")
    angle = torch.arange(8) * (torch.pi / 4)
    data = 2 * torch.stack([angle.cos(), angle.sin()])  # the experiment's radius
    for axes, (name, title) in zip(panels.flat, GAMES.items(), strict=False):
        x, y = torch.tensor(run[name]["points"]).T / 1000
        axes.scatter(*data, s=60, facecolors="none", edgecolors="black", alpha=0.6, lw=0.8)
        axes.scatter(x, y, s=2, color="C1")
        axes.set(xlim=(-3, 3), ylim=(-3, 3), xticks=[], yticks=[], aspect="equal")
        axes.set_title(title, fontsize=10)
    panels.flat[-1].set_axis_off()
    figure.tight_layout(h_pad=1.5)
    return figure


def generator_drawing() -> Figure:
    """The generator of a DCGAN."""
    return draw(players().generator, (100,), depth=2, names=("noise $z$", *[""] * 3, "image"))


def discriminator_drawing() -> Figure:
    """The discriminator of a DCGAN."""
    return draw(players().discriminator, (3, 32, 32), depth=2, names=("image",))


def players() -> Players:
    """A DCGAN for 32x32 pixels, shapes without numbers."""
    with torch.device("meta"):
        return dcgan((3, 32, 32))
