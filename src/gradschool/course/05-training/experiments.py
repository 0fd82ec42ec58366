"""Experiments of chapter 5: splits, bugs, the first network improved, holes filled."""

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
