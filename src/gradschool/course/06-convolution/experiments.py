"""Experiments of chapter 6: digits elsewhere in the picture, shifts by a pixel, stamps, batch statistics."""

import statistics as stats
from collections.abc import Callable

import torch
from sklearn.datasets import load_digits
from torch import nn

from gradschool.ops.conv import conv_transpose2d
from gradschool.ops.pool import avg_pool2d, blur_pool2d, max_pool2d


def shift() -> dict:
    """Relative change of the mean of a digit's pooled image when the digit moves by one pixel."""
    digits = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 16
    x = torch.nn.functional.pad(digits, (4, 4, 4, 4))
    ways = {
        "max": lambda x: max_pool2d(x, 2),
        "average": lambda x: avg_pool2d(x, 2),
        "subsample": lambda x: x[:, :, ::2, ::2],
        "blur": blur_pool2d,
        "max_blur": lambda x: blur_pool2d(max_pool2d(x, 2, 1)),
    }
    result: dict = {"n": len(x)}
    for name, pool in ways.items():
        mean, moved = pool(x).mean((1, 2, 3)), pool(x.roll(1, 3)).mean((1, 2, 3))  # type: ignore[operator]
        change = (moved - mean).abs() / mean
        quartiles = change.quantile(torch.tensor([0.25, 0.5, 0.75])).tolist()
        result[name] = dict(zip(("lower", "median", "upper"), quartiles, strict=True))
    return result


def placed() -> dict:
    """Accuracy on digits moved within a larger picture, by a dense and a convolutional network, 3 seeds."""
    seeds, moves = 3, (0, 1, 2, 3, 4)
    found: dict = {"n": seeds, "moves": list(moves)}
    for name, build in (("dense", dense), ("conv", shared)):
        rows: dict = {move: [] for move in moves}
        for seed in range(seeds):
            model, x, y = trained(build, seed, margin=4)
            for move in moves:
                rows[move].append(accuracy(model, x.roll((move, move), (2, 3)), y))
        found[name] = {
            "parameters": sum(p.numel() for p in model.parameters()),
            "moved": {str(move): summary(values) for move, values in rows.items()},
        }
    return found


def dense(side: int) -> nn.Module:
    """A weight for every pixel."""
    return nn.Sequential(nn.Flatten(), nn.Linear(side * side, 64), nn.ReLU(), nn.Linear(64, 10))


def shared(side: int) -> nn.Module:
    """Three convolutions, then the largest response of each channel, wherever it is."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def convolutional(side: int) -> nn.Module:
    """Three convolutions with batch normalisation, then the mean over all positions."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((1, 16), (16, 32), (32, 32)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def trained(
    build: Callable[[int], nn.Module], seed: int, margin: int
) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A network after 10 passes over four fifths of the digits, and the images and labels held out."""
    torch.manual_seed(seed)
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8) / 16
    x, y = nn.functional.pad(x, (margin,) * 4), torch.tensor(labels)
    order = torch.randperm(len(x))
    held, train = order[:360], order[360:]
    model = build(x.shape[3])
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(10):
        for batch in train[torch.randperm(len(train))].split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimiser.step()
    return model.eval(), x[held], y[held]


@torch.no_grad()
def accuracy(model: nn.Module, x: torch.Tensor, y: torch.Tensor, size: int = 360) -> float:
    """The share that is right, in batches of a size."""
    predicted = torch.cat([model(images).argmax(1) for images in x.split(size)])
    return (predicted == y).float().mean().item()


def summary(values: list[float]) -> dict:
    """Mean and standard deviation over seeds."""
    return {"n": len(values), "mean": stats.fmean(values), "deviation": stats.stdev(values)}


def modes() -> dict:
    """Test accuracy with batch normalisation by mode, and by size and order of test batches, 5 seeds."""
    seeds = 5
    rows: dict = {"eval": [], "train60": [], "train10": [], "train2": [], "sorted60": []}
    for seed in range(seeds):
        model, x, y = trained(convolutional, seed, margin=0)
        rows["eval"].append(accuracy(model, x, y, 60))
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.train().momentum = 0.0  # the batch's statistics are used, nothing is remembered
        for size in (60, 10, 2):
            rows[f"train{size}"].append(accuracy(model, x, y, size))
        order = y.argsort()
        rows["sorted60"].append(accuracy(model, x[order], y[order], 60))
    return {"n": seeds, **{name: summary(values) for name, values in rows.items()}}


def checkerboard() -> dict:
    """Largest over smallest count of stamps on a pixel, away from the border, for kernels and stride 2."""
    counts = {}
    for kernel in (2, 3, 4, 5, 6):
        ones = torch.ones(1, 1, kernel, kernel)
        y = conv_transpose2d(torch.ones(1, 1, 12, 12), ones, stride=2)[0, 0, 6:-6, 6:-6]
        counts[f"k{kernel}"] = (y.max() / y.min()).item()
    return counts
