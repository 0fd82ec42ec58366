"""The figures that the second coursework asks for since 2025."""

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gradschool.classroom.coursework.frame import Lost, Say, Shown
from gradschool.classroom.coursework.vae_dcgan import figures as digits
from gradschool.classroom.coursework.vae_ddpm.record import Parts, Trained
from gradschool.evals.generation import latent
from gradschool.evals.pictures import grid
from gradschool.evals.report import html
from gradschool.ops.diffusion import q_sample
from gradschool.runs.generation.wanted import drawn as made_of
from gradschool.tasks.vae import Gaussian, bernoulli

PERPLEXITIES = (5.0, 30.0, 50.0)
STEPS = 10  # of an interpolation, and of the strip of noise
SHOWN = 16  # pictures a row
SIGMAS = (0.1, 0.3, 0.5**0.5)  # of the Gaussian likelihoods that are compared


def drawn(parts: Parts, say: Say) -> list[Shown]:
    """Every figure that can be drawn, in the order of the scheme."""
    paper = parts.paper
    return digits.all_of([
        lambda: [pixels(parts)],
        lambda: [digits.six_curves(paper.log("vae"))],
        lambda: [digits.reconstructions(paper), digits.samples(paper)],
        lambda: digits.codes(paper, say, PERPLEXITIES),
        lambda: [photo_curves(parts.photos), rebuilt(parts.photos), *sampled(parts)],
        lambda: [maps(parts)],
        lambda: [schedule(parts), strip(parts)],
        lambda: [loss(parts), generated(parts)],
    ], say)  # fmt: skip


