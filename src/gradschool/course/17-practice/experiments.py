"""Experiments of chapter 17: search, honest scores, ensembles, learning curves, memory, labels."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from torch import Tensor, nn

from gradschool.course.lessons.recomputed import counted, in_segments
from gradschool.course.lessons.small_models import (
    Reader,
    any_size,
    canvases,
    cropped,
    error,
    kinds,
    learned,
    squeezed,
)
from gradschool.course.lessons.small_nets import Data, Networks, Settings, digits, from_unit, usual
from gradschool.evals.classification.greedy import greedy
from gradschool.ops.practice.folds import nested_choice, out_of_fold
from gradschool.ops.practice.interval import paired_interval
from gradschool.ops.practice.labels import contradicted
from gradschool.ops.practice.power_law import power_law
from gradschool.ops.practice.search import promoted, proposed

SEEDS = 20
TRIALS, STEPS = 24, 60  # of a search: whole trials, and steps of each


def generator(seed: int) -> torch.Generator:
    """A source of randomness of its own."""
    return torch.Generator().manual_seed(seed)


def spread(values: Sequence[float]) -> dict:
    """Mean with its 95 % interval (percentile bootstrap over seeds), and range."""
    x = torch.tensor(list(values), dtype=torch.float64)
    drawn = torch.randint(len(x), (2000, len(x)), generator=generator(0))
    mean, low, high = paired_interval(x, torch.zeros_like(x), [drawn])
    return {"n": len(values), "mean": float(mean), "low": float(low), "high": float(high),
            "lowest": min(values), "highest": max(values)}  # fmt: skip


def trial(
    points: Tensor, seeds: Sequence[int], data: Sequence[Data], steps: int = STEPS
) -> tuple[Tensor, Tensor]:
    """Validation and test errors of networks with these settings, one for each seed with its own data."""
    x, y = (torch.stack([d.train[i] for d in data]) for i in (0, 1))
    nets = Networks(from_unit(points), seeds).learn(x, y, STEPS)
    return errors_of(nets, data)


@torch.no_grad()
def errors_of(nets: Networks, data: Sequence[Data]) -> tuple[Tensor, Tensor]:
    """Validation and test errors, each network on its own parts; all wrong where it has diverged."""
    found = []
    for part in ("val", "test"):
        x, y = (torch.stack([getattr(d, part)[i] for d in data]) for i in (0, 1))
        logits = nets(x)
        wrong = (logits.argmax(2) != y).double().mean(1)
        found.append(torch.where(logits.isfinite().all(2).all(1), wrong, 1.0))
    return found[0], found[1]


GRIDS = {"grid": (3, 2, 2, 2), "known_grid": (6, 2, 2, 1)}


def grid(counts: Sequence[int]) -> Tensor:
    """So many values of rate, decay, momentum and scale, each in the middle of its piece of the range."""
    return torch.cartesian_prod(*((torch.arange(n) + 0.5) / n for n in counts))


def searched(method: str, data: Sequence[Data]) -> dict:
    """What a method finds with each seed: validation error of its best trial so far, its test error."""
    sources = [generator(1000 + seed) for seed in range(SEEDS)]
    orders = [torch.randperm(TRIALS, generator=source) for source in sources]
    tried: list[Tensor] = []
    val: list[Tensor] = []
    test: list[Tensor] = []
    for number in range(TRIALS):
        if method in GRIDS:
            points = torch.stack([grid(GRIDS[method])[order[number]] for order in orders])
        elif method == "tpe" and tried:
            so_far, losses = torch.stack(tried, 1), torch.stack(val, 1)
            points = torch.stack([proposed(p, v, s) for p, v, s in zip(so_far, losses, sources, strict=True)])
        else:
            points = torch.stack([torch.rand(4, generator=source) for source in sources])
        tried.append(points)
        errors = trial(points, [100 * number + seed for seed in range(SEEDS)], data)
        val.append(errors[0])
        test.append(errors[1])
    v, t = torch.stack(val, 1), torch.stack(test, 1)
    best = v.argmin(1, keepdim=True)
    return told(v.cummin(1).values, t.gather(1, best).squeeze(1))


def told(curve: Tensor, test: Tensor) -> dict:
    """A method's numbers: the best validation error so far, mean over seeds, and the last test error."""
    return {"curve": curve.mean(0).tolist(), "val": spread(curve[:, -1].tolist()),
            "test": spread(test.tolist()), "each": test.tolist()}  # fmt: skip


