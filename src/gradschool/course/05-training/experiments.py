"""Experiments of chapter 5: splits, leakage, bugs, the first network improved, holes filled."""

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F

from gradschool.course.lessons.bugs import FAULTS, curve_of, right_loop, spoiled
from gradschool.data.augment.hide import Damage
from gradschool.data.sets.vision import digits, mnist
from gradschool.data.splits import stratified
from gradschool.evals.classification.metrics import class_scores, confusion_matrix
from gradschool.evals.dense.fillings import mean_filling, nearest_filling
from gradschool.models.dense.restorer import conv_restorer, dense_restorer
from gradschool.tasks.restore import masked_mse


def spread(values: list[float]) -> dict:
    """Median, mean, deviation and range."""
    return {
        "n": len(values), "median": statistics.median(values), "mean": statistics.fmean(values),
        "deviation": statistics.stdev(values), "lowest": min(values), "highest": max(values),
    }  # fmt: skip


def split() -> dict:
    """Images between the most and the least frequent class of a tenth of the digits, by kind of split."""
    labels = torch.tensor(digits.read(Path())["train"][1])
    sizes, ranges = labels.bincount(), {"random": [], "stratified": []}  # type: ignore
    for seed in range(200):
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randperm(len(labels), generator=generator)[: -(-len(labels) // 10)]
        for name, held in (("random", drawn), ("stratified", stratified(labels, 0.1, seed)[1])):
            counts = labels[held].bincount(minlength=10)
            ranges[name].append(int(counts.max() - counts.min()))
    found: dict = {name: {"range": spread(values)} for name, values in ranges.items()}
    return found | {
        "n": 200,
        "images": len(labels),
        "smallest": int(sizes.min()),
        "largest": int(sizes.max()),
    }


def confusion() -> dict:
    """Confusion matrix of a linear classifier of the digits, a fifth held out, added up over 5 seeds."""
    pixels, y = (torch.tensor(values) for values in digits.read(Path())["train"])
    x, seeds = pixels.float().flatten(1) / 255, 5
    matrix, accuracies = torch.zeros(10, 10, dtype=torch.int64), []
    for seed in range(seeds):
        torch.manual_seed(seed)
        kept, held = stratified(y, 0.2, seed)
        model = torch.nn.Linear(x.shape[1], 10)
        fit(model, x[kept], y[kept], epochs=10, rate=3e-3)
        guess = model(x[held]).argmax(1)
        matrix += confusion_matrix(y[held], guess, 10)
        accuracies.append((guess == y[held]).float().mean().item())
    wrong = matrix - matrix.diag().diag()
    true, taken = divmod(int(wrong.argmax()), 10)
    scores = class_scores(matrix)
    worst = int(scores.f1.argmin())
    return {
        "n": seeds, "held": len(held), "accuracy": spread(accuracies), "matrix": matrix.tolist(),
        "pair": {"true": true, "taken": taken, "count": int(wrong.max()), "of": int(matrix[true].sum())},
        "worst": {"digit": worst, "precision": scores.precision[worst].item(),
                  "recall": scores.recall[worst].item(), "f1": scores.f1[worst].item()},
    }  # fmt: skip


def fit(
    model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, rate: float
) -> torch.nn.Module:
    """Train a classifier by Adam in batches of 64."""
    optimiser = torch.optim.Adam(model.parameters(), rate)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            F.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
    return model


def perceptron(hidden: int) -> torch.nn.Module:
    """A network with one hidden layer for digits of 8x8 pixels."""
    return torch.nn.Sequential(torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10))


def leakage() -> dict:
    """Accuracy on random labels; noisy copies of 500 digits are made before or after the split, 5 seeds."""
    pixels, _ = (torch.tensor(values) for values in digits.read(Path())["train"])
    ways: dict = {"before": [], "after": []}
    seeds, rounds, images, held = 5, 20, 500, 125
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(pixels), generator=generator)[:images]
        x, y = pixels[chosen].float().flatten(1) / 255, torch.randint(10, (images,), generator=generator)
        copies = x + 0.1 * torch.randn(x.shape, generator=generator)
        both, twice = torch.cat([x, copies]), torch.cat([y, y])
        # Copied before the split, most held-out images have their copy in the training part.
        drawn = torch.randperm(2 * images, generator=generator)
        alone = torch.arange(2 * images) % images >= held
        parts = {"before": (drawn[2 * held :], drawn[: 2 * held]), "after": (alone, ~alone)}
        for name, (kept, out) in parts.items():
            torch.manual_seed(seed)
            model, line = perceptron(256), []
            for _ in range(rounds):
                fit(model, both[kept], twice[kept], epochs=5, rate=2e-3)
                line.append([accuracy(model, both[part], twice[part]) for part in (kept, out)])
            ways[name].append(line)
    found: dict = {"n": seeds, "images": images, "held": held, "epochs": [5 * (k + 1) for k in range(rounds)]}
    for name, lines in ways.items():
        curves = torch.tensor(lines)
        found[name] = {"training": curves[..., 0].mean(0).tolist(), "held": curves[..., 1].mean(0).tolist(),
                       "end": spread(curves[:, -1, 1].tolist())}  # fmt: skip
    return found


