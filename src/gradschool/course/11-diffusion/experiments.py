"""Experiments of chapter 11, in the plane: of data that are a known mixture the perfect network is known."""

import math
import statistics
from collections.abc import Callable
from functools import partial

import torch
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import make_moons
from torch import Tensor, nn

from gradschool.evals.generation.sliced import sliced_distance
from gradschool.ops import diffusion
from gradschool.ops.edm import karras_sigmas
from gradschool.ops.flow import even_times, flow_pair, integrate, transport_costs
from gradschool.ops.mixture import mixture_clean, mixture_draw, mixture_score
from gradschool.ops.sampling import SAMPLERS
from gradschool.ops.score import falling_sigmas, langevin_step
from gradschool.tasks.score import ScoreNet, denoising_loss, rings, walk

SEEDS = 3
TURNS = torch.arange(8) * math.pi / 4
RING = 1.2 * torch.stack([TURNS.cos(), TURNS.sin()], 1)  # eight peaks
SHARES = torch.arange(1.0, 9.0) / 36
NARROW = 0.01  # variance of a peak
CLASSES = torch.tensor([[90.0 - 22, 90 + 22], [210 - 22, 210 + 22], [330 - 22, 330 + 22]]).deg2rad()
PLACES = torch.stack([CLASSES.cos(), CLASSES.sin()], 2)  # three classes of two peaks each
WIDE = 0.16


def generator(seed: int) -> torch.Generator:
    """A source of randomness of its own."""
    return torch.Generator().manual_seed(seed)


def normal(n: int, source: torch.Generator) -> Tensor:
    """N(0, 1) in the plane."""
    return torch.randn(n, 2, generator=source)


def spread(values: list[float]) -> dict:
    """Mean, deviation and range."""
    return {"n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
            "lowest": min(values), "highest": max(values)}  # fmt: skip


def perfect(x: Tensor, a: float) -> Tensor:
    """What a perfect network sees in points of the ring at level a."""
    return mixture_clean(x, RING, SHARES, NARROW, a)


def karras(steps: int) -> list[float]:
    """Levels of EDM's standard deviations from 80 to 0.002, and 1."""
    return (1 / (1 + karras_sigmas(steps, 0.002, 80.0) ** 2)).tolist()


def small_network(inputs: int) -> nn.Module:
    """Two hidden layers that end in a place of the plane."""
    return nn.Sequential(nn.Linear(inputs, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))


def moons(n: int, seed: int) -> Tensor:
    """Two half moons, centred, with a spread of about 1."""
    points = torch.tensor(make_moons(n, noise=0.06, random_state=seed)[0], dtype=torch.float32)
    return (points - torch.tensor([0.5, 0.25])) * 1.4


def derivations() -> dict:
    """The posterior of x_{t-1} by regression on many chains, and Tweedie's mean by bins."""
    off, scale, tweedie, errors = [], [], [], []
    for seed in range(SEEDS):
        source = generator(seed)
        # 1. Chains: x_0 of any law, x_{t-1} in one jump, x_t one step of variance beta further.
        n, before, beta = 300_000, 0.6, 0.3
        a = before * (1 - beta)
        x0 = torch.rand(n, generator=source, dtype=torch.float64) * 4 - 2
        e1, e2 = torch.randn(2, n, generator=source, dtype=torch.float64)
        earlier = diffusion.q_sample(x0, e1, before)
        later = (1 - beta) ** 0.5 * earlier + beta**0.5 * e2
        # 2. The best linear guess of x_{t-1}, and what it leaves over, against the formula.
        rows = torch.stack([x0, later], 1)
        found = torch.linalg.lstsq(rows, earlier[:, None]).solution[:, 0]
        left = (earlier - rows @ found).var().item()
        one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        at_x0, variance = diffusion.posterior(one, zero, a, before)
        wanted = torch.cat([at_x0, diffusion.posterior(zero, one, a, before)[0]])
        error = (variance * torch.linalg.inv(rows.T @ rows).diagonal()).sqrt()
        off.append(((found - wanted) / error).abs().max().item())
        scale.append(left / variance)
        # 3. Tweedie: clean numbers behind noisy ones that fall in one narrow bin.
        peaks, weights, width, level = torch.tensor([[-1.0], [1.5]]), torch.tensor([0.3, 0.7]), 0.09, 0.5
        clean = mixture_draw(peaks, weights, width, n, source)[:, 0]
        noisy = diffusion.q_sample(clean, torch.randn(n, generator=source), level)
        for centre in (-1.0, 0.0, 0.5, 1.0):
            inside = clean[(noisy - centre).abs() < 0.01]
            said = mixture_clean(torch.tensor([[centre]]), peaks, weights, width, level).item()
            errors.append(inside.std().item() / len(inside) ** 0.5)
            tweedie.append((inside.mean().item() - said) / errors[-1])
    return {
        "seeds": SEEDS, "chains": 300_000, "weights": wanted.tolist(), "variance": float(variance),
        "largest_in_errors": max(off), "variance_ratio": spread(scale),
        "tweedie": {"bins": len(tweedie), "error": statistics.fmean(errors),
                    "root_mean_square": statistics.fmean(v * v for v in tweedie) ** 0.5},
    }  # fmt: skip


