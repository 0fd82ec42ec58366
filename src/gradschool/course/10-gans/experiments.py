"""Experiments of chapter 10, on points of the line and of the plane; all seeds are trained side by side."""

import statistics
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from math import log, pi

import torch
from torch import Tensor

from gradschool.ops import adversarial as ops

SEEDS, BATCH, WIDTH = 6, 64, 48
RADIUS, SIGMA = 2.0, 0.1  # of the ring, and of each of its Gaussians


def spread(values: list[float]) -> dict:
    """Median, mean, deviation and range."""
    return {
        "n": len(values), "median": statistics.median(values), "mean": statistics.fmean(values),
        "deviation": statistics.stdev(values), "lowest": min(values), "highest": max(values),
    }  # fmt: skip


class Nets(torch.nn.Module):
    """Many small perceptrons at once, each with its own weights: (nets, b, inputs) to (nets, b, outputs).

    Args:
        nets: how many.
        sizes: of the layers; rectifiers with slope 0.2 stand between them.
        seed: of the first weights.
        reach: divide every matrix by its largest singular value and multiply the result by this; 0: do not.
    """

    def __init__(self, nets: int, sizes: list[int], seed: int = 0, reach: float = 0.0) -> None:
        super().__init__()
        self.reach = reach
        draw = partial(torch.randn, generator=torch.Generator().manual_seed(seed))
        pairs = list(pairwise(sizes))
        self.weights = torch.nn.ParameterList(draw(nets, i, o) * (2 / i) ** 0.5 for i, o in pairs)
        self.biases = torch.nn.ParameterList(torch.zeros(nets, 1, o) for _, o in pairs)
        self.u = [draw(nets, i) for i, _ in pairs] if reach else []

    def forward(self, x: Tensor) -> Tensor:
        """All nets, each on its own points."""
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if self.u:
                sigma, self.u[k] = torch.vmap(ops.spectral_norm.plain)(weight, self.u[k])
                weight = weight / sigma[:, None, None]
            x = torch.baddbmm(bias, torch.nn.functional.leaky_relu(x, 0.2) if k else x, weight)
        return self.reach * x if self.reach else x


def ring(nets: int, n: int, generator: torch.Generator) -> Tensor:
    """Points of 8 Gaussians on a circle, (nets, n, 2)."""
    angle = torch.randint(8, (nets, n), generator=generator) * (2 * pi / 8)
    centre = RADIUS * torch.stack([angle.cos(), angle.sin()], 2)
    return centre + SIGMA * torch.randn(nets, n, 2, generator=generator)


def penalised(critic: Nets, real: Tensor, fake: Tensor, generator: torch.Generator) -> Tensor:
    """The gradient penalty of all nets with lambda = 1, summed over them."""
    share = torch.rand(real.shape[:2].numel(), generator=generator)
    points = ops.between(real.flatten(0, 1), fake.flatten(0, 1), share).requires_grad_()
    slope = ops.slopes(critic(points.view_as(real)).flatten(), points)
    return len(real) * ops.gradient_penalty(slope)


GAMES = {
    "gan": (ops.discriminator_loss, ops.non_saturating_loss),
    "hinge": (ops.hinge_discriminator_loss, ops.raise_score),
    "wgan_gp": (ops.critic_loss, ops.raise_score),
    "spectral": (ops.hinge_discriminator_loss, ops.raise_score),
    "spectral_10": (ops.hinge_discriminator_loss, ops.raise_score),
}
REACH = {"spectral": 1.0, "spectral_10": 10.0}  # largest slope of a tamed judge


def played(name: str, steps: int, rate: float) -> Tensor:
    """What SEEDS generators make at the end of a game, (SEEDS, 2000, 2)."""
    # 1. Two players of three layers; the critic with a penalty moves three times as often.
    generator, (judge_loss, maker_loss) = torch.Generator().manual_seed(0), GAMES[name]
    maker = Nets(SEEDS, [8, WIDTH, WIDTH, 2], 1)
    judge = Nets(SEEDS, [2, WIDTH, WIDTH, 1], 2, REACH.get(name, 0.0))
    drawn = partial(torch.randn, SEEDS, generator=generator)
    optim = {net: torch.optim.Adam(net.parameters(), rate, (0.5, 0.99)) for net in (maker, judge)}
    fall = [torch.optim.lr_scheduler.LinearLR(each, 1, 0, steps) for each in optim.values()]
    for _ in range(steps):
        # 2. The judge's turns.
        for _ in range(3 if name == "wgan_gp" else 1):
            real, fake = ring(SEEDS, BATCH, generator), maker(drawn(BATCH, 8)).detach()
            loss = SEEDS * judge_loss(judge(real).flatten(), judge(fake).flatten())
            if name == "wgan_gp":
                loss = loss + penalised(judge, real, fake, generator)
            optim[judge].zero_grad()
            loss.backward()
            optim[judge].step()
        # 3. The maker's.
        optim[maker].zero_grad()
        (SEEDS * maker_loss(judge(maker(drawn(BATCH, 8))).flatten())).backward()
        optim[maker].step()
        for each in fall:
            each.step()
    with torch.no_grad():
        return maker(drawn(2000, 8))


