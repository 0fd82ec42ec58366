"""Experiments of chapter 4."""

import statistics
from functools import partial

import numpy as np
import torch
from sklearn.datasets import load_digits

from gradschool.nn.optim import Plain
from gradschool.ops import optim
from gradschool.ops.linear import dropout
from gradschool.ops.loss import cross_entropy
from gradschool.scratch.backpropagation.initial import kaiming, sizes, xavier
from gradschool.scratch.neurons.encoders import designs, same_picture, sides, train
from gradschool.scratch.statistics.generalisation import (
    bias_variance,
    early_stopping,
    least_norm,
    polynomial,
    random_features,
)


def spread(values) -> dict:
    """Number, mean, deviation, median and quartiles."""
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    values = [float(v) for v in values]
    return {
        "n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
        "lower": lower, "median": median, "upper": upper,
    }  # fmt: skip


def digits(seed: int, known: int, validation: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Images (n, 64) from 0 to 1 and labels: to learn from, to choose by, to test."""
    bunch = load_digits()
    x, y = torch.tensor(bunch.data, dtype=torch.float32) / 16, torch.tensor(bunch.target)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    parts = order[:known], order[known : known + validation], order[known + validation :]
    return [(x[part], y[part]) for part in parts]


def net(hidden: int, seed: int) -> torch.nn.Sequential:
    """64 pixels, one hidden layer, 10 classes."""
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10))


def judged(model: torch.nn.Module, part: tuple[torch.Tensor, torch.Tensor]) -> tuple[float, float]:
    """Accuracy and cross-entropy."""
    with torch.no_grad():
        z = model(part[0])
        return (z.argmax(1) == part[1]).float().mean().item(), cross_entropy(z, part[1]).item()


OPTIMISERS = {
    "sgd": (optim.sgd, (0.1, 0.3, 1.0, 3.0)),
    "momentum": (optim.momentum, (0.01, 0.03, 0.1, 0.3)),
    "nesterov": (optim.nesterov, (0.01, 0.03, 0.1, 0.3)),
    "adadelta": (optim.adadelta, (1.0, 3.0, 10.0, 30.0)),
    "rmsprop": (optim.rmsprop, (0.001, 0.003, 0.01, 0.03)),
    "adam": (optim.adam, (0.003, 0.01, 0.03, 0.1)),
    "adamw": (optim.adamw, (0.003, 0.01, 0.03, 0.1)),
    "adamax": (optim.adamax, (0.006, 0.02, 0.06, 0.2)),
    "muon": (optim.muon, (0.003, 0.01, 0.03, 0.1)),
}


def optimised(step, rate: float, seed: int) -> tuple[list[float], float, float]:
    """Training loss at the start and after each of 8 epochs, validation loss and test accuracy at the end."""
    known, validation, test = digits(seed, 1000, 297)
    model = net(64, seed)
    optimiser = Plain(model.parameters(), step, lr=rate, weight_decay=0.1 if step is optim.adamw else 0.0)
    curve = [judged(model, known)[1]]
    for _ in range(8):
        for rows in torch.randperm(1000).split(50):
            optimiser.zero_grad()
            cross_entropy(model(known[0][rows]), known[1][rows]).backward()
            optimiser.step()
        curve.append(judged(model, known)[1])
    return curve, judged(model, validation)[1], judged(model, test)[0]


def optimisers() -> dict:
    """Nine optimisers on 1000 digits for 8 epochs, each with the best of four rates on validation digits."""
    seeds, result = range(5), {}
    for name, (step, rates) in OPTIMISERS.items():
        tried = {rate: [optimised(step, rate, seed) for seed in seeds] for rate in rates}
        best = min(rates, key=lambda rate: statistics.fmean(run[1] for run in tried[rate]))
        runs = tried[best]
        result[name] = {
            "rate": best,
            "accuracy": spread([run[2] for run in runs]),
            "after_one_epoch": spread([run[0][1] for run in runs]),
            "at_the_end": spread([run[0][-1] for run in runs]),
            "curve": np.median([run[0] for run in runs], axis=0).tolist(),
        }
    return result | {"n": len(seeds), "seeds": list(seeds)}


def initial() -> dict:
    """Mean square of the values in 30 layers of 200 units for several first weights, 20 seeds."""

    def normal(deviation, inputs, outputs, rng):
        return rng.normal(0, deviation, (inputs, outputs))

    ways = {
        "relu_kaiming": (kaiming, True),
        "relu_xavier": (xavier, True),
        "relu_small": (partial(normal, 0.05), True),
        "relu_large": (partial(normal, 0.2), True),
        "tanh_xavier": (xavier, False),
        "tanh_large": (partial(normal, 0.2), False),
    }
    result: dict = {}
    for name, (draw, rectified) in ways.items():
        runs = []
        for seed in range(20):
            rng = np.random.default_rng(seed)
            bend = (lambda z: np.maximum(z, 0)) if rectified else np.tanh
            runs.append(sizes([draw(200, 200, rng) for _ in range(30)], rng.normal(size=(100, 200)), bend))  # type: ignore[operator]
        quartiles = np.quantile(runs, [0.25, 0.5, 0.75], axis=0).tolist()
        result[name] = dict(zip(("lower", "median", "upper"), quartiles, strict=True))
        result[name]["last"] = spread([run[-1] for run in runs])
    return result | {"n": 20, "layers": 30}


def bias() -> dict:
    """Bias and variance of polynomials of degree 0 to 12 fitted to 15 noisy points of a sine, 500 sets."""
    at, x = np.linspace(-0.9, 0.9, 181), np.linspace(-1, 1, 15)
    rows = []
    for degree in range(13):
        fits = []
        for seed in range(500):
            y = np.sin(3 * x) + np.random.default_rng(seed).normal(0, 0.3, 15)
            w = least_norm(polynomial(x, degree), y)
            fits.append(polynomial(at, degree) @ w)
        squared, variance = bias_variance(np.array(fits), np.sin(3 * at))
        rows.append({"degree": degree, "bias": squared, "variance": variance, "error": squared + variance})
    best = min(rows, key=lambda row: row["error"])
    return {"n": 500, "noise": 0.3, "rows": rows, "best": best, "last": rows[-1]}


COUNTS = (
    1, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32, 35, 37, 38, 39, 40, 41, 42, 43, 45, 48, 54, 64, 80, 120, 200, 400,
    1000,
)  # fmt: skip


def double_descent() -> dict:
    """Test error of shortest weights on random features, 40 noisy training points, 50 seeds."""
    runs = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        slope = rng.normal(size=8) / np.sqrt(8)
        x, new = rng.normal(size=(40, 8)), rng.normal(size=(1000, 8))
        y = x @ slope + rng.normal(0, 0.3, 40)
        row = []
        for count in COUNTS:
            both = random_features(np.concatenate([x, new]), count, rng)
            w = least_norm(both[:40], y)
            known = ((both[:40] @ w - y) ** 2).mean()
            row.append((((both[40:] @ w - new @ slope) ** 2).mean(), known, np.sqrt(w @ w)))
        runs.append(row)
    lower, median, upper = np.quantile(np.array(runs), [0.25, 0.5, 0.75], axis=0)
    test = median[:, 0]
    first = int(np.argmin(test[: COUNTS.index(40)]))
    return {
        "n": 50, "points": 40, "counts": list(COUNTS),
        "test": {"lower": lower[:, 0].tolist(), "median": test.tolist(), "upper": upper[:, 0].tolist()},
        "train": median[:, 1].tolist(), "norm": median[:, 2].tolist(),
        "first": {"count": COUNTS[first], "error": float(test[first])},
        "peak": {"count": COUNTS[int(np.argmax(test))], "error": float(test.max())},
        "last": {"count": COUNTS[-1], "error": float(test[-1])},
    }  # fmt: skip


def encoders() -> dict:
    """How often N-2-K nets learn their picture in 3000 epochs, three learning rates, 20 seeds each."""
    tables = {"eye9": np.eye(9, dtype=int), **designs()}
    result: dict = {}
    for name, table in tables.items():
        result[name] = {"dots": len(table), "lines": table.shape[1], "rates": {}}
        for key, rate in (("slow", 0.01), ("middle", 0.03), ("fast", 0.1)):
            found = train(table, 20, np.random.default_rng(0), 3000, rate)
            done = found.epochs >= 0
            same = [same_picture(sides(*net), table) for net in zip(found.points, found.lines, strict=True)]
            result[name]["rates"][key] = {
                "rate": rate, "n": 20, "learned": float(done.mean()), "same_picture": float(np.mean(same)),
                "epochs": spread(found.epochs[done]) if done.sum() > 1 else None,
                "loss": spread(found.losses),
            }  # fmt: skip
        clear = int(np.argmin(found.losses))
        result[name]["drawn"] = {
            "points": found.points[clear].round(4).tolist(), "lines": found.lines[clear].round(4).tolist(),
        }  # fmt: skip
    return result


EPOCHS = 60
CURES: dict[str, dict] = {
    "none": {},
    "decay": {"weight_decay": 1.0},
    "dropout": {"p": 0.5},
    "smoothing": {"smoothing": 0.1},
    "early": {"patience": 10},
    "all": {"weight_decay": 1.0, "p": 0.5, "smoothing": 0.1, "patience": 10},
}


def cured(seed: int, wrong: int, weight_decay=0.0, p=0.0, smoothing=0.0, patience=0) -> dict:
    """One training on 200 digits, of which the first `wrong` have drawn labels, and what it scores."""
    known, validation, test = digits(seed, 200, 100)
    model = net(256, seed)
    generator = torch.Generator().manual_seed(seed)
    x, y = known[0], known[1].clone()
    y[:wrong] = torch.randint(10, (wrong,), generator=generator)
    optimiser = Plain(model.parameters(), optim.adamw, lr=2e-3, weight_decay=weight_decay)
    scores, losses = [], []
    for _ in range(EPOCHS):
        for rows in torch.randperm(200, generator=generator).split(50):
            hidden = dropout(model[:2](x[rows]), p, True, generator)
            optimiser.zero_grad()
            cross_entropy(model[2](hidden), y[rows], label_smoothing=smoothing).backward()
            optimiser.step()
        losses.append(judged(model, validation)[1])
        scores.append((judged(model, (x, y))[0], *judged(model, test)))
    stop, kept = early_stopping(losses, patience) if patience else (EPOCHS - 1, EPOCHS - 1)
    return dict(zip(("train", "test", "loss"), scores[kept], strict=True)) | {
        "epochs": stop + 1,
        "kept": kept,
    }


def cures() -> dict:
    """What helps 200 digits, all labels right and one in five drawn; accuracy and loss on 1497, 10 seeds."""
    result: dict = {"n": 10}
    for kind, wrong in (("clean", 0), ("noisy", 40)):
        result[kind] = {}
        for name, cure in CURES.items():
            runs = [cured(seed, wrong, **cure) for seed in range(10)]
            result[kind][name] = {key: spread([run[key] for run in runs]) for key in runs[0]}
            plain = runs if name == "none" else plain  # type: ignore[has-type]
            gains = [run["test"] - base["test"] for run, base in zip(runs, plain, strict=True)]
            result[kind][name]["gain"] = spread(gains)
    return result


RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def learning_rates() -> dict:
    """Training loss of plain gradient descent after 8 epochs on 1000 digits, by learning rate; 5 seeds."""
    found = [[optimised(optim.sgd, rate, seed)[0][-1] for seed in range(5)] for rate in RATES]
    # A loss that overflowed is no number: it counts as the largest that a curve can show.
    losses = np.nan_to_num(np.array(found), nan=1e3, posinf=1e3).clip(max=1e3)
    lower, median, upper = np.quantile(losses, [0.25, 0.5, 0.75], axis=1).tolist()
    best = int(np.argmin(median))
    return {
        "n": 5, "rates": list(RATES), "lower": lower, "median": median, "upper": upper,
        "best": {"rate": RATES[best], "loss": median[best]},
        "smallest": {"rate": RATES[0], "loss": median[0]}, "largest": {"rate": RATES[-1], "loss": median[-1]},
    }  # fmt: skip


def overfitting() -> dict:
    """Training and validation curves of 256 hidden units on 200 digits, 40 with drawn labels; 5 seeds."""
    runs = []
    for seed in range(5):
        known, _, test = digits(seed, 200, 100)
        model = net(256, seed)
        generator = torch.Generator().manual_seed(seed)
        x, y = known[0], known[1].clone()
        y[:40] = torch.randint(10, (40,), generator=generator)
        optimiser = Plain(model.parameters(), optim.adamw, lr=2e-3)
        curve = [(*judged(model, (x, y)), *judged(model, test))]
        for _ in range(150):
            for rows in torch.randperm(200, generator=generator).split(50):
                optimiser.zero_grad()
                cross_entropy(model(x[rows]), y[rows]).backward()
                optimiser.step()
            curve.append((*judged(model, (x, y)), *judged(model, test)))
        runs.append(curve)
    lower, median, upper = np.quantile(np.array(runs), [0.25, 0.5, 0.75], axis=0)
    result: dict = {"n": 5, "epochs": 150}
    for i, name in enumerate(("train_accuracy", "train_loss", "new_accuracy", "new_loss")):
        result[name] = {
            "lower": lower[:, i].tolist(), "median": median[:, i].tolist(), "upper": upper[:, i].tolist(),
        }  # fmt: skip
    best = int(np.argmin(median[:, 3]))
    result["best"] = {"epoch": best, "loss": float(median[best, 3]), "accuracy": float(median[best, 2])}
    result["last"] = {
        "loss": float(median[-1, 3]), "accuracy": float(median[-1, 2]), "train": float(median[-1, 0]),
    }  # fmt: skip
    return result