def halved(data: Sequence[Data]) -> dict:
    """Successive halving at the same number of steps: 90 trials begin, a third of them goes on twice."""
    rungs, begin, found, best_val = (7, 20, STEPS), 90, [], []
    used = 0
    for seed, one in enumerate(data):
        points = torch.rand(begin, 4, generator=generator(5000 + seed))
        nets = Networks(from_unit(points), [100 * i + seed for i in range(begin)])
        done, used = 0, 0
        for number, rung in enumerate(rungs):
            nets.learn(*one.train, rung - done)
            used += (rung - done) * len(nets.sources)
            done, val = rung, nets.errors(*one.val)
            if number < len(rungs) - 1:
                kept = promoted(val).nonzero().flatten()
                nets = taken(nets, kept)
        best = int(val.argmin())
        best_val.append(float(val[best]))
        found.append(float(nets.errors(*one.test)[best]))
    return {"begun": begin, "steps": used, "val": spread(best_val), "test": spread(found), "each": found}


def taken(nets: Networks, kept: Tensor) -> Networks:
    """Some of the networks, as far as they are trained."""
    s = nets.settings
    some = Networks(Settings(s.rate[kept], s.decay[kept], s.momentum[kept], s.scale[kept]), [0] * len(kept))
    some.sources = [nets.sources[i] for i in kept.tolist()]
    some.weights = [weight.detach()[kept].clone().requires_grad_() for weight in nets.weights]
    some.speed = [speed[kept] for speed in nets.speed]
    return some


def search() -> dict:
    """Two grids, random search, TPE and successive halving with the same training steps, 20 seeds, digits."""
    data = [digits(seed, 200, 400) for seed in range(SEEDS)]
    found: dict = {"seeds": SEEDS, "trials": TRIALS, "steps": STEPS, "budget": TRIALS * STEPS, "train": 200}
    for method in (*GRIDS, "random", "tpe"):
        found[method] = searched(method, data)
    found["halving"] = halved(data)
    base = torch.tensor(found["random"].pop("each"), dtype=torch.float64)
    drawn = torch.randint(SEEDS, (2000, SEEDS), generator=generator(0))
    for method in (*GRIDS, "tpe", "halving"):
        gap = torch.tensor(found[method].pop("each"), dtype=torch.float64)
        mean, low, high = paired_interval(gap, base, [drawn])
        found[method]["against_random"] = {"mean": float(mean), "low": float(low), "high": float(high),
                                           "better": int((gap < base).sum())}  # fmt: skip
    return found


def rerun() -> dict:
    """The spread over seeds of one setting, and what few seeds say of two settings that differ a little."""
    one = digits(0, 200, 400)
    runs = {name: Networks(usual(200, rate), range(200)).learn(*one.train, STEPS).errors(*one.test)
            for name, rate in (("first", 0.1), ("second", 0.04))}  # fmt: skip
    found = {name: spread(errors.tolist()) for name, errors in runs.items()}
    better, worse = sorted(runs.values(), key=lambda errors: float(errors.mean()))
    wrong = {}
    for n in (1, 3, 10):
        a, b = torch.randint(200, (2, 10_000, n), generator=generator(n))
        wrong[f"n{n}"] = float((better[a].mean(1) >= worse[b].mean(1)).float().mean())
    return {"seeds": 200, **found, "wrong": wrong}