def floors() -> dict:
    """The loss of the perfect network in three terms under two schedules; it is not 0, nor comparable."""
    found: dict = {}
    for name, betas in (("linear", diffusion.linear_betas), ("cosine", diffusion.cosine_betas)):
        levels = diffusion.NoiseSchedule(betas(1000)).alpha_bar[5::10].tolist()
        losses: dict[str, list[float]] = {"noise": [], "clean": [], "v": []}
        for seed in range(SEEDS):
            source = generator(seed)
            sums = dict.fromkeys(losses, 0.0)
            for a in levels:
                x0, noise = mixture_draw(RING, SHARES, NARROW, 2000, source), normal(2000, source)
                x = diffusion.q_sample(x0, noise, a)
                guess = perfect(x, a)
                e = (x - a**0.5 * guess) / (1 - a) ** 0.5
                for kind in sums:
                    wanted, said = (diffusion.target(*pair, a, kind) for pair in ((x0, noise), (guess, e)))  # type: ignore[call-arg]
                    sums[kind] += (said - wanted).square().mean().item() / len(levels)
            for kind in sums:
                losses[kind].append(sums[kind])
        found[name] = {kind: spread(values) for kind, values in losses.items()}
    return found | {"seeds": SEEDS}


def solvers() -> dict:
    """Distance to the data against evaluations of the perfect network, for four samplers on two grids."""
    schedule = diffusion.NoiseSchedule(diffusion.cosine_betas(1000))
    grids: dict[str, Callable[[int], list[float]]] = {"even": schedule.levels, "karras": karras}
    budgets, n = [8, 16, 32, 64, 128, 1000], 2000
    result: dict = {"budgets": budgets, "points": n, "seeds": SEEDS}
    data = [mixture_draw(RING, SHARES, NARROW, n, generator(1000 + seed)) for seed in range(SEEDS)]
    again = [mixture_draw(RING, SHARES, NARROW, n, generator(2000 + seed)) for seed in range(SEEDS)]
    result["floor"] = spread([sliced_distance(a, b) for a, b in zip(data, again, strict=True)])
    for grid, levels in grids.items():
        result[grid] = {name: [] for name in SAMPLERS}
        for name, sampler in SAMPLERS.items():
            for budget in budgets:
                steps = (budget + 1) // 2 if name == "heun" else budget
                off = []
                for seed in range(SEEDS):
                    source = generator(seed)
                    *_, x = sampler(perfect, normal(n, source), levels(steps), partial(normal, n, source))
                    off.append(sliced_distance(x, data[seed]))
                looks = 2 * steps - 1 if name == "heun" else steps
                result[grid][name].append(spread(off) | {"evaluations": looks})
    return result


def guided(label: int, scale: float, n: int, source: torch.Generator) -> Tensor:
    """Points of one class by perfect networks, one told the class and one not, with guidance."""
    means, weights = PLACES.flatten(0, 1), torch.full((6,), 1 / 6)

    def denoise(x: Tensor, a: float) -> Tensor:
        told = mixture_clean(x, PLACES[label], weights[:2] * 3, WIDE, a)
        return diffusion.guide(told, mixture_clean(x, means, weights, WIDE, a), scale)

    *_, x = SAMPLERS["heun"](denoise, normal(n, source), karras(40), partial(normal, n, source))
    return x


def guidance() -> dict:
    """Share of points that Bayes' rule gives to the class asked for, their spread and distance, by scale."""
    scales, n = [0.0, 1.0, 1.5, 3.0, 8.0], 1500
    means, weights = PLACES.flatten(0, 1), torch.full((6,), 1 / 6)
    rows = []
    for scale in scales:
        right, wide, far = [], [], []
        for seed in range(SEEDS):
            source = generator(seed)
            parts = [guided(label, scale, n, source) for label in range(3)]
            truth = [mixture_draw(PLACES[label], weights[:2] * 3, WIDE, n, source) for label in range(3)]
            hits = []
            for label, x in enumerate(parts):
                log_joint = -(x[:, None] - means).square().sum(2) / (2 * WIDE)
                p = log_joint.softmax(1).view(-1, 3, 2).sum(2)
                hits.append((p.argmax(1) == label).float().mean().item())
            right.append(statistics.fmean(hits))
            pairs = list(zip(parts, truth, strict=True))
            wide.append(statistics.fmean((x.var(0).sum() / t.var(0).sum()).sqrt().item() for x, t in pairs))
            far.append(statistics.fmean(sliced_distance(x, t) for x, t in pairs))
        rows.append({"scale": scale, "accuracy": spread(right), "diversity": spread(wide),
                     "distance": spread(far)})  # fmt: skip
    return {"rows": rows, "scales": scales, "points": 3 * n, "seeds": SEEDS}


