"""The mark scheme of the second coursework since 2025 as checks; what a machine cannot judge is `BY_HAND`.

Part 1 is asked of the VAE's file, loaded in a clean process; part 2 of the run that was trained: its
networks, and the functions of noise that were in force, against closed forms in float64.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradschool.classroom.coursework.frame import Lost, Mark, marked
from gradschool.classroom.coursework.handed import convolutions
from gradschool.classroom.coursework.vae_dcgan.figures import series
from gradschool.classroom.coursework.vae_dcgan.vae import curved, drawn, priced, rebuilt_well, shapes
from gradschool.classroom.coursework.vae_ddpm.figures import drowned
from gradschool.classroom.coursework.vae_ddpm.record import LIMIT, Parts
from gradschool.ops.diffusion import q_sample
from gradschool.ops.sampling import SAMPLERS
from gradschool.runs.generation.wanted import TOP

PREDICTOR = 20_000_000  # parameters of the noise predictor, at most
DRAWS = 20_000  # of noise; the mean of as many errs by 0.007, their deviation by 0.005
CLOSE = 5 / DRAWS**0.5  # five standard errors
EXACT = 1e-6  # of float32 levels against float64
BY_HAND = (
    ("1.1c", "pixels, two likelihoods and their losses explained", 5.0, "vae-pixels"),
    ("1.2b", "discussion of reconstructions, samples and collapse", 4.0, "vae-reconstructions, vae-samples"),
    ("1.3a", "what the map says, at three perplexities", 5.0, "vae-map, vae-perplexity"),
    ("1.3b", "interpolation tied to the map", 5.0, "vae-interpolation"),
    ("1.4", "samples of photographs", 3.0, "photos-samples"),
    ("1.4", "interpolation of photographs", 3.0, "photos-interpolation"),
)


def marks(parts: Parts) -> tuple[list[Mark], dict[str, Any]]:
    """Every line that a machine can mark, and the numbers behind them."""
    paper = parts.paper
    found = [
        marked("1.1a", "a VAE: pictures in, pictures of that shape out", 3, lambda: shapes(paper)),
        marked("1.1a", "convolutions in encoder and decoder", 4,
               lambda: convolutions(paper.vae, ("encode", "decode"))),
        marked("1.1a", f"at most {LIMIT:,} parameters", 3, lambda: small(parts)),
        marked("1.1b", "KL in closed form", 3, lambda: priced(paper)),
        marked("1.1b", "a sample in training, else the mean", 2, lambda: drawn(paper)),
        marked("1.2a", "six curves, and the test loss falls", 3, lambda: curved(paper)),
        marked("1.2b", "reconstructions beat the mean picture; codes in use", 3, lambda: rebuilt_well(paper)),
        marked("1.4", "photographs rebuilt by a VAE with Gaussian pixels", 4, lambda: photographs(parts)),
        marked("2.1", "codes from which photographs come back", 3, lambda: decodable(parts)),
        marked("2.2a", "noise schedule and what follows from it", 5, lambda: scheduled(parts)),
        marked("2.2b", f"a predictor of at most {PREDICTOR:,} parameters", 6, lambda: predictor(parts)),
        marked("2.2b", "every place sees all others, as in a U-Net", 2, lambda: connected(parts)),
        marked("2.2b", "it knows the time", 2, lambda: timed(parts)),
        marked("2.2c", "noise in one jump, of the right mean and deviation", 3, lambda: noised(parts)),
        marked("2.2c", "steps back that end at the picture, if it is known", 4, lambda: returned(parts)),
        marked("2.2c", "training that lowers the loss", 3, lambda: learned(parts)),
        marked("2.2d", "ten steps into the noise", 7, lambda: sunk(parts)),
        marked("2.3", f"the class among a classifier's first {TOP} guesses", 15, lambda: recognised(parts)),
    ]  # fmt: skip
    return found, {"verdict": parts.verdict}


def small(parts: Parts) -> tuple[float, str]:
    """Of the file."""
    parts.paper.vae.need()
    count = parts.paper.vae.parameters
    return float(count <= LIMIT), f"{count:,} parameters"


def photographs(parts: Parts) -> tuple[float, str]:
    """Half for an error below half of the mean photograph's, half for a falling test loss."""
    x, run = parts.photos.x, parts.photos.run
    again = run.redrawn(parts.photos.model, x, torch.zeros(len(x), dtype=torch.int64))
    error, base = beside_the_mean(again, x)
    _, losses = series(parts.photos.log(), "test_loss")
    falls = len(losses) >= 2 and losses[-1] < losses[0]
    told = f"squared error {error:.4f} a number, the mean photograph's is {base:.4f}; {run.likelihood} pixels"
    curve = f"test loss from {losses[0]:.1f} to {losses[-1]:.1f}" if len(losses) >= 2 else "no test loss"
    share = 0.5 * (error < base / 2) + 0.5 * falls
    return share * (run.likelihood == "gaussian"), f"{told}; {curve}"


