"""Checks of chapter 11: angles, precisions, linear systems and autograd in place of the papers' formulas."""

import math

import numpy as np
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

CLOSE = Tolerance(1e-5, 1e-6, "float32, a few operations a number, against float64")
DIVIDED = Tolerance(1e-4, 1e-5, "float32, differences divided by roots of at least 0.1, against float64")
FLOAT64 = Tolerance(1e-9, 1e-12, "float64, differences of cosines next to each other")
NOTHING = Tolerance(0, 0, "products with 0")
WAVES = Tolerance(0, 1e-3, "float32 angles up to 1000, whose last digit is 6e-5, and roundings of exp before")


def draw(seed, *shape):
    """Random numbers of one seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def numbers(*values):
    """A few numbers to calculate with by hand."""
    return torch.tensor(values)


def angle(a):
    """Picture and noise on the unit circle: sqrt(a) and sqrt(1 - a) are cosine and sine of this, float64."""
    return torch.acos(torch.as_tensor(a, dtype=torch.float64).sqrt())


# Forward


def cosine_in_numpy(steps, s=0.008):
    """Time after time, from the definition of alpha bar."""
    bars = np.array([np.cos((t / steps + s) / (1 + s) * np.pi / 2) ** 2 for t in range(steps + 1)])
    return torch.from_numpy(np.minimum(1 - bars[1:] / bars[:-1], 0.999))


def cosine_noise(ladder: Ladder) -> None:
    """One step, few steps with and without the offset, a thousand; then what is left after half."""
    cases = [
        Case("2 steps, s = 0", (2, 0.0)),
        Case("1 step", (1,)),
        Case("4 steps", (4,)),
        Case("10 steps, s = 0.1", (10, 0.1)),
        Case("1000 steps", (1000,)),
    ]
    ladder.agrees(cases, cosine_in_numpy, FLOAT64)
    left = (1 - ladder.subject(1000)[:500]).prod()
    half = math.cos((0.5 + 0.008) / 1.008 * math.pi / 2) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    ladder.same(
        "After half of the steps the picture's share is f(T/2) / f(0), which", float(left), half, FLOAT64
    )


def on_the_circle(x0, noise, a):
    """Cosine and sine of one angle, in float64."""
    turn = angle(a)
    return (turn.cos() * x0.double() + turn.sin() * noise.double()).to(x0.dtype)


def q_sample(ladder: Ladder) -> None:
    """One number by hand, the ends, a level for each picture; then both parts add up."""
    x0, noise, each = draw(0, 4, 2, 3), draw(1, 4, 2, 3), torch.tensor([0.9, 0.5, 0.1, 0.02])[:, None, None]
    cases = [
        Case("x0 = (1), noise = (2), a = 0.64", (numbers(1.0), numbers(2.0), 0.64)),
        Case("a = 1, where nothing is destroyed", (x0, noise, 1.0)),
        Case("a = 0, where all is", (x0, noise, 0.0)),
        Case("4 pictures at a = 0.3", (x0, noise, 0.3)),
        Case("4 pictures, each at its own level", (x0, noise, each)),
        Case("2 points of the plane, each at its own level", (draw(2, 2, 2), draw(3, 2, 2), each[:2, 0])),
        Case("each column at its own level", (x0[0], noise[0], each[:3, 0, 0])),
    ]
    ladder.agrees([*cases, cases[4].wide()], on_the_circle, CLOSE)
    ladder.gradients(cases[3:4], on_the_circle, CLOSE)
    parts = ladder.subject(x0, 0 * noise, 0.3) + ladder.subject(0 * x0, noise, 0.3)
    ladder.same("The two parts add up, which", parts, ladder.subject(x0, noise, 0.3), CLOSE)


# Back


def two_witnesses(x0, x, a, before):
    """Precisions add: of x_{t-1} given x_0, and of x_t given x_{t-1}; float64."""
    level, earlier = (torch.as_tensor(v, dtype=torch.float64) for v in (a, before))
    alpha = level / earlier
    known, seen = 1 / (1 - earlier), alpha / (1 - alpha)
    mean = known * earlier.sqrt() * x0.double() + seen * x.double() / alpha.sqrt()
    variance = 1 / (known + seen)
    told = variance.to(x0.dtype) if isinstance(a, torch.Tensor) else variance.item()
    return (variance * mean).to(x0.dtype), told


def diffusion_posterior(ladder: Ladder) -> None:
    """By hand, two neighbours, levels far apart, a pair of levels for each picture; then the two ends."""
    x0, x = draw(0, 3, 2, 4), draw(1, 3, 2, 4)
    a, before = torch.tensor([0.5, 0.1, 0.02])[:, None, None], torch.tensor([0.6, 0.5, 0.9])[:, None, None]
    cases = [
        Case("x0 = (1), x = (2), a = 0.36, before = 0.64", (numbers(1.0), numbers(2.0), 0.36, 0.64)),
        Case("3 pictures, a = 0.50, before = 0.52", (x0, x, 0.5, 0.52)),
        Case("3 pictures, a = 0.01, before = 0.9", (x0, x, 0.01, 0.9)),
        Case("3 pictures, a = 0.98, before = 0.995", (x0, x, 0.98, 0.995)),
        Case("a pair of levels for each picture", (x0, x, a, before)),
    ]
    ladder.agrees([*cases, cases[3].wide(), cases[4].wide()], two_witnesses, DIVIDED)
    mean, variance = ladder.subject(x0, x, 0.3, 1.0)
    ladder.same("If the step ends in the clean picture, its mean is x0, which", mean, x0, DIVIDED)
    ladder.same("If the step ends in the clean picture, its variance is 0, which", variance, 0.0, NOTHING)


def slope_of_log_density(x, means, weights, variance):
    """Torch's mixture, differentiated by autograd in float64."""
    peaks = Independent(Normal(means.double(), math.sqrt(variance)), 1)
    place = x.double().requires_grad_()
    log_p = MixtureSameFamily(Categorical(weights.double()), peaks).log_prob(place)
    (slope,) = torch.autograd.grad(log_p.sum(), place)
    return slope.to(x.dtype)


