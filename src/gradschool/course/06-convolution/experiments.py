"""Experiments of chapter 6."""

import torch
from sklearn.datasets import load_digits

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


def checkerboard() -> dict:
    """Largest over smallest count of stamps on a pixel, away from the border, for kernels and stride 2."""
    counts = {}
    for kernel in (2, 3, 4, 5, 6):
        ones = torch.ones(1, 1, kernel, kernel)
        y = conv_transpose2d(torch.ones(1, 1, 12, 12), ones, stride=2)[0, 0, 6:-6, 6:-6]
        counts[f"k{kernel}"] = (y.max() / y.min()).item()
    return counts