def judged(points: Tensor) -> tuple[int, float]:
    """Gaussians that get a tenth of their share of points, and the share of points within 3 sigma of any."""
    angle = torch.arange(8) * (2 * pi / 8)
    distance, nearest = torch.cdist(points, RADIUS * torch.stack([angle.cos(), angle.sin()], 1)).min(1)
    good = distance < 3 * SIGMA
    counts = nearest[good].bincount(minlength=8)
    return int((counts >= 0.1 * len(points) / 8).sum()), good.float().mean().item()


def modes(rate: float = 3e-3) -> dict:
    """Gaussians covered and share of good points on a ring of 8, by game, after 2500 steps, 6 seeds."""
    steps = 2500
    found: dict = {"n": SEEDS, "steps": steps, "rate": rate}
    for name in GAMES:
        points = played(name, steps, rate)
        covered, good = zip(*(judged(each) for each in points), strict=True)
        found[name] = {
            "covered": spread([float(c) for c in covered]), "good": spread(list(good)),
            "all": sum(c == 8 for c in covered), "points": points[0, :300].mul(1000).round().int().tolist(),
        }  # fmt: skip
    return found


def modes_fast() -> dict:
    """The same at three times the rate."""
    return modes(1e-2)


def stall() -> dict:
    """Gradient of both generator losses as a discriminator learns, made points 8 deviations off, 6 seeds."""
    # 1. Data are 0.5 N(0, 1), the generator makes theta + 0.5 N(0, 1) and theta is 4: it should fall.
    generator, seen = torch.Generator().manual_seed(0), (0, 10, 20, 50, 100, 200, 400)
    judge = Nets(SEEDS, [1, 32, 32, 1], 1)
    optim = torch.optim.Adam(judge.parameters(), 1e-2)
    drawn = partial(torch.randn, SEEDS, generator=generator)
    sides: dict[str, Callable[[Tensor], Tensor]] = {
        "saturating": ops.saturating_loss, "non_saturating": ops.non_saturating_loss,
    }  # fmt: skip
    rows: dict = {"n": SEEDS, "steps": list(seen), "taken_for_real": []} | {name: [] for name in sides}
    for step in range(max(seen) + 1):
        # 2. How theta would move, under each loss.
        if step in seen:
            noise, mean = drawn(2000, 1), torch.full((SEEDS, 1, 1), 4.0, requires_grad=True)
            scores = judge(mean + 0.5 * noise)[..., 0]
            rows["taken_for_real"].append(spread(torch.sigmoid(scores).mean(1).tolist()))
            for name, loss in sides.items():
                total = sum(loss(each) for each in scores)
                (slope,) = torch.autograd.grad(total, mean, retain_graph=True)  # type: ignore[arg-type]
                rows[name].append(spread(slope.flatten().abs().tolist()))
        # 3. The discriminator learns on, the generator waits.
        optim.zero_grad()
        real, fake = 0.5 * drawn(BATCH, 1), 4 + 0.5 * drawn(BATCH, 1)
        (SEEDS * ops.discriminator_loss(judge(real).flatten(), judge(fake).flatten())).backward()
        optim.step()
    return rows


def apart() -> dict:
    """What a discriminator and a critic see of two bars of width 0.2, by their distance, 6 seeds."""
    # 1. Every distance with every seed is a pair of nets of its own.
    places, steps = [0.0, 0.1, 0.2, 0.4, 0.8, 1.6], 400
    at = torch.tensor(places).repeat_interleave(SEEDS).view(-1, 1, 1)
    generator = torch.Generator().manual_seed(0)
    bars = partial(torch.rand, len(at), generator=generator)
    found: dict = {"n": SEEDS, "distances": places, "steps": steps}
    for name in ("discriminator", "critic"):
        judge = Nets(len(at), [1, 32, 32, 1], 1, float(name == "critic"))
        optim = torch.optim.Adam(judge.parameters(), 5e-3, (0.5, 0.9))
        for _ in range(steps):
            # 2. Both learn to tell the bars apart; the critic, tamed, has slopes of at most 1.
            real, fake = 0.2 * bars(BATCH, 1), at + 0.2 * bars(BATCH, 1)
            game = ops.discriminator_loss if name == "discriminator" else ops.critic_loss
            loss = len(at) * game(judge(real).flatten(), judge(fake).flatten())
            optim.zero_grad()
            loss.backward()
            optim.step()
        # 3. JS = (V + ln 4) / 2 with V = -errD; the distance is the gap of mean scores. New points.
        with torch.no_grad():
            real, fake = judge(0.2 * bars(2000, 1))[..., 0], judge(at + 0.2 * bars(2000, 1))[..., 0]
            pairs = zip(real, fake, strict=True)
            told = [
                (log(4) - ops.discriminator_loss(r, f).item()) / 2 if name == "discriminator"
                else -ops.critic_loss(r, f).item() for r, f in pairs
            ]  # fmt: skip
        found[name] = [spread(told[i : i + SEEDS]) for i in range(0, len(told), SEEDS)]
    return found
