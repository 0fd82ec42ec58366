"""Diffusion: a picture is turned into noise in many small steps, and a network learns to turn back.

Symbols: x_0 a clean picture, e ~ N(0, 1), x = sqrt(a) x_0 + sqrt(1 - a) e; a ("alpha bar", the share of the
variance that is still picture) falls from 1 to about 0. A level `a` is a number, or a tensor that broadcasts.
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
    """Variance of the noise that each step adds, rising evenly.

    Args:
        steps: T, 1 or more.
        first: of the first step, for T = 1000.
        last: of the last step, for T = 1000.
    Source: Ho et al. 2020, section 4.
    """
    # 1. Evenly spaced, for a thousand steps.
    beta = torch.linspace(first, last, steps, dtype=torch.float64)
    # 2. Fewer steps must each add more, so that the last picture is noise again.
    return (beta * 1000 / steps).clamp(max=0.999)


@op
def cosine_betas(steps: int, s: float = 0.008) -> Float[Tensor, " t"]:
    """Variances of the noise added, so that the picture's share falls as a squared cosine: late and evenly.

    Args:
        steps: T, 1 or more.
        s: offset that keeps the first steps from being too small.
    Source: Nichol and Dhariwal 2021, eq. 17.
    """
    # 1. f(t) = cos^2 of a quarter turn, at t = 0, 1, ..., T.
    t = torch.arange(steps + 1, dtype=torch.float64)
    f = torch.cos((t / steps + s) / (1 + s) * math.pi / 2) ** 2
    # 2. The picture's share is f(t) / f(0); what a step loses of it is its beta.
    beta = 1 - f[1:] / f[:-1]
    # 3. The very last step would add infinitely much for its size.
    return beta.clamp(max=0.999)


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """What follows from the variances of T steps; times are 0 to T - 1, and time t has seen t + 1 steps.

    Args:
        beta: (T,) variance of the noise each step adds, between 0 and 1, float64.
    """

    beta: Float[Tensor, " t"]

    def __len__(self) -> int:
        """T."""
        return len(self.beta)

    @cached_property
    def alpha_bar(self) -> Float[Tensor, " t"]:
        """Share of the variance that is still picture: the product of what each step leaves."""
        return torch.cumprod(1 - self.beta, 0)

    @cached_property
    def snr(self) -> Float[Tensor, " t"]:
        """Signal-to-noise ratio a / (1 - a)."""
        return self.alpha_bar / (1 - self.alpha_bar)

    def at(self, t: Int64[Tensor, " b"], dims: int) -> Float[Tensor, "b ..."]:
        """Alpha bar at each of b times, float32, with `dims` axes in all, to stand beside pictures."""
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
    """The noisy picture at level `a`, in one jump: a sample of q(x_t | x_0).

    Args:
        x0: clean pictures, from -1 to 1.
        noise: N(0, 1), drawn elsewhere.
        a: alpha bar.
    Source: Ho et al. 2020, eq. 4.
    """
    # 1. Picture and noise are weighted so that their variances add up to 1.
    signal, spread = a**0.5, (1 - a) ** 0.5
    # 2. Mix.
    return signal * x0 + spread * noise


@op
def posterior(
    x0: Float[Tensor, "*d"], x: Float[Tensor, "*d"], a: Level, before: Level
) -> tuple[Float[Tensor, "*d"], Level]:
    """Mean and variance of the slightly cleaner picture, if the clean one were known: q(x_{t-1} | x_t, x_0).

    Args:
        x0: the clean picture.
        x: the noisy one, x_t.
        a: alpha bar of x.
        before: alpha bar of x_{t-1}, larger than a.
    Source: Ho et al. 2020, eq. 6 and 7.
    """
    # 1. What the step between the two left of the picture, and the variance it added.
    alpha = a / before
    beta = 1 - alpha
    # 2. Eq. 7: a mean of both pictures, and a variance that no observation can take away.
    mean = (before**0.5 * beta * x0 + alpha**0.5 * (1 - before) * x) / (1 - a)
    variance = (1 - before) / (1 - a) * beta
    return mean, variance


@op
def target(x0: Float[Tensor, "*d"], noise: Float[Tensor, "*d"], a: Level, predicts: Predicts) -> Tensor:
    """What a network is asked to predict: the noise, the clean picture, or v.

    Source: Salimans and Ho 2022, section 4 and appendix D.
    """
    # 1. Two plain choices: one is hard where there is little noise, the other where there is much.
    if predicts != "v":
        return noise if predicts == "noise" else x0
    # 2. v is both: the derivative of x when (sqrt(a), sqrt(1 - a)) turns on its circle.
    return a**0.5 * noise - (1 - a) ** 0.5 * x0


@op
def to_clean(out: Float[Tensor, "*d"], x: Float[Tensor, "*d"], a: Level, predicts: Predicts) -> Tensor:
    """The clean picture that a network's output stands for.

    Args:
        out: predicted noise, clean picture or v.
        x: the noisy picture it was shown.
        a: alpha bar of x, above 0.
        predicts: what `out` is.
    """
    # 1. Turn the circle back.
    if predicts == "v":
        return a**0.5 * x - (1 - a) ** 0.5 * out
    # 2. Take the noise off and undo the shrinking.
    return (x - (1 - a) ** 0.5 * out) / a**0.5 if predicts == "noise" else out


@op
def to_noise(x0: Float[Tensor, "*d"], x: Float[Tensor, "*d"], a: Level) -> Float[Tensor, "*d"]:
    """The noise that must be in x if the clean picture is x0; a is below 1."""
    # 1. What is left when the picture is taken out.
    rest = x - a**0.5 * x0
    # 2. At the size it was drawn.
    return rest / (1 - a) ** 0.5


@op
def min_snr_weight(snr: Float[Tensor, "*d"], gamma: float, predicts: Predicts) -> Float[Tensor, "*d"]:
    """Weight of the squared error, so that nearly clean pictures do not outvote all others.

    Args:
        snr: signal-to-noise ratio of each example.
        gamma: the weight of a clean picture's error counts no more than this; 5 in the paper.
        predicts: in which terms the error is measured.
    Source: Hang et al. 2023, section 3.4.
    """
    # 1. In terms of the clean picture: its SNR, cut off.
    weight = snr.clamp(max=gamma)
    # 2. An error of the noise is SNR times as large, one of v SNR + 1 times.
    if predicts == "clean":
        return weight
    return weight / (snr if predicts == "noise" else snr + 1)


@op
def guide(told: Float[Tensor, "*d"], untold: Float[Tensor, "*d"], scale: float) -> Float[Tensor, "*d"]:
    """Classifier-free guidance: go further in the direction in which knowing the class moves the answer.

    Args:
        told: the network's answer when it knows the class.
        untold: its answer when it does not.
        scale: 0 ignores the class, 1 takes the answer as it is, more exaggerates.
    Source: Ho and Salimans 2022, eq. 6, with scale = 1 + w.
    """
    # 1. What the class adds.
    direction = told - untold
    # 2. So much of it.
    return untold + scale * direction


@op
def time_embedding(t: Float[Tensor, " b"], dim: int) -> Float[Tensor, "b d"]:
    """Waves of many lengths: a number as a vector in which near numbers are alike.

    Args:
        t: times, 0 to about 1000; fractions are welcome.
        dim: d, even: half sines, half cosines.
    Source: Vaswani et al. 2017, section 3.5, as Ho et al. 2020 use it for time.
    """
    # 1. Frequencies from 1 down to 1/10000, evenly in the logarithm.
    half = dim // 2
    frequency = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    # 2. Where each wave stands at t.
    angle = t[:, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], 1)