def pixels(parts: Parts) -> Shown:
    """1.1c: how grey pixels are, and what two likelihoods charge for the same mistake."""
    x = parts.paper.x
    figure = Figure(figsize=(10.5, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    # 1. The pixels.
    left.hist(x.flatten().numpy(), 50, color="C0", log=True)
    left.set(xlabel="pixel", ylabel="pixels, log scale", title="digits: nearly all pixels are 0 or 1")
    # 2. The price of saying p where the pixel is 1, above that of saying 1, and the same of a grey pixel.
    p = torch.linspace(0.02, 0.98, 97)
    for pixel, style in ((1.0, "-"), (0.5, "--")):
        truth = torch.full((97, 1), pixel)
        charges = {"Bernoulli": bernoulli(torch.logit(p)[:, None], truth)}
        charges |= {f"Gaussian, {s:.2g}": Gaussian(s)(torch.logit(p)[:, None], truth) for s in SIGMAS[1:]}
        for number, (name, charge) in enumerate(charges.items()):
            label = f"{name}, pixel {pixel:g}"
            right.plot(p, charge - charge.min(), style, color=f"C{number}", label=label)
    right.set(xlabel="what the network says", title="nats above the least", ylim=(0, 4))
    right.legend(fontsize=7)
    # 3. Both losses of the same reconstructions.
    again = parts.paper.vae.answer(0, 3)[0]
    some = x[: len(again)]
    logits = torch.logit(again.clamp(1e-6, 1 - 1e-6))
    rows = [("Bernoulli", f"{bernoulli(logits, some).mean():.1f}")]
    rows += [(f"Gaussian, deviation {s:.3g}", f"{Gaussian(s)(logits, some).mean():.1f}") for s in SIGMAS]
    told = f"Loss of the same {len(some):,} reconstructions, nats a digit"
    reading = (
        "Both likelihoods are least where the network says the pixel itself, so both losses train the same "
        "pictures; they differ in how dear a mistake is, and so in how much code it is worth. With deviation "
        "0.707 the Gaussian's is the squared error."
    )
    table = html.table(("likelihood", "loss"), rows, told)
    return Shown("vae-pixels", "1.1c Pixels and likelihoods", reading, figure, notes=[table])


def photo_curves(part: Trained) -> Shown:
    """1.4: the losses of the VAE of photographs."""
    shown = digits.six_curves(part.log(), "nats a photograph")
    reading = (
        "As for the digits, with a Gaussian likelihood: the reconstruction is the squared error of a "
        "photograph over twice the variance, which is nats but for a constant."
    )
    return Shown("photos-curves", "1.4 Training on photographs", reading, shown.picture)


def rebuilt(part: Trained) -> Shown:
    """1.4: test photographs above what their codes say."""
    x = part.x[:SHOWN]
    again = part.run.redrawn(part.model, x, torch.zeros(len(x), dtype=torch.int64))
    reading = "Test photographs, and under them what the mean of the code says of each."
    rows = grid(torch.cat([x, again]), SHOWN)
    return Shown("photos-reconstructions", "1.4 Photographs rebuilt", reading, rows, 2)


def sampled(parts: Parts) -> list[Shown]:
    """1.4: photographs of codes from N(0, 1), and a walk between two codes."""
    part = parts.photos
    pixels = made_of(part.folder, part.run, parts.label, 2 * SHOWN, parts.seed)
    sheet = grid(pixels.float() / 255, SHOWN)
    reading = "Decoded from N(0, 1), none picked out: colours and places of the kind, few edges."
    first, second = part.model.encode(part.x[:2])[0]  # type: ignore[operator]
    path = part.run.pictures(part.model, latent.straight(first, second, STEPS), None)
    walk = grid(torch.cat([part.x[:1], path, part.x[1:2]]), STEPS + 2)
    told = "A straight line between the codes of the photographs at its ends, ten steps."
    return [
        Shown("photos-samples", "1.4 Photographs from noise", reading, sheet, 2),
        Shown("photos-interpolation", "1.4 Between two photographs", told, walk, 2),
    ]


def maps(parts: Parts) -> Shown:
    """2.1: what the frozen autoencoder makes of photographs, channel by channel."""
    net, x = parts.net, parts.latent.x[:8]
    raw = net.raw(x)
    again = net.stage.decode(raw)
    side = x.shape[-1]
    low, high = raw.amin((0, 2, 3), keepdim=True), raw.amax((0, 2, 3), keepdim=True)
    grey = (raw - low) / (high - low).clamp_min(1e-6)
    rows = [x, *(large(grey[:, c : c + 1], side) for c in range(raw.shape[1])), again]
    count = raw[0].numel()
    reading = (
        f"Top: test photographs of {x[0].numel():,} numbers. Between: the {raw.shape[1]} channels of their "
        f"codes, {count:,} numbers in all, each from its darkest to its brightest. Bottom: what the decoder "
        "makes of the codes. No sample can be better than the bottom row."
    )
    return Shown("latent-codes", "2.1 Codes of photographs", reading, grid(torch.cat(rows), len(x)), 2)


def large(maps: Tensor, side: int) -> Tensor:
    """One channel as large squares of grey, (n, 3, side, side)."""
    return torch.nn.functional.interpolate(maps, (side, side)).expand(-1, 3, -1, -1)


def schedule(parts: Parts) -> Shown:
    """2.2a: what follows from the variances."""
    noise = parts.latent.run.noise_schedule()
    figure = Figure(figsize=(10.5, 3.0), layout="constrained")
    series = {"variance of a step": noise.beta, "share of the picture": noise.alpha_bar,
              "ln of signal to noise": noise.snr.log()}  # fmt: skip
    for ax, (title, values) in zip(figure.subplots(1, 3), series.items(), strict=True):
        ax.plot(values.numpy())
        ax.set(title=title, xlabel="time")
        ax.grid(alpha=0.3)
    reading = (
        f"{len(noise):,} steps, variances from {noise.beta[0]:.2g} to {noise.beta[-1]:.2g}; at the end "
        f"{noise.alpha_bar[-1]:.1e} of the picture's variance is left."
    )
    return Shown("latent-schedule", "2.2a Noise schedule", reading, figure)


def strip(parts: Parts) -> Shown:
    """2.2d: two photographs drown in ten steps, seen in the picture and in the code."""
    times, noisy = drowned(parts, 2)
    pictures = [parts.net.pictures(codes) for codes in noisy]
    rows = torch.cat([torch.stack([step[i] for step in pictures]) for i in range(2)])
    told = ", ".join(str(t) for t in times)
    reading = f"Codes with noise, decoded, at the times {told}: by the last one nothing is left to recognise."
    return Shown("latent-noise", "2.2d Into the noise", reading, grid(rows, len(times)), 2)


def drowned(parts: Parts, n: int) -> tuple[list[int], list[Tensor]]:
    """Ten times, and the codes of n test pictures at each in the same noise; the first has none."""
    noise = parts.latent.run.noise_schedule()
    x0 = parts.net.maps(parts.latent.x[:n])
    fresh = torch.randn(x0.shape, generator=torch.Generator().manual_seed(parts.seed))
    times = [round(t) for t in np.linspace(0, len(noise) - 1, STEPS)]
    return times, [q_sample(x0, fresh, float(noise.alpha_bar[t])) for t in times]


def loss(parts: Parts) -> Shown:
    """2.3: the squared error while training."""
    figure = Figure(figsize=(7.5, 3.2), layout="constrained")
    ax = figure.subplots()
    digits.line(ax, parts.latent.log(), "loss", "training", "-")
    digits.line(ax, parts.latent.log(), "test_loss", "test", "o--")
    ax.set(xlabel="step", title=f"squared error of what is predicted: {parts.latent.run.predicts}")
    ax.grid(alpha=0.3)
    if not ax.lines:
        raise Lost("no loss was logged")
    ax.legend()
    reading = "The test curve is a mean over all times, in the same noise at every look; training draws anew."
    return Shown("latent-loss", "2.3 Training in codes", reading, figure)


def generated(parts: Parts) -> Shown:
    """2.3: new pictures, and what the classifier says of them."""
    found = parts.verdict
    sheet = digits.opened(parts.latent.folder.path / "judged.png")
    real = found["real"]
    rows = [
        (name, f"{v['n']}", f"{v['among'] / v['n']:.0%}", f"{v['first'] / v['n']:.0%}", f"{v['highest']:.0%}")
        for name, v in (("generated", found["generated"]), *([("real", real)] if real else []))
    ]
    rows.append(("chance", "", f"{min(1.0, 5 / found['classes']):.0%}", f"{1 / found['classes']:.0%}", ""))
    head = ("pictures", "how many", "among its first five", "first", "highest probability")
    table = html.table(head, rows, f"As {found['taken_as']}, seen by {found['network']}")
    reading = (
        f"New pictures of {found['class']}, the most probable first; none left out. A classifier may be "
        "content with colours, as with blue water for a jellyfish: look before you believe the share."
    )
    return Shown("latent-generated", "2.3 New pictures", reading, sheet, 1, [table])