def mixture_score(ladder: Ladder) -> None:
    """One peak, two unlike ones, many; points so far away that densities are 0 as numbers; then symmetry."""
    two, unlike = torch.tensor([[-1.0], [1.0]]), torch.tensor([0.9, 0.1])
    means, weights = draw(0, 4, 3), torch.tensor([0.4, 0.3, 0.2, 0.1])
    cases = [
        Case("one peak at 1 of variance 4, x = 3", (torch.tensor([[3.0]]), two[1:], torch.ones(1), 4.0)),
        Case(
            "peaks at -1 and 1, weights (0.9, 0.1), variance 1, x = 0", (torch.zeros(1, 1), two, unlike, 1.0)
        ),
        Case("5 points, one peak", (draw(1, 5, 3), means[:1], torch.ones(1), 0.3)),
        Case("5 points, 4 peaks in three dimensions, variance 0.3", (draw(1, 5, 3), means, weights, 0.3)),
        Case("a point 100 away from all peaks", (torch.full((2, 3), 60.0), means, weights, 0.5)),
        Case("a point 50 away, variance 0.1", (torch.full((1, 3), -30.0), means, weights, 0.1)),
        Case("a point among the peaks and one 100 away",
             (torch.tensor([[0.0, 0, 0], [60, 60, 60]]), means, weights, 0.5)),
    ]  # fmt: skip
    ladder.agrees([*cases, cases[3].wide()], slope_of_log_density, DIVIDED)
    middle = ladder.subject(torch.zeros(1, 1), two, torch.tensor([0.5, 0.5]), 0.2)
    ladder.same("In the middle of two equal peaks nothing pulls, which", middle, torch.zeros(1, 1), CLOSE)


# Networks


def solved(out, x, a, predicts):
    """The two equations, x and what was predicted, solved for (x_0, noise) in float64."""
    turn = angle(a).expand_as(x)
    c, s, none, one = turn.cos(), turn.sin(), torch.zeros_like(turn), torch.ones_like(turn)
    said = {"noise": (none, one), "clean": (one, none), "v": (-s, c)}[predicts]
    system = torch.stack([c, s, *said], -1).unflatten(-1, (2, 2))
    known = torch.stack([x.double(), out.double()], -1)
    return torch.linalg.solve(system, known)[..., 0].to(x.dtype)