def trained(network: nn.Module, steps: int, loss_of: Callable[[], Tensor]) -> None:
    """Adam with a falling rate."""
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        loss_of().backward()
        optimiser.step()
        decay.step()


def flow_trained(pairing: str, seed: int, steps: int = 1000, batch: int = 128) -> Callable:
    """A velocity learned from moons, with noise and data paired as drawn or so that lines are shortest."""
    torch.manual_seed(seed)
    source, network, data = generator(seed), small_network(3), moons(20_000, seed)

    def loss() -> Tensor:
        noise = normal(batch, source)
        ends = data[torch.randint(len(data), (batch,), generator=source)]
        if pairing == "transport":
            ends = ends[torch.from_numpy(linear_sum_assignment(transport_costs(noise, ends).numpy())[1])]
        t = torch.rand(batch, 1, generator=source)
        x, wanted = flow_pair(noise, ends, t)
        return (network(torch.cat([x, t], 1)) - wanted).square().mean()

    trained(network, steps, loss)
    return torch.no_grad()(lambda x, t: network(torch.cat([x, torch.full((len(x), 1), t)], 1)))


def pairing() -> dict:
    """Bend of the paths and distance after few Euler steps, for two ways to pair noise with data."""
    counts, result, n = [1, 2, 4, 8, 64], {}, 2000
    for way in ("independent", "transport"):
        bends, lengths, far = [], [], {str(steps): [] for steps in counts}  # type: ignore
        for seed in range(SEEDS):
            velocity, data = flow_trained(way, seed), moons(n, 99 + seed)
            start = normal(n, generator(50 + seed))
            times = even_times(64)
            path = [start, *integrate(velocity, start, times)]
            chord = path[-1] - start
            strayed = [(velocity(*at) - chord).square().sum(1).mean() for at in zip(path, times, strict=True)]
            bends.append((torch.stack(strayed).mean() / chord.square().sum(1).mean()).item())
            lengths.append(chord.norm(dim=1).mean().item())
            for steps in counts:
                *_, x = integrate(velocity, start, even_times(steps), "euler")
                far[str(steps)].append(sliced_distance(x, data))
            if seed == 0:
                shown = torch.stack(path[::8])[:, :120].transpose(0, 1)
        result[way] = {
            "bend": spread(bends), "length": spread(lengths),
            "distance": {k: spread(v) for k, v in far.items()},
            "paths": [[[round(c, 3) for c in place] for place in walk] for walk in shown.tolist()],
        }  # fmt: skip
    floor = [sliced_distance(moons(n, 99 + seed), moons(n, 200 + seed)) for seed in range(SEEDS)]
    return result | {"floor": spread(floor), "seeds": SEEDS, "steps": counts}


def langevin() -> dict:
    """Share of walkers at the heavier of two far peaks, by the exact score, in no and in fading noise."""
    means, weights, n, s2 = torch.tensor([[-3.0, 0.0], [3.0, 0.0]]), torch.tensor([0.2, 0.8]), 1000, 0.25
    found: dict[str, list[float]] = {"plain": [], "fading": []}
    for seed in range(SEEDS):
        source = generator(seed)
        x = 8 * normal(n, source)
        for _ in range(1000):
            x = langevin_step(x, mixture_score(x, means, weights, s2), 0.02, normal(n, source))
        found["plain"].append((x[:, 0] > 0).float().mean().item())

        def score(x: Tensor, sigma: Tensor) -> Tensor:
            return mixture_score(x, means, weights, s2 + sigma[0].item() ** 2)

        *_, x = walk(score, n, falling_sigmas(8.0, 0.1, 20).tolist(), 50, source)
        found["fading"].append((x[:, 0] > 0).float().mean().item())
    return {name: spread(values) for name, values in found.items()} | {"steps": 1000, "true": 0.8}


def score_matching() -> dict:
    """Samples of two rings by a learned score and Langevin steps in fading noise; some are kept."""
    sigmas, n, far, floor = falling_sigmas(3.0, 0.05, 12), 2000, [], []
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        network, source = ScoreNet(96), generator(seed)
        trained(network, 1500, lambda: denoising_loss(network, rings(256, source), sigmas, source))  # noqa: B023 - called at once
        with torch.no_grad():
            looks = list(walk(network, n, sigmas.tolist(), 30, source))
        data = rings(n, source)
        far.append(sliced_distance(looks[-1], data))
        floor.append(sliced_distance(rings(n, source), data))
        if seed == 0:
            grid = torch.cartesian_prod(*[torch.linspace(-2.6, 2.6, 17)] * 2)
            arrows = network(grid, torch.full((len(grid), 1), sigmas[7].item())).tolist()
            kept = [looks[i][:300].tolist() for i in (0, 4, 7, 11)]
    rounded = [[[round(c, 2) for c in p] for p in points] for points in (*kept, arrows)]
    return {
        "distance": spread(far), "floor": spread(floor), "steps": 30 * len(sigmas), "seeds": SEEDS,
        "sigmas": sigmas[[0, 4, 7, 11]].tolist(), "points": rounded[:4], "arrows": rounded[4],
    }  # fmt: skip
