"""Diffusion: images become noise in many small steps, and a network learns to reverse the steps.

Symbols: x_0 a clean image, e ~ N(0, 1), x = sqrt(a) x_0 + sqrt(1 - a) e; a ("alpha bar", the share of the
variance that is still signal) falls from 1 to about 0. A level `a` is a number, or a tensor that broadcasts.
Sources: Ho et al. 2020; cosine: Nichol and Dhariwal 2021; v: Salimans and Ho 2022.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op

Level = float | Float[Tensor, "..."]
Predicts = Literal["noise", "clean", "v"]


@op
def linear_betas(steps: int, first: float = 1e-4, last: float = 0.02) -> Float[Tensor, " t"]:
    """Linear noise schedule: the variance that each step adds, rising evenly.

    Args:
        steps: T, 1 or more.
        first: variance of the first step, for T = 1000.
        last: variance of the last step, for T = 1000.
    Returns:
        beta, (T,), float64, at most 0.999.
    Source: Ho et al. 2020, section 4.
    """
    # 1. Evenly spaced, for a thousand steps.
    beta = torch.linspace(first, last, steps, dtype=torch.float64)
    # 2. With fewer steps, each must add more, so that the last image is noise again.
    return (beta * 1000 / steps).clamp(max=0.999)


@op
def cosine_betas(steps: int, s: float = 0.008) -> Float[Tensor, " t"]:
    """Cosine noise schedule: the variance that each step adds, so that alpha bar falls as a squared cosine.

    With f(t) = cos^2((t / T + s) / (1 + s) * pi / 2), alpha bar at time t is f(t) / f(0).

    Args:
        steps: T, 1 or more.
        s: offset, 0 or more, that keeps the first steps from being too small.
    Returns:
        beta_1 to beta_T, (T,), float64, above 0 and at most 0.999.
    Source: Nichol and Dhariwal 2021, eq. 17.
    """
    # 1. f(t) at the T + 1 times t = 0, 1, ..., T.
    t = torch.arange(steps + 1, dtype=torch.float64)
    f = torch.cos((t / steps + s) / (1 + s) * math.pi / 2) ** 2
    # 2. Step t keeps the share f(t) / f(t - 1) of the signal's variance; beta_t is the rest.
    beta = 1 - f[1:] / f[:-1]
    # 3. No step may destroy everything: beta is at most 0.999.
    return beta.clamp(max=0.999)


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """A noise schedule and the arrays derived from it; times are 0 to T - 1, and time t has seen t + 1 steps.

    Args:
        beta: (T,) variance of the noise that each step adds, between 0 and 1, float64.
    """

    beta: Float[Tensor, " t"]

    def __len__(self) -> int:
        """T."""
        return len(self.beta)

    @cached_property
    def alpha_bar(self) -> Float[Tensor, " t"]:
        """Share of the variance that is still signal: the product of what each step keeps."""
        return torch.cumprod(1 - self.beta, 0)

    @cached_property
    def snr(self) -> Float[Tensor, " t"]:
        """Signal-to-noise ratio a / (1 - a)."""
        return self.alpha_bar / (1 - self.alpha_bar)

    def at(self, t: Int64[Tensor, " b"], dims: int) -> Float[Tensor, "b ..."]:
        """Alpha bar at each of b times, float32, with `dims` axes, so that it broadcasts against images."""
        return self.alpha_bar.float().to(t.device)[t].view(-1, *[1] * (dims - 1))

    def time_of(self, level: float) -> float:
        """The time, with a fraction, at which alpha bar is `level`; 0 or T - 1 beyond the ends."""
        # 1. ln SNR falls all the way, so the table can be read backwards.
        wanted = math.log(level / max(1 - level, 1e-12))
        falling = self.snr.log()
        # 2. Between two entries on a straight line.
        after = int((falling > wanted).sum())
        if after in (0, len(self)):
            return float(min(after, len(self) - 1))
        high, low = falling[after - 1].item(), falling[after].item()
        return after - 1 + (high - wanted) / (high - low)

    def levels(self, steps: int) -> list[float]:
        """Alpha bar at `steps` evenly spaced times from T - 1 down to the first ones, and 1 at the end."""
        times = [len(self) - 1 - (i * len(self)) // steps for i in range(steps)]
        return [*self.alpha_bar[times].tolist(), 1.0]


@op
def q_sample(x0: Float[Tensor, "*d"], noise: Float[Tensor, "*d"], a: Level) -> Float[Tensor, "*d"]:
    """The noisy image at level `a`, computed in one step: a sample of q(x_t | x_0).

    Args:
        x0: clean images, about -1 to 1; any shape.
        noise: e ~ N(0, 1), drawn by the caller, shape of x0.
        a: alpha bar, 0 (only noise) to 1 (clean); a number or a tensor that broadcasts.
    Returns:
        x_t, shape and dtype of x0. If x0 has variance 1, so has x_t.
    Source: Ho et al. 2020, eq. 4.
    """
    # 1. The factors of image and noise: their squares, the shares of the variance, add up to 1.
    signal, spread = a**0.5, (1 - a) ** 0.5
    # 2. Add both.
    return signal * x0 + spread * noise


@op
def posterior(
    x0: Float[Tensor, "*d"], x: Float[Tensor, "*d"], a: Level, before: Level
) -> tuple[Float[Tensor, "*d"], Level]:
    """Mean and variance of the posterior q(x_{t-1} | x_t, x_0): one reverse step if x_0 were known.

    Args:
        x0: the clean image x_0; any shape.
        x: the noisy image x_t, shape of x0.
        a: alpha bar of x_t, below 1.
        before: alpha bar of x_{t-1}, larger than a, at most 1; number or tensor, as `a` is.
    Returns:
        The mean, shape and dtype of x0, and the variance (0 if before = 1), number or tensor, as `a` is.
    Source: Ho et al. 2020, eq. 6 and 7.
    """
    # 1. Between the two levels: the share alpha of the variance that is kept, and the noise variance beta.
    alpha = a / before
    beta = 1 - alpha
    # 2. Eq. 7: a weighted sum of both images, and the remaining variance.
    mean = (before**0.5 * beta * x0 + alpha**0.5 * (1 - before) * x) / (1 - a)
    variance = (1 - before) / (1 - a) * beta
    return mean, variance


@op
def target(x0: Float[Tensor, "*d"], noise: Float[Tensor, "*d"], a: Level, predicts: Predicts) -> Tensor:
    """What a network has to predict: the noise, the clean image or the velocity v.

    Source: Salimans and Ho 2022, section 4 and appendix D.
    """
    # 1. The noise is hard to see in weak noise, the clean image in strong noise.
    if predicts != "v":
        return noise if predicts == "noise" else x0
    # 2. v is the derivative of x by the angle whose cosine is sqrt(a).
    return a**0.5 * noise - (1 - a) ** 0.5 * x0


@op
def to_clean(out: Float[Tensor, "*d"], x: Float[Tensor, "*d"], a: Level, predicts: Predicts) -> Tensor:
    """The clean image that follows from a network's output.

    With c = sqrt(a) and s = sqrt(1 - a): x = c x_0 + s e and v = c e - s x_0.

    Args:
        out: the network's output: predicted noise e, clean image x_0 or velocity v; any shape.
        x: the noisy image that the network was given, shape of `out`.
        a: alpha bar of x, above 0; a number or a tensor that broadcasts.
        predicts: what `out` is: "noise", "clean" or "v".
    Returns:
        The predicted x_0, shape and dtype of `out`.
    """
    # 1. Velocity: rotate (x, v) back.
    if predicts == "v":
        return a**0.5 * x - (1 - a) ** 0.5 * out
    # 2. Noise: subtract it and undo the shrinking. A clean image is the answer already.
    return (x - (1 - a) ** 0.5 * out) / a**0.5 if predicts == "noise" else out


@op
def to_noise(x0: Float[Tensor, "*d"], x: Float[Tensor, "*d"], a: Level) -> Float[Tensor, "*d"]:
    """The noise e in x if the clean image is x0; a is below 1."""
    # 1. What remains when the image is subtracted.
    rest = x - a**0.5 * x0
    # 2. Scaled back to variance 1.
    return rest / (1 - a) ** 0.5


@op
def min_snr_weight(snr: Float[Tensor, "*d"], gamma: float, predicts: Predicts) -> Float[Tensor, "*d"]:
    """Min-SNR weight of the squared error, so that nearly clean images do not dominate the loss.

    Args:
        snr: signal-to-noise ratio of each example.
        gamma: upper limit of the weight of a clean image's error; 5 in the paper.
        predicts: what the error is measured in.
    Source: Hang et al. 2023, section 3.4.
    """
    # 1. For the clean image: its SNR, at most gamma.
    weight = snr.clamp(max=gamma)
    # 2. The squared error of the noise is SNR times as large, that of v SNR + 1 times.
    if predicts == "clean":
        return weight
    return weight / (snr if predicts == "noise" else snr + 1)


@op
def guide(told: Float[Tensor, "*d"], untold: Float[Tensor, "*d"], scale: float) -> Float[Tensor, "*d"]:
    """Classifier-free guidance: from the prediction without the class towards and beyond that with it.

    Args:
        told: the network's prediction when it is given the class; any shape.
        untold: its prediction without the class, shape of `told`.
        scale: guidance scale, 0 or more: 0 gives `untold`, 1 gives `told`, more goes beyond.
    Returns:
        The guided prediction, shape and dtype of `told`.
    Source: Ho and Salimans 2022, eq. 6, with scale = 1 + w.
    """
    # 1. The difference that the class makes.
    direction = told - untold
    # 2. Start without the class and add `scale` times the difference.
    return untold + scale * direction


@op
def time_embedding(t: Float[Tensor, " b"], dim: int) -> Float[Tensor, "b d"]:
    """Time embedding: each time as a vector of sines and cosines, so that near times have similar vectors.

    Args:
        t: (b,) times, 0 to about 1000; fractions are allowed.
        dim: d, even and 2 or more.
    Returns:
        (b, d), dtype of t: d / 2 sines, then d / 2 cosines of t times the frequencies 10000^(-2 i / d),
        i = 0, 1, ...
    Source: Vaswani et al. 2017, section 3.5, as Ho et al. 2020 use it for time.
    """
    # 1. d / 2 frequencies, falling from 1 towards 1/10000 by a constant factor.
    half = dim // 2
    frequency = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    # 2. The angle of every time with every frequency; sines first.
    angle = t[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], 1)