def noise_only(seed: int, settings: int, n: int = 60) -> tuple[Tensor, Tensor, Tensor]:
    """Features that say nothing of the labels, labels -1 and 1, and the columns that each setting uses."""
    source = generator(seed)
    x = torch.randn(n, 200, generator=source, dtype=torch.float64)
    y = torch.where(torch.rand(n, generator=source) < 0.5, -1.0, 1.0).double()
    return x, y, torch.stack([torch.randperm(200, generator=source)[:5] for _ in range(settings)])


def ridge(columns: Tensor) -> Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]]:
    """A learner: ridge regression on some columns."""

    def learn(x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
        a = x[:, columns]
        w = torch.linalg.solve(a.T @ a + torch.eye(len(columns), dtype=a.dtype), a.T @ y)
        return lambda new: new[:, columns] @ w

    return learn


def by_folds(x: Tensor, y: Tensor, columns: Tensor, fold: Tensor) -> Tensor:
    """1 for each example whose out-of-fold prediction has the wrong sign."""
    return (out_of_fold(ridge(columns), x, y, fold).sign() != y).double()


def optimism() -> dict:
    """The best of 1 to 40 settings by five folds, on labels that are noise: flat and nested error."""
    repeats, found = 40, {}
    for settings in (1, 10, 40):
        flat, nested = [], []
        for seed in range(repeats):
            x, y, columns = noise_only(seed, settings)
            fold = torch.arange(len(x)) % 5
            each = torch.stack([by_folds(x, y, c, fold) for c in columns])
            flat.append(float(each.mean(1).min()))
            inner, outer = [], []
            for number in range(5):
                rest = fold != number
                inside = torch.arange(int(rest.sum())) % 5
                inner.append(torch.stack([by_folds(x[rest], y[rest], c, inside).mean() for c in columns]))
                outer.append(each[:, ~rest].mean(1))
            nested.append(float(nested_choice(torch.stack(inner), torch.stack(outer))[1]))
        found[f"s{settings}"] = {"settings": settings, "flat": spread(flat), "nested": spread(nested)}
    return {"repeats": repeats, "examples": 60, "of": found}


def leak() -> dict:
    """Five of 1,000 columns of noise, chosen by all labels before the folds, or anew in every fold."""

    def best(x: Tensor, y: Tensor) -> Tensor:
        return (x * y[:, None]).mean(0).abs().topk(5).indices

    def choosing(x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
        return ridge(best(x, y))(x, y)

    before, inside = [], []
    for seed in range(40):
        source = generator(seed)
        x = torch.randn(60, 1000, generator=source, dtype=torch.float64)
        y = torch.where(torch.rand(60, generator=source) < 0.5, -1.0, 1.0).double()
        fold = torch.arange(60) % 5
        before.append(float(by_folds(x, y, best(x, y), fold).mean()))
        inside.append(float((out_of_fold(choosing, x, y, fold).sign() != y).double().mean()))
    return {"repeats": 40, "before": spread(before), "inside": spread(inside)}


def curve() -> dict:
    """The error over 40 to 320 training digits, and what a power law through it says of 640 and 1,280."""
    sizes, rows = (40, 80, 160, 320, 640, 1280), {}
    for n in sizes:
        data = [digits(seed, n, 0) for seed in range(SEEDS)]
        x, y = (torch.stack([d.train[i] for d in data]) for i in (0, 1))
        nets = Networks(usual(SEEDS), range(SEEDS)).learn(x, y, 400)
        rows[n] = errors_of(nets, [Data(d.train, d.test, d.test) for d in data])[1]
    known = torch.tensor(sizes[:4], dtype=torch.float64)
    a, b = power_law(known, torch.stack([rows[n].mean() for n in sizes[:4]]))
    found = {f"n{n}": {"n": n, "error": spread(rows[n].tolist()), "law": float(a * n**-b)} for n in sizes}
    return {"seeds": SEEDS, "a": float(a), "b": float(b), "gain": float(1 - 2**-b), "of": found}


def accumulation() -> dict:
    """The gradient of a batch of 64 against that of micro-batches, with and without batch normalisation."""
    one, found = digits(0, 64, 0), dict[str, dict]()
    x, y = one.train
    for name in ("none", "batch", "layer"):
        torch.manual_seed(0)
        norm = {"none": nn.Identity(), "batch": nn.BatchNorm1d(32), "layer": nn.LayerNorm(32)}[name]
        net = nn.Sequential(nn.Linear(64, 32), norm, nn.ReLU(), nn.Linear(32, 10)).double()
        whole = gradient(net, [(x, y)])
        for pieces in (4, 16, 32):
            parts = list(zip(x.chunk(pieces), y.chunk(pieces), strict=True))
            gap = (gradient(net, parts) - whole).norm() / whole.norm()
            found.setdefault(name, {})[f"p{pieces}"] = float(gap)
    return {"size": 64, **found}


def gradient(net: nn.Module, parts: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """The gradient of the mean loss over all parts, one after the other."""
    net.zero_grad()
    total = sum(len(y) for _, y in parts)
    for x, y in parts:
        (nn.functional.cross_entropy(net(x.double()), y) * len(y) / total).backward()
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


def memory() -> dict:
    """Bytes that autograd keeps for 64 layers of 256 units, a batch of 256, over the number of segments."""
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Linear(256, 256), nn.Tanh()) for _ in range(64)]
    weights = [p for layer in layers for p in layer.parameters()]
    x, found = torch.randn(256, 256), {}
    for segments in (0, 1, 2, 4, 8, 16, 32, 64):
        for layer in layers:
            layer.zero_grad()
        with counted(weights) as live:
            in_segments(layers, x.clone().requires_grad_(), segments).square().mean().backward()
        size = torch.cat([w.grad.flatten() for w in weights if w.grad is not None])
        seconds = [timed(layers, x, segments) for _ in range(5)]
        found[f"k{segments}"] = {"segments": segments, "megabytes": live.peak / 1e6,
                                 "seconds": min(seconds), "gradient": float(size.norm())}  # fmt: skip
    plain = found["k0"]
    for row in found.values():
        row["times"] = row["seconds"] / plain["seconds"]
        row["gap"] = abs(row["gradient"] / plain["gradient"] - 1)
    return {"layers": 64, "batch": 256, "of": found}


RUNGS = {  # pieces of the batch, blocks that are computed again, bfloat16
    "plain": (1, 0, False), "accumulated": (8, 0, False), "recomputed": (1, 8, False), "both": (8, 8, False),
    "mixed": (1, 0, True), "all": (8, 8, True),
}  # fmt: skip


def ladder() -> dict:
    """Bytes that autograd keeps at the peak for 64 layers of 256 units and a batch of 256, as it is and with
    what makes it fit, and how far the gradient is from that of the whole batch.
    """
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Linear(256, 256), nn.Tanh()) for _ in range(64)]
    weights = [p for layer in layers for p in layer.parameters()]
    x, found = torch.randn(256, 256), {}
    whole = torch.zeros(0)
    for name, (pieces, segments, half) in RUNGS.items():
        for weight in weights:
            weight.grad = None
        with counted(weights) as live, torch.autocast("cpu", torch.bfloat16, enabled=half):
            for part in x.chunk(pieces):
                y = in_segments(layers, part.clone().requires_grad_(), segments)
                (y.float().square().mean() / pieces).backward()
        gradient = torch.cat([w.grad.flatten() for w in weights if w.grad is not None])
        whole = whole if len(whole) else gradient
        gap = float((gradient - whole).norm() / whole.norm())
        found[name] = {"megabytes": live.peak / 1e6, "gap": gap}
    states = 16 * sum(w.numel() for w in weights) / 1e6
    return {"weights": states, "of": found}


