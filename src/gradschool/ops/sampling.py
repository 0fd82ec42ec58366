"""Samplers with one signature: from noise to images over a list of levels, with any denoising network.

A sampler takes `denoise(x, a)` (the predicted clean image at level a = alpha bar), the noise to start from,
levels a that rise to 1, and a function that draws fresh noise; it yields the image after each step.
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
    """One step of ancestral sampling: a sample of the posterior, with the predicted clean image for x_0.

    Args:
        x: the noisy image at level a; any shape.
        x0: the clean image that the network predicts from x, shape of x.
        a: alpha bar of x, below 1.
        after: alpha bar after the step, larger than a; 1 is clean, and then nothing is random.
        noise: N(0, 1), shape of x.
    Returns:
        The image at level `after`, shape and dtype of x.
    Source: Ho et al. 2020, algorithm 2, with the variance of eq. 7.
    """
    # 1. Mean and variance of the next image, if x0 is right.
    mean, variance = posterior(x0, x, a, after)
    # 2. Draw a sample with this mean and variance.
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
    """One step of DDIM: the predicted noise is put back at its new strength; levels may be skipped.

    Args:
        x: the noisy image at level a; any shape.
        x0: the clean image that the network predicts from x, shape of x.
        a: alpha bar of x, below 1.
        after: alpha bar after the step, larger than a; 1 is clean.
        noise: N(0, 1), shape of x; needed if eta is above 0, else None.
        eta: standard deviation of the fresh noise relative to that of `ddpm_step`: 0 for none, up to 1.
    Returns:
        The image at level `after`, shape and dtype of x. Old and fresh noise together have the variance
        1 - after.
    Source: Song et al. 2021, eq. 12 and 16.
    """
    # 1. The predicted noise in x, of variance 1.
    old = to_noise(x0, x, a)
    # 2. Standard deviation of the fresh noise: eta times that of the posterior.
    fresh = eta * ((1 - after) / (1 - a) * (1 - a / after)) ** 0.5
    # 3. The sum of the image, the old noise and the fresh noise, each at its new strength.
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
    """One step of DPM-Solver++ (2M): the predicted image is extrapolated from the last step's prediction.

    Args:
        x: the noisy image now.
        x0: the clean image that the network predicts now.
        last: its prediction one step ago.
        half_log_snr: lambda = ln(sqrt(a) / sqrt(1 - a)) one step ago, now and after, ascending.
        after: alpha bar after the step, below 1.
    Source: Lu et al. 2022 (DPM-Solver++), algorithm 2 ("2M").
    """
    # 1. The length h of this step in lambda, and the last step's length relative to it.
    before, now, then = half_log_snr
    h = then - now
    r = (now - before) / h
    # 2. The predicted image, extrapolated to the middle of the step.
    ahead = x0 + (x0 - last) / (2 * r)
    # 3. The linear part of the ODE is solved exactly; noise relative to signal falls by exp(-h).
    signal, spread = after**0.5, (1 - after) ** 0.5
    spread_now = (1 + math.exp(2 * now)) ** -0.5
    return spread / spread_now * x - signal * math.expm1(-h) * ahead


def ddpm(denoise: Denoise, x: Tensor, levels: Sequence[float], fresh: Fresh) -> Iterator[Tensor]:
    """Ancestral sampling: fresh noise in every step, so it needs many steps; the last has variance 0."""
    for a, after in pairwise(levels):
        x = ddpm_step(x, denoise(x, a), a, after, fresh())
        yield x


def ddim(denoise: Denoise, x: Tensor, levels: Sequence[float], fresh: Fresh) -> Iterator[Tensor]:
    """DDIM without fresh noise: the same start always gives the same image."""
    for a, after in pairwise(levels):
        x = ddim_step(x, denoise(x, a), a, after)
        yield x


def heun(denoise: Denoise, x: Tensor, levels: Sequence[float], fresh: Fresh) -> Iterator[Tensor]:
    """Heun's method: second order with two network evaluations a step, one in the last."""
    # 1. Change the scale: x / sqrt(a) = x_0 + sigma e.
    sigmas = [((1 - a) / a) ** 0.5 for a in levels]
    x = x / levels[0] ** 0.5

    def seen(x: Tensor, sigma: float) -> Tensor:
        a = 1 / (1 + sigma**2)
        return denoise(a**0.5 * x, a)

    # 2. Step, and yield the image in the scale of the other samplers.
    for sigma, after in pairwise(sigmas):
        x = heun_step(seen, x, sigma, after)
        yield x / (1 + after**2) ** 0.5


def dpm(denoise: Denoise, x: Tensor, levels: Sequence[float], fresh: Fresh) -> Iterator[Tensor]:
    """DPM-Solver++ (2M): second order with one network evaluation a step, by reusing the last prediction."""
    half_log_snr = [0.5 * math.log(a / (1 - a)) if a < 1 else math.inf for a in levels]
    last = None
    for i, (a, after) in enumerate(pairwise(levels)):
        x0 = denoise(x, a)
        if last is None or after == 1:  # no prediction to reuse, or the last step
            x = ddim_step(x, x0, a, after)
        else:
            before, now, then = half_log_snr[i - 1 : i + 2]
            x = dpm_step(x, x0, last, (before, now, then), after)
        last = x0
        yield x


SAMPLERS: dict[str, Sampler] = {"ddpm": ddpm, "ddim": ddim, "heun": heun, "dpm": dpm}
