"""Samplers of one signature: from noise to pictures over a list of levels, by any network that can denoise.

A sampler takes `denoise(x, a)` (the clean picture as seen at level a = alpha bar), the noise to start from,
falling levels of noise (a rises to 1), and a source of fresh noise; it yields the picture after each step.
Sources: Ho et al. 2020 (ddpm), Song et al. 2021 (ddim), Karras et al. 2022 (heun), Lu et al. 2022 (dpm).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor

from gradschool.ops.diffusion import posterior, to_noise
from gradschool.ops.edm import heun_step
from gradschool.ops.switch import op

Denoise = Callable[[Tensor, float], Tensor]
Fresh = Callable[[], Tensor]
Sampler = Callable[[Denoise, Tensor, Sequence[float], Fresh], Iterator[Tensor]]


@op
def ddpm_step(
    x: Float[Tensor, "*d"], x0: Float[Tensor, "*d"], a: float, after: float, noise: Float[Tensor, "*d"]
) -> Float[Tensor, "*d"]:
    """A random step to a cleaner picture: a sample of the posterior at the clean picture as predicted.

    Args:
        x: at level a.
        x0: the clean picture, as a network sees it in x.
        a: alpha bar now.
        after: alpha bar after the step, larger; 1 is clean.
        noise: N(0, 1).
    Source: Ho et al. 2020, algorithm 2, with the variance of eq. 7.
    """
    # 1. Where the cleaner picture lies if x0 is right.
    mean, variance = posterior(x0, x, a, after)
    # 2. It is not known exactly: draw it.
    return mean + variance**0.5 * noise


@op
def ddim_step(
    x: Float[Tensor, "*d"],
    x0: Float[Tensor, "*d"],
    a: float,
    after: float,
    noise: Float[Tensor, "*d"] | None = None,
    eta: float = 0.0,
) -> Float[Tensor, "*d"]:
    """A step that puts back the very noise it took off, at its new strength; skipping levels is allowed.

    Args:
        x: at level a.
        x0: the clean picture, as a network sees it in x.
        a: alpha bar now.
        after: alpha bar after the step, larger; 1 is clean.
        noise: N(0, 1); needed where eta is above 0.
        eta: share of fresh noise: 0 none, 1 as much as `ddpm_step`.
    Source: Song et al. 2021, eq. 12 and 16.
    """
    # 1. The noise that was in x.
    old = to_noise(x0, x, a)
    # 2. How much of the new noise is fresh.
    fresh = eta * ((1 - after) / (1 - a) * (1 - a / after)) ** 0.5
    # 3. The picture, the old noise's part, the fresh noise's.
    x = after**0.5 * x0 + (1 - after - fresh**2) ** 0.5 * old
    return x if noise is None else x + fresh * noise


@op
def dpm_step(
    x: Float[Tensor, "*d"],
    x0: Float[Tensor, "*d"],
    last: Float[Tensor, "*d"],
    half_log_snr: tuple[float, float, float],
    after: float,
) -> Float[Tensor, "*d"]:
    """A step that foresees how the predicted picture will move, from how it moved in the last step.

    Args:
        x: now.
        x0: the clean picture, as seen now.
        last: as it was seen one step ago.
        half_log_snr: lambda = ln(sqrt(a) / sqrt(1 - a)) one step ago, now and after, ascending.
        after: alpha bar after the step, below 1.
    Source: Lu et al. 2022 (DPM-Solver++), algorithm 2 ("2M").
    """
    # 1. This step's length in lambda, and how long the last was beside it.
    before, now, then = half_log_snr
    h = then - now
    r = (now - before) / h
    # 2. The predicted picture, drawn out to the middle of the step.
    ahead = x0 + (x0 - last) / (2 * r)
    # 3. The exact solution of the linear part; exp(-h) is what is left of the noise beside the picture.
    signal, spread = after**0.5, (1 - after) ** 0.5
    spread_now = (1 + math.exp(2 * now)) ** -0.5
    return spread / spread_now * x - signal * math.expm1(-h) * ahead


def ddpm(denoise: Denoise, x: Tensor, levels: Sequence[float], fresh: Fresh) -> Iterator[Tensor]:
    """Ancestral sampling: fresh noise at every step, so it needs many; the last has variance 0."""
    for a, after in pairwise(levels):
        x = ddpm_step(x, denoise(x, a), a, after, fresh())
        yield x


def ddim(denoise: Denoise, x: Tensor, levels: Sequence[float], fresh: Fresh) -> Iterator[Tensor]:
    """Without fresh noise: the same start always becomes the same picture."""
    for a, after in pairwise(levels):
        x = ddim_step(x, denoise(x, a), a, after)
        yield x


def heun(denoise: Denoise, x: Tensor, levels: Sequence[float], fresh: Fresh) -> Iterator[Tensor]:
    """Second order by looking twice: two runs of the network a step, one in the last."""
    # 1. In the other scale: x / sqrt(a) = x_0 + sigma e.
    sigmas = [((1 - a) / a) ** 0.5 for a in levels]
    x = x / levels[0] ** 0.5

    def seen(x: Tensor, sigma: float) -> Tensor:
        a = 1 / (1 + sigma**2)
        return denoise(a**0.5 * x, a)

    # 2. Step, and show the picture in the scale of the others.
    for sigma, after in pairwise(sigmas):
        x = heun_step(seen, x, sigma, after)
        yield x / (1 + after**2) ** 0.5


def dpm(denoise: Denoise, x: Tensor, levels: Sequence[float], fresh: Fresh) -> Iterator[Tensor]:
    """Second order by remembering: one run of the network a step."""
    half_log_snr = [0.5 * math.log(a / (1 - a)) if a < 1 else math.inf for a in levels]
    last = None
    for i, (a, after) in enumerate(pairwise(levels)):
        x0 = denoise(x, a)
        if last is None or after == 1:  # nothing to remember, or nothing left to foresee
            x = ddim_step(x, x0, a, after)
        else:
            before, now, then = half_log_snr[i - 1 : i + 2]
            x = dpm_step(x, x0, last, (before, now, then), after)
        last = x0
        yield x


SAMPLERS: dict[str, Sampler] = {"ddpm": ddpm, "ddim": ddim, "heun": heun, "dpm": dpm}