def timed(layers: Sequence[nn.Module], x: Tensor, segments: int) -> float:
    """Processor seconds of a forward and a backward pass."""
    start = time.process_time()
    in_segments(layers, x.clone().requires_grad_(), segments).square().mean().backward()
    return time.process_time() - start


def labels() -> dict:
    """How many of the digits' labels neighbours contradict where 0 to 20 % of them are made wrong."""
    one, found = digits(0, 1797, 0), {}
    x, y = one.train
    for percent in (0, 5, 10, 20):
        source = generator(percent)
        wrong = torch.rand(len(y), generator=source) < percent / 100
        other = (y + torch.randint(1, 10, (len(y),), generator=source)) % 10
        agreeing, told = contradicted(x, torch.where(wrong, other, y))
        hits = int((told & wrong).sum())
        found[f"p{percent}"] = {
            "wrong": int(wrong.sum()), "named": int(told.sum()),
            "share": int(told.sum()) / (float(agreeing) * len(y)),
            "precision": hits / max(1, int(told.sum())), "recall": hits / max(1, int(wrong.sum())),
        }  # fmt: skip
    return {"examples": len(y), **found}


MEMBERS = 8


def ensembles() -> dict:
    """Weights by greedy selection, fitted on the members' training part, on held-out and on out-of-fold
    examples: their test loss and error against the plain mean, 20 seeds.
    """
    data = [digits(seed, 200, 400) for seed in range(SEEDS)]
    x, y = (torch.stack([d.train[i] for d in data]).repeat_interleave(MEMBERS, 0) for i in (0, 1))
    count = SEEDS * MEMBERS
    source = generator(0)
    sees = (torch.rand(count, 1, 64, generator=source) < 0.5).float()
    settings = usual(count)
    settings = Settings(10 ** (-2.5 + 2 * torch.rand(count, generator=source)), settings.decay,
                        settings.momentum, settings.scale)  # fmt: skip
    nets = Networks(settings, range(count)).learn(sees * x, y, 300)
    # 1. What the members say: of their training part, of the other parts, and out of fold.
    own = said(nets, sees, [d.train for d in data])
    held = said(nets, sees, [d.val for d in data])
    test = said(nets, sees, [d.test for d in data])
    folds = torch.zeros_like(own)
    for number in range(5):
        out = torch.arange(200) % 5 == number
        part = Networks(settings, range(count)).learn((sees * x)[:, ~out], y[:, ~out], 300)
        folds[:, :, out] = said(part, sees, [(d.train[0][out], d.train[1][out]) for d in data])
    # 2. Weights, judged on the test part.
    rows: dict[str, list[tuple[float, float]]] = {}
    for i, one in enumerate(data):
        few = one.val[1][:30]
        fits = {"in_sample": (own[i], one.train[1]), "held_30": (held[i][:, :30], few),
                "held_400": (held[i], one.val[1]), "out_of_fold": (folds[i], one.train[1])}  # fmt: skip
        weights = {name: greedy(*fit).double() for name, fit in fits.items()}
        alone = torch.stack([score(each, one.val[1])[0] for each in held[i]])
        weights |= {"mean": torch.ones(MEMBERS).double(), "best": (alone == alone.min()).double()}
        for name, w in weights.items():
            mixed = (w.view(-1, 1, 1) / w.sum() * test[i].double()).sum(0)
            loss, wrong = score(mixed, one.test[1])
            rows.setdefault(name, []).append((float(loss), float(wrong)))
    return {"seeds": SEEDS, "members": MEMBERS, "train": 200, **{name: judged(row, rows["mean"])
            for name, row in rows.items()}}  # fmt: skip