def beside_the_mean(again: Tensor, x: Tensor) -> tuple[float, float]:
    """Squared errors of what came back, and of the mean picture."""
    return float((again - x).square().mean()), float((x.mean(0) - x).square().mean())


def decodable(parts: Parts) -> tuple[float, str]:
    """From no better than the mean photograph to a tenth of its error."""
    x = parts.latent.x
    error, base = beside_the_mean(parts.net.stage.decode(parts.net.raw(x)), x)
    share = min(1.0, max(0.0, (1 - error / base) / 0.9))
    return share, f"squared error {error:.4f} a number, the mean photograph's is {base:.4f}"


def scheduled(parts: Parts) -> tuple[float, str]:
    """Against NumPy in float64: variances that rise, and the product of what each step leaves."""
    noise = parts.latent.run.noise_schedule()
    beta = noise.beta.double().numpy()
    share = np.cumprod(1 - beta)
    linear = np.linspace(1e-4, 0.02, len(beta)) * 1000 / len(beta)
    is_linear = bool(np.allclose(beta, linear.clip(max=0.999), rtol=1e-6))
    is_product = bool(np.allclose(noise.alpha_bar.numpy(), share, rtol=1e-9))
    is_noise = bool(share[-1] < 0.01)
    told = f"variances {'rise evenly' if is_linear else 'do not rise evenly'} over {len(beta):,} steps"
    ends = f"{share[-1]:.1e} of the picture is left at the end"
    product = "their product is right" if is_product else "the product of 1 - beta is another"
    return 0.4 * is_linear + 0.4 * is_product + 0.2 * is_noise, f"{told}, {product}, {ends}"


def predictor(parts: Parts) -> tuple[float, str]:
    """Maps in, maps of that shape out, and not too large."""
    net = parts.net.denoiser
    x = parts.net.maps(parts.latent.x[:2])
    out = net(x, torch.zeros(len(x)), None)
    if out.shape != x.shape:
        raise Lost(f"codes {tuple(x.shape)} become {tuple(out.shape)}, the same shape was wanted")
    count = sum(p.numel() for p in net.parameters())
    return float(count <= PREDICTOR), f"{count:,} parameters for codes of {'x'.join(map(str, x.shape[1:]))}"


def connected(parts: Parts) -> tuple[float, str]:
    """Whether a change in one corner moves the answer in the opposite one."""
    net, x = parts.net.denoiser, parts.net.maps(parts.latent.x[:1])
    other = x.clone()
    other[..., 0, 0] += 3.0
    times = torch.full((1,), 500.0)
    moved = (net(other, times, None) - net(x, times, None)).abs().amax((0, 1))
    share = float((moved > 1e-6).float().mean())
    return float(moved[-1, -1] > 1e-6), f"a change in one corner moves {share:.0%} of the places"


def timed(parts: Parts) -> tuple[float, str]:
    """Whether the answer to the same picture differs from time to time."""
    net, x = parts.net.denoiser, parts.net.maps(parts.latent.x[:4])
    early, late = (net(x, torch.full((len(x),), t), None) for t in (10.0, 900.0))
    differs = float((early - late).square().mean().sqrt())
    return float(differs > 1e-3), f"its answers at time 10 and 900 differ by {differs:.3f}"


