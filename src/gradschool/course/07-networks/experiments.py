"""Experiments of chapter 7, on digits of 8x8 pixels: 300 to learn from, the rest for the test."""

import statistics

import torch
from sklearn.datasets import load_digits

from gradschool.data.augment.geometry import crop_and_flip
from gradschool.evals.classification.interpret import grad_cam, saliency, sanity
from gradschool.models.vision.lenet import lenet_digits
from gradschool.ops.loss import cross_entropy

SEEDS, KNOWN, STEPS, BATCH = 20, 300, 100, 64


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images (n, 1, 8, 8) from 0 to 1, and labels."""
    bunch = load_digits()
    return torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16, torch.tensor(bunch.target)


def trained(seed: int, shift: int = 0, mirror: bool = False) -> tuple[torch.nn.Module, float, float]:
    """A small network trained on moved or mirrored images; its accuracy on test images, and on moved ones."""
    torch.manual_seed(seed)
    (x, y), order = digits(), torch.randperm(1797)
    known, held = order[:KNOWN], order[KNOWN:]
    model = lenet_digits(10, width=8)
    optimiser = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    for _ in range(STEPS):
        chosen = known[torch.randint(KNOWN, (BATCH,))]
        offsets = torch.randint(2 * shift + 1, (BATCH, 2))
        flipped = (torch.rand(BATCH) < 0.5) & mirror
        batch = crop_and_flip(x[chosen], offsets, flipped, shift)
        optimiser.zero_grad()
        cross_entropy(model(batch), y[chosen]).backward()
        optimiser.step()
    model.eval()
    nowhere = torch.zeros(len(held), dtype=torch.bool)
    moved = crop_and_flip(x[held], torch.randint(3, (len(held), 2)), nowhere, 1)
    with torch.no_grad():
        scores = [(model(images).argmax(1) == y[held]).float().mean() for images in (x[held], moved)]
    return model, scores[0].item(), scores[1].item()


def spread(values: list[float]) -> dict:
    """Median, mean, deviation and range."""
    return {
        "n": len(values), "median": statistics.median(values), "mean": statistics.fmean(values),
        "deviation": statistics.stdev(values), "lowest": min(values), "highest": max(values),
    }  # fmt: skip


def augment() -> dict:
    """Accuracy on test images as they are and moved by a pixel, trained on three kinds of images."""
    ways = {"none": (0, False), "moved": (1, False), "mirrored": (0, True)}
    values: dict = {}
    for name, way in ways.items():
        scores = [trained(seed, *way)[1:] for seed in range(SEEDS)]
        still, moved = (list(column) for column in zip(*scores, strict=True))
        values[name] = {"still": spread(still), "moved": spread(moved)}
    return values | {"n": SEEDS, "seeds": list(range(SEEDS))}


def explain() -> dict:
    """Rank correlation of maps, and of an edge detector's, with those of the network, weights shuffled."""

    def edges(model: torch.nn.Module, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (x[:, 0, 1:, 1:] - x[:, 0, :-1, :-1]).abs()

    ways = {
        "saliency": saliency,
        "grad_cam": lambda model, x, target: grad_cam(model, "body.0", x, target),
        "edges": edges,
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    x, y = digits()
    for seed in range(SEEDS):
        model, *_ = trained(seed)
        for name, way in ways.items():
            found[name].append(sanity(way, model, x[:200], y[:200], torch.Generator().manual_seed(seed)))
    return {name: spread(values) for name, values in found.items()}