@torch.no_grad()
def said(nets: Networks, sees: Tensor, parts: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Probabilities (seeds, members, n, 10) of each seed's members for its part."""
    x = torch.stack([part[0] for part in parts]).repeat_interleave(MEMBERS, 0)
    return nets(sees * x).softmax(2).view(len(parts), MEMBERS, x.shape[1], 10)


def score(p: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Log-loss and error of probabilities (n, 10)."""
    return -p[torch.arange(len(y)), y].clamp(min=1e-12).log().mean(), (p.argmax(1) != y).double().mean()


def judged(row: Sequence[tuple[float, float]], mean: Sequence[tuple[float, float]]) -> dict:
    """Loss and error over seeds, and how they differ from the plain mean's."""
    found = {}
    for place, name in enumerate(("loss", "error")):
        values, base = [each[place] for each in row], [each[place] for each in mean]
        gaps = spread([a - b for a, b in zip(values, base, strict=True)])
        found[name] = {
            **spread(values),
            "gap": gaps,
            "better": sum(a < b for a, b in zip(values, base, strict=True)),
        }
    return found


def sizes() -> dict:
    """The test loss and error of the plain mean of 1 to 32 networks that differ in their seed alone."""
    seeds, most, found = 10, 32, {}
    data = [digits(seed, 200, 400) for seed in range(seeds)]
    x, y = (torch.stack([d.train[i] for d in data]).repeat_interleave(most, 0) for i in (0, 1))
    nets = Networks(usual(seeds * most), range(seeds * most)).learn(x, y, 200)
    test = torch.stack([d.test[0] for d in data]).repeat_interleave(most, 0)
    with torch.no_grad():
        p = nets(test).softmax(2).view(seeds, most, -1, 10).double()
    for n in (1, 2, 4, 8, 16, 32):
        scores = [score(each[:n].mean(0), d.test[1]) for each, d in zip(p, data, strict=True)]
        found[f"m{n}"] = {"members": n, "loss": spread([float(a) for a, _ in scores]),
                          "error": spread([float(b) for _, b in scores])}  # fmt: skip
    return {"seeds": seeds, "of": found}


def distil() -> dict:
    """A student of 6 units: from 200 labels, from a teacher's answers to them, and to 1,000 more."""
    rows: dict[str, list[float]] = {"teacher": [], "labels": [], "soft": [], "unlabelled": []}
    for seed in range(8):
        one = digits(seed, 200, 1000)
        teacher = Networks(usual(16), range(16)).learn(*one.train, 200)
        with torch.no_grad():
            more = torch.cat([one.train[0], one.val[0]])
            soft = teacher(more).softmax(2).mean(0)
            wrong = teacher(one.test[0]).softmax(2).mean(0).argmax(1) != one.test[1]
        rows["teacher"].append(float(wrong.float().mean()))
        labels = torch.cat([one.train[1], one.val[1]])
        for name, n, target in (("labels", 200, None), ("soft", 200, soft[:200]), ("unlabelled", 1200, soft)):
            students = Networks(usual(8, 0.05), range(8), hidden=6).learn(more[:n], labels[:n], 800, target)
            rows[name].append(float(students.errors(*one.test).mean()))
    return {"seeds": 8, "students": 8, "hidden": 6, **{name: spread(each) for name, each in rows.items()}}


def transfer() -> dict:
    """Digits 5 to 9 from 1, 5 and 20 examples of each: from scratch, on frozen convolutions that know 0 to 4,
    fine-tuned from these, and on convolutions that have learned labels drawn by chance.
    """
    seeds, build, found = 10, kinds()["convolutions"], {}
    one = digits(0, 1200, 0)
    x, y = one.train[0].view(-1, 1, 8, 8), one.train[1]
    low, high = y < 5, one.test[1] > 4
    test = one.test[0][high].view(-1, 1, 8, 8), one.test[1][high]
    chance = torch.randint(5, (int(low.sum()),), generator=generator(0))
    torch.manual_seed(0)
    body, odd = (learned(build(), x[low], labels, 400, 0) for labels in (y[low], chance))
    ways: dict[str, tuple[Any, bool]] = {
        "scratch": (None, False), "frozen": (body, True), "fine_tuned": (body, False), "odd": (odd, True)
    }  # fmt: skip
    for shots in (1, 5, 20):
        rows: dict[str, list[float]] = {name: [] for name in ways}
        for seed in range(seeds):
            picked = few(y, shots, seed)
            for name, (source, is_frozen) in ways.items():
                torch.manual_seed(seed)
                net: Any = build()
                if source is not None:
                    net[:-1].load_state_dict(source[:-1].state_dict())
                net[:-1].requires_grad_(not is_frozen)
                rows[name].append(error(learned(net, x[picked], y[picked], 120, seed, 1e-2), *test))
        found[f"s{shots}"] = {"shots": shots, **{name: spread(each) for name, each in rows.items()}}
    return {"seeds": seeds, "of": found}


def few(y: Tensor, shots: int, seed: int) -> Tensor:
    """The places of so many examples of each digit from 5 to 9."""
    order = torch.randperm(len(y), generator=generator(seed))
    return torch.cat([order[y[order] == digit][:shots] for digit in range(5, 10)])


def hybrid() -> dict:
    """Convolutions, attention, and one behind the other: digits, equal steps, about equal weights."""
    found: dict = {}
    for n in (100, 1000):
        for name, build in kinds().items():
            errors, seconds = [], 0.0
            for seed in range(5):
                one = digits(seed, n, 0)
                torch.manual_seed(seed)
                net = build()
                start = time.process_time()
                x, test = (part[0].view(-1, 1, 8, 8) for part in (one.train, one.test))
                learned(net, x, one.train[1], 300, seed)
                seconds += time.process_time() - start
                errors.append(error(net, test, one.test[1]))
            row = {
                "weights": sum(p.numel() for p in net.parameters()),
                "seconds": seconds / 5,
                **spread(errors),
            }
            found.setdefault(name, {})[f"n{n}"] = row
    return {"seeds": 5, "steps": 300, **found}


def native() -> dict:
    """Digits of one size on canvases of many sizes: resized to a square, cropped to it, or as they are."""
    rows: dict[str, list[float]] = {"resized": [], "cropped": [], "native": []}
    for seed in range(3):
        one = digits(seed, 1000, 0)
        parts = [canvases(x, seed + i) for i, (x, _) in enumerate((one.train, one.test))]
        ways = {"resized": squeezed, "cropped": cropped, "native": lambda whole, _: whole}
        for name, way in ways.items():
            torch.manual_seed(seed)
            train, test = (way(*part) for part in parts)
            net = learned(any_size(), train, one.train[1], 400, seed, 1e-2)
            rows[name].append(error(net, test, one.test[1]))
    pixels = float(parts[0][1].prod(1).float().mean())
    return {"seeds": 3, "pixels": pixels, **{name: spread(each) for name, each in rows.items()}}


def forecast() -> dict:
    """Tomorrow's lowest temperature (Melbourne, 1981 to 1990): naive, boosted trees, LSTM, and their mean."""
    file = Path(os.environ["GRADSCHOOL_DATA"]) / "timeseries" / "daily-min-temperatures.csv"
    values = [float(line.split(",")[1].strip('"\n ?')) for line in file.read_text().splitlines()[1:]]
    series = torch.tensor(values)
    series = (series - series[:2500].mean()) / series[:2500].std()
    lags = 28
    x, y = series.unfold(0, lags, 1)[:-1], series[lags:]
    cut = 2500 - lags
    day = torch.arange(len(y)) * (2 * torch.pi / 365.25)
    table = torch.cat([x, day.sin()[:, None], day.cos()[:, None]], 1).numpy()
    scale = float(torch.tensor(values)[:2500].std())
    rows: dict[str, list[float]] = {"naive": [], "trees": [], "lstm": [], "blend": []}
    for seed in range(5):
        trees = HistGradientBoostingRegressor(
            max_iter=150, learning_rate=0.05, max_leaf_nodes=15, random_state=seed
        )
        trees = trees.fit(table[:cut], y[:cut].numpy())
        torch.manual_seed(seed)
        net = learned(Reader(), x[:cut], y[:cut], 400, seed, 1e-2)
        with torch.no_grad():
            said = {
                "naive": x[cut:, -1].numpy(),
                "trees": trees.predict(table[cut:]),
                "lstm": net(x[cut:])[:, 0].numpy(),
            }
        said["blend"] = (said["trees"] + said["lstm"]) / 2
        for name, each in said.items():
            rows[name].append(scale * float(np.abs(each - y[cut:].numpy()).mean()))
    return {"seeds": 5, "days": len(y) - cut, **{name: spread(each) for name, each in rows.items()}}