def to_clean(ladder: Ladder) -> None:
    """All three predictions, by hand and at random levels; then it undoes the forward process."""
    x, out = draw(0, 3, 2, 4), draw(1, 3, 2, 4)
    kinds = ("noise", "clean", "v")
    cases = [
        Case(f"out = (1), x = (2), a = 0.64, predicts = {kind!r}", (numbers(1.0), numbers(2.0), 0.64, kind))
        for kind in kinds
    ]
    cases += [Case(f"3 pictures, a = 0.2, predicts = {kind!r}", (out, x, 0.2, kind)) for kind in kinds]
    cases += [Case(f"3 pictures, a = 0.0025, predicts = {kind!r}", (out, x, 0.0025, kind)) for kind in kinds]
    each = torch.tensor([0.9, 0.5, 0.1])[:, None, None]
    cases += [Case(f"each picture at its own level, predicts = {kind!r}", (out, x, each, kind))
              for kind in kinds]  # fmt: skip
    ladder.agrees([*cases, *(case.wide() for case in cases[3:6])], solved, CLOSE)
    ladder.gradients(cases[3:6], solved, CLOSE)
    noisy = on_the_circle(x, out, 0.7)
    back = ladder.subject(out, noisy, 0.7, "noise")
    ladder.same("With the true noise the clean picture comes back, which", back, x, DIVIDED)


def waves_one_by_one(t, dim):
    """Number after number, in float64."""
    half = dim // 2
    rows = [[float(time) / 10_000 ** (i / half) for i in range(half)] for time in t]
    sines, cosines = ([[f(v) for v in row] for row in rows] for f in (math.sin, math.cos))
    return torch.tensor([s + c for s, c in zip(sines, cosines, strict=True)], dtype=t.dtype)


def time_embedding(ladder: Ladder) -> None:
    """By hand, fractions, late times; then near times are alike and all have the same length."""
    cases = [
        Case("t = (1), dim = 2", (numbers(1.0), 2)),
        Case("t = (0, 2), dim = 4", (numbers(0.0, 2.0), 4)),
        Case("t = (0.5, 20, 999), dim = 8", (numbers(0.5, 20.0, 999.0), 8)),
        Case("t = (7), dim = 6", (numbers(7.0), 6)),
        Case("t = (0.5, 20), dim = 8, in float64", (numbers(0.5, 20.0).double(), 8)),
    ]
    ladder.agrees(
        [*cases, Case("t = (0.5, 20), dim = 8, in float64", (numbers(0.5, 20.0).double(), 8))],
        waves_one_by_one,
        WAVES,
    )
    length = ladder.subject(numbers(3.0, 700.0), 16).square().sum(1)
    ladder.same("sin^2 + cos^2 = 1 for each frequency, which", length, numbers(8.0, 8.0), WAVES)


# Samplers


def sample_of_posterior(x, x0, a, after, noise):
    """The posterior by precisions; in the clean picture nothing is random."""
    if after == 1:
        return x0
    mean, variance = two_witnesses(x0, x, a, after)
    return (mean.double() + math.sqrt(variance) * noise.double()).to(x.dtype)


def ddpm_step(ladder: Ladder) -> None:
    """By hand, neighbours, far apart, the last step; then pictures are treated alone."""
    x, x0, noise = draw(0, 3, 2, 4), draw(1, 3, 2, 4), draw(2, 3, 2, 4)
    by_hand = (numbers(2.0), numbers(1.0), 0.36, 0.64, numbers(1.0))
    cases = [
        Case("x = (2), x0 = (1), a = 0.36, after = 0.64, noise = (1)", by_hand),
        Case("3 pictures from a = 0.5 to 0.52", (x, x0, 0.5, 0.52, noise)),
        Case("3 pictures from a = 0.01 to 0.9", (x, x0, 0.01, 0.9, noise)),
        Case("the last step, after = 1", (x, x0, 0.98, 1.0, noise)),
        Case("the last step but one, after = 0.9995", (x, x0, 0.99, 0.9995, noise)),
    ]
    ladder.agrees([*cases, cases[2].wide()], sample_of_posterior, DIVIDED)
    alone = ladder.subject(x[1:], x0[1:], 0.5, 0.52, noise[1:])
    ladder.same(
        "Each picture is treated alone, which", alone, ladder.subject(x, x0, 0.5, 0.52, noise)[1:], CLOSE
    )