def accuracy(model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """The share that is right."""
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def one_batch() -> dict:
    """Loss on the same 32 digits over 200 steps, by a right loop and by three wrong ones, 5 seeds."""
    pixels, labels = (torch.tensor(values) for values in digits.read(Path())["train"])
    losses: dict = {
        "right": lambda logits, y: F.cross_entropy(logits, y),
        "softmax_twice": lambda logits, y: F.cross_entropy(logits.softmax(1), y),
        "labels_apart": lambda logits, y: F.cross_entropy(logits, y[torch.randperm(len(y))]),
        "no_step": lambda logits, y: F.cross_entropy(logits.detach().requires_grad_(), y),
    }
    found: dict = {"n": 5, "steps": 200, "images": 32}
    for name, loss_of in losses.items():
        curves = []
        for seed in range(found["n"]):
            torch.manual_seed(seed)
            chosen = torch.randperm(len(pixels))[: found["images"]]
            x, y = pixels[chosen].float().flatten(1) / 255, labels[chosen]
            model, curve = perceptron(64), []
            optimiser = torch.optim.Adam(model.parameters(), 1e-2)
            for _ in range(found["steps"]):
                loss = loss_of(model(x), y)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                curve.append(loss.item())
            curves.append(curve)
        mean = torch.tensor(curves).mean(0)
        found[name] = {"curve": mean[::4].tolist(), "end": spread([curve[-1] for curve in curves])}
    return found


def bugs() -> dict:
    """Loss and held-out accuracy in the last epoch of the small loop, right and with each fault, 20 seeds."""
    lines, seeds = right_loop(), range(20)
    texts = {"right": lines, **{name: spoiled(lines, fault)[0] for name, fault in FAULTS.items()}}
    found: dict = {"n": len(seeds)}
    for name, text in texts.items():
        ends = [curve_of("\n".join(text), seed)[-1] for seed in seeds]
        finite = [end["loss"] for end in ends if end["loss"] == end["loss"]]
        found[name] = {"accuracy": spread([end["accuracy"] for end in ends]), "finite": len(finite)}
        if len(finite) > 1:
            found[name]["loss"] = spread(finite)
    return found


@dataclass(frozen=True)
class Way:
    """A network of sigmoid or rectified units and how it is trained."""

    hidden: tuple[int, ...] = (200, 50)
    act: Callable[[], torch.nn.Module] = torch.nn.Sigmoid
    bias: bool = False
    method: str = "sgd"


WAYS = {
    "start": Way(), "bias": Way(bias=True), "one_layer": Way((128,)), "relu": Way(act=torch.nn.ReLU),
    "momentum": Way(method="momentum"), "adam": Way(method="adam"),
    "all": Way(act=torch.nn.ReLU, bias=True, method="falling adam"),
}  # fmt: skip


def ffn() -> dict:
    """Validation accuracy on MNIST of 784-200-50-10 and of one change at a time, 3 passes, 3 seeds."""
    # 1. A tenth of the training images is held out; the others say how to normalise.
    pack = Path(os.environ["GRADSCHOOL_DATA"]) / mnist.SET.packs[0]
    pixels, y = (torch.tensor(values) for values in mnist.read(pack)["train"])
    seeds, epochs = 3, 3
    kept, held = stratified(y, 0.1, 0)
    pixels = pixels.float() / 255
    mean, deviation = pixels[kept].mean(), pixels[kept].std()
    x = ((pixels - mean) / deviation).flatten(1)
    found: dict = {"n": seeds, "epochs": epochs, "train": len(kept), "held": len(held)}
    found |= {"pixel_mean": mean.item(), "pixel_deviation": deviation.item()}
    # 2. Every way with every seed.
    for name, way in WAYS.items():
        models = [trained_ffn(seed, epochs, way, x[kept], y[kept]) for seed in range(seeds)]
        with torch.no_grad():
            said = [model(x[held]).argmax(1) for model in models]
        found[name] = spread([(guess == y[held]).float().mean().item() for guess in said])
    f1 = [class_scores(confusion_matrix(y[held], guess, 10)).f1 for guess in said]
    found["all"]["f1"] = {
        "lowest": min(v.min().item() for v in f1),
        "highest": max(v.max().item() for v in f1),
    }
    return found


def trained_ffn(seed: int, epochs: int, way: Way, x: torch.Tensor, y: torch.Tensor) -> torch.nn.Module:
    """The network after some passes of batches of 64."""
    torch.manual_seed(seed)
    layers: list = []
    for fan_in, fan_out in pairwise([x.shape[1], *way.hidden, 10]):
        layers += [torch.nn.Linear(fan_in, fan_out, way.bias), way.act()]
    model = torch.nn.Sequential(*layers[:-1])
    steps, weights = epochs * -(-len(x) // 64), model.parameters()
    adam, momentum = "adam" in way.method, 0.9 if way.method == "momentum" else 0.0
    optimiser = torch.optim.Adam(weights, 0.002) if adam else torch.optim.SGD(weights, 0.1, momentum)
    falls = "falling" in way.method
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps if falls else 1.0)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(model(x[batch]), y[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model


def impute() -> dict:
    """Squared error a hidden pixel of the digits' test part, by size of hole and way of filling, 3 seeds."""
    parts, seeds = digits.read(Path()), 3
    train, test = (torch.tensor(parts[name][0]).float() / 255 for name in ("train", "test"))
    found: dict = {"n": seeds}
    for side in (2, 4, 6):
        damage = Damage(squares=1, side=side)
        damaged, mask = damage(test, torch.Generator().manual_seed(0))
        near = nearest_filling(damaged, mask, train)
        row: dict = {
            "mean_filling": masked_mse(mean_filling(damaged, mask, train), test, mask).item(),
            "nearest": masked_mse(near, test, mask).item(),
        }
        for name, build in (("dense", dense_restorer), ("conv", partial(conv_restorer, width=32, blocks=2))):
            models = [trained_restorer(seed, build, damage, train) for seed in range(seeds)]
            with torch.no_grad():
                answers = [model(damaged, mask) for model in models]
            row[name] = spread([masked_mse(answer, test, mask).item() for answer in answers])
        if side == 4:
            filled = torch.where(mask, answers[0], damaged)
            shown = {"whole": test, "damaged": damaged, "nearest": near, "network": filled}
            row["pictures"] = {k: (255 * v[:10, 0]).round().int().tolist() for k, v in shown.items()}
            row["mask"] = mask[:10, 0].int().tolist()
        found[f"side{side}"] = row
    return found


def trained_restorer(seed: int, build: Callable, damage: Damage, train: torch.Tensor) -> torch.nn.Module:
    """The network after 15 passes of batches of 64 at a falling rate."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model, steps = build(1, 8), 15 * (len(train) // 64)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, steps)
    for _ in range(steps):
        images = train[torch.randint(len(train), (64,), generator=generator)]
        damaged, mask = damage(images, generator)
        optimiser.zero_grad()
        masked_mse(model(damaged, mask), images, mask).backward()
        optimiser.step()
        schedule.step()
    return model.eval()