def noised(parts: Parts) -> tuple[float, str]:
    """Mean and deviation of many draws at three times."""
    noise = parts.latent.run.noise_schedule()
    fresh = torch.randn(DRAWS, 1, generator=torch.Generator().manual_seed(parts.seed))
    off = 0.0
    for t in (0, len(noise) // 2, len(noise) - 1):
        a = float(noise.alpha_bar[t])
        x = q_sample(torch.full((DRAWS, 1), 0.7), fresh, a).double()
        off = max(off, abs(float(x.mean()) - 0.7 * a**0.5), abs(float(x.std()) - (1 - a) ** 0.5))
    told = f"mean and deviation of {DRAWS:,} draws are off by at most {off:.4f}"
    return float(off < CLOSE), f"{told}; chance allows {CLOSE:.3f}"


def returned(parts: Parts) -> tuple[float, str]:
    """From noise, with a network that knows the one picture that there is."""
    x0 = parts.net.maps(parts.latent.x[:1])
    run, generator = parts.latent.run, torch.Generator().manual_seed(parts.seed)

    def fresh() -> Tensor:
        return torch.randn(x0.shape, generator=generator)

    off = {}
    for name in ("ddpm", "ddim"):
        *_, last = SAMPLERS[name](lambda x, a: x0.expand_as(x), fresh(), run.levels(name, 50), fresh)
        off[name] = float((last - x0).abs().max())
    told = ", ".join(f"{name} by {value:.1e}" for name, value in off.items())
    return sum(value < 1e-4 for value in off.values()) / 2, f"after 50 steps it is missed: {told}"


def learned(parts: Parts) -> tuple[float, str]:
    """Two thirds for a last tenth of losses below 3/4 of the first steps', the rest for the test loss."""
    _, losses = series(parts.latent.log(), "loss")
    if len(losses) < 20:
        raise Lost(f"{len(losses)} losses were logged, 20 or more were wanted")
    first, last = float(np.mean(losses[:5])), float(np.mean(losses[-len(losses) // 10 :]))
    _, test = series(parts.latent.log(), "test_loss")
    falls = len(test) >= 2 and test[-1] < test[0]
    told = f"loss from {first:.3f} to {last:.3f}"
    ends = f"; test loss from {test[0]:.3f} to {test[-1]:.3f}" if len(test) >= 2 else "; no test loss"
    return 2 / 3 * (last < 0.75 * first) + falls / 3, told + ends


def sunk(parts: Parts) -> tuple[float, str]:
    """Every step is less like the picture; the last is like noise."""
    times, noisy = drowned(parts, min(64, len(parts.latent.x)))
    clean = parts.net.maps(parts.latent.x[: len(noisy[0])])
    alike = [float(np.corrcoef(clean.flatten(), step.flatten())[0, 1]) for step in noisy]
    steps = sum(b < a for a, b in pairwise(alike)) / (len(alike) - 1)
    deviation = float(noisy[-1].std())
    is_noise = abs(alike[-1]) < 0.1 and abs(deviation - 1) < 0.1
    told = f"correlation with the picture from {alike[0]:.2f} to {alike[-1]:.2f} over {len(times)} steps"
    return 0.7 * steps + 0.3 * is_noise, f"{told}, deviation {deviation:.2f} at the end"


def recognised(parts: Parts) -> tuple[float, str]:
    """From the share that chance gives to that of real photographs; of few classes the first guess counts."""
    found = parts.verdict
    made, real = found["generated"], found["real"]
    key, top = ("among", TOP) if found["classes"] > 2 * TOP else ("first", 1)
    chance = top / found["classes"]
    most = real[key] / real["n"] if real else 1.0
    got = (made[key] / made["n"] - chance) / (most - chance) if most > chance else 0.0
    guesses = f"its first {top} guesses" if top > 1 else "its first guess"
    told = f"{made[key]} of {made['n']} by {guesses}; chance gives {chance:.0%}, real ones {most:.0%}"
    return min(1.0, max(0.0, got)), f"{told}; the best at {made['highest']:.0%}; seen by {found['network']}"