def on_two_circles(x, x0, a, after, noise=None, eta=0.0):
    """Solve for the noise at the old angle; share it out at the new one. The fresh part by precisions."""
    turn, then = angle(a), angle(after)
    old = (x.double() - turn.cos() * x0.double()) / turn.sin()
    fresh = eta**2 * two_witnesses(x0, x, a, after)[1] if eta else 0.0
    y = then.cos() * x0.double() + (then.sin() ** 2 - fresh).sqrt() * old
    return (y if noise is None else y + math.sqrt(fresh) * noise.double()).to(x.dtype)


def ddim_step(ladder: Ladder) -> None:
    """Without fresh noise, with some, with all; then all is the random step, and jumps add up."""
    x, x0, noise = draw(0, 3, 2, 4), draw(1, 3, 2, 4), draw(2, 3, 2, 4)
    cases = [
        Case("x = (2), x0 = (1), a = 0.36, after = 0.64", (numbers(2.0), numbers(1.0), 0.36, 0.64)),
        Case("the last step, after = 1", (x, x0, 0.9, 1.0)),
        Case("3 pictures from a = 0.05 to 0.6, eta = 0.5", (x, x0, 0.05, 0.6, noise, 0.5)),
        Case("3 pictures from a = 0.05 to 0.6, eta = 0 with noise", (x, x0, 0.05, 0.6, noise, 0.0)),
        Case("3 pictures from a = 0.45 to 0.6, eta = 1", (x, x0, 0.45, 0.6, noise, 1.0)),
    ]
    ladder.agrees([*cases, cases[2].wide()], on_two_circles, DIVIDED)
    clean = ladder.subject(x, x0, 0.9, 1.0, noise, 1.0)
    ladder.same("In the clean picture nothing is random, with eta = 1 as well, which", clean, x0, DIVIDED)
    random = sample_of_posterior(x, x0, 0.05, 0.6, noise)
    ladder.same(
        "With eta = 1 it is the step of DDPM, which",
        ladder.subject(x, x0, 0.05, 0.6, noise, 1.0),
        random,
        DIVIDED,
    )
    twice = ladder.subject(ladder.subject(x, x0, 0.2, 0.5), x0, 0.5, 0.8)
    ladder.same("If x0 stays, two steps are one, which", twice, ladder.subject(x, x0, 0.2, 0.8), DIVIDED)


def with_a_denoiser(mine, x, sigma, after, kind):
    """One step with one of two denoisers: where it ends, and how often it looked."""
    import torch

    looks = []

    def denoise(x, sigma):
        looks.append(sigma)
        return x * 0.25 / (0.25 + sigma**2) if kind == "gaussian" else torch.tanh(x / (1 + sigma))

    return {"image": mine(denoise, x, sigma, after), "calls of denoise": len(looks)}


def trapezium(x, sigma, after, kind):
    """Slopes in float64, the area between two sigmas under the line from the first slope to the second."""

    def slope(x, sigma):
        if kind == "gaussian":
            return x * sigma / (0.25 + sigma**2)
        return (x - torch.tanh(x / (1 + sigma))) / sigma

    x64, h = x.double(), after - sigma
    first = slope(x64, sigma)
    if after == 0:
        return {"image": (x64 + h * first).to(x.dtype), "calls of denoise": 1}
    second = slope(x64 + h * first, after)
    image = torch.lerp(x64 + h * first, x64 + h * second, 0.5).to(x.dtype)
    return {"image": image, "calls of denoise": 2}


def heun_step(ladder: Ladder) -> None:
    """Gaussian data by hand, a curved denoiser, the last step; then two half steps are four times as good."""
    x = draw(0, 3, 2, 4)
    cases = [
        Case("data of variance 1/4, x = (2), from sigma 1 to 0.5", (numbers(2.0), 1.0, 0.5, "gaussian")),
        Case("3 pictures, D = tanh(x / (1 + sigma)), from 10 to 3", (x, 10.0, 3.0, "tanh")),
        Case("the last step, from 0.1 to 0", (x, 0.1, 0.0, "tanh")),
        Case("the last step but one, from 0.1 to 0.002", (x, 0.1, 0.002, "tanh")),
    ]
    ladder.agrees([*cases, cases[1].wide()], trapezium, DIVIDED, through=with_a_denoiser)
    start, true = torch.ones(1, dtype=torch.float64), math.sqrt((0.25 + 0.64) / 1.25)  # the exact flow
    step = ladder.inside(with_a_denoiser)
    once = step(start, 1.0, 0.8, "gaussian")["image"].item()
    half = step(start, 1.0, 0.9, "gaussian")["image"]
    twice = step(half, 0.9, 0.8, "gaussian")["image"].item()
    better = abs(once - true) / abs(twice - true)
    ladder.holds(f"Two half steps were to be about 4 times as good as one; it is {better:.1f}.", better > 3)


def between(told, untold, scale):
    """On the line through both, in float64."""
    return torch.lerp(untold.double(), told.double(), scale).to(told.dtype)


def guidance(ladder: Ladder) -> None:
    """By hand, without the class, as it is, exaggerated; then equal answers stay."""
    told, untold = draw(0, 3, 2, 4), draw(1, 3, 2, 4)
    cases = [Case("told = (3), untold = (1), scale = 2", (numbers(3.0), numbers(1.0), 2.0))]
    cases += [Case(f"3 pictures, scale = {scale}", (told, untold, scale)) for scale in (0.0, 0.3, 1.0, 7.5)]
    ladder.agrees([*cases, cases[-1].wide()], between, CLOSE)
    ladder.same(
        "Where the class changes nothing, nothing changes, which",
        ladder.subject(told, told, 4.0),
        told,
        CLOSE,
    )


def line(noise, data, t):
    """Between two points, and the difference quotient of the place, in float64."""
    start, end = noise.double(), data.double()
    place = torch.lerp(start, end, t.double().expand_as(start))
    return place.to(data.dtype), ((end - start) / 1).to(data.dtype)


def flow_target(ladder: Ladder) -> None:
    """By hand, the ends, a time for each picture; then the velocity leads to the line's end."""
    noise, data, t = draw(0, 3, 2, 4), draw(1, 3, 2, 4), torch.tensor([0.0, 0.3, 1.0])[:, None, None]
    cases = [
        Case("noise = (1), data = (5), t = (0.25)", (numbers(1.0), numbers(5.0), numbers(0.25))),
        Case("3 pictures at t = 0, 0.3 and 1", (noise, data, t)),
        Case("each column at its own time", (noise[0], data[0], numbers(0.2, 0.4, 0.6, 0.8))),
        Case("2 points of the plane, t = 0.5 for both", (noise[0, :, :2], data[0, :, :2], numbers(0.5))),
    ]
    ladder.agrees([*cases, cases[1].wide()], line, CLOSE)
    x, velocity = ladder.subject(noise, data, t)
    ladder.same(
        "After the rest of the time the picture is reached, which", x + (1 - t) * velocity, data, CLOSE
    )


def walked(x, score, step, noise):
    """A Gaussian about the place a step up the slope, in float64."""
    up = torch.add(x.double(), score.double(), alpha=step)
    return torch.add(up, noise.double(), alpha=math.sqrt(2 * step)).to(x.dtype)


def langevin_step(ladder: Ladder) -> None:
    """By hand, without noise, without slope; then many walkers keep the spread of N(0, 1)."""
    x, score, noise = draw(0, 3, 2), draw(1, 3, 2), draw(2, 3, 2)
    by_hand = (numbers(1.0), numbers(2.0), 0.125, numbers(3.0))
    cases = [
        Case("x = (1), score = (2), step = 0.125, noise = (3)", by_hand),
        Case("no noise, step 0.1", (x, score, 0.1, 0 * noise)),
        Case("no slope, step 0.1", (x, 0 * score, 0.1, noise)),
        Case("3 walkers in the plane, step 0.02", (x, score, 0.02, noise)),
        Case("a steep slope, 50 times as large", (x, 50 * score, 0.02, noise)),
    ]
    ladder.agrees([*cases, cases[3].wide()], walked, CLOSE)
    walkers = draw(3, 20_000)
    spread = ladder.subject(walkers, -walkers, 0.05, draw(4, 20_000)).var().item()
    ladder.holds(
        f"Walkers of variance 1 were to keep it within 0.05; {spread:.3f} came.", abs(spread - 1) < 0.05
    )
