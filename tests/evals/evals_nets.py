"""Small networks and a run folder to test with."""

import json
from pathlib import Path

import torch
from torch import nn

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images


def small_net(classes: int = 4, channels: int = 3, seed: int = 0) -> nn.Sequential:
    """Convolutions, batch norm, in-place ReLU, pooling: what hooks and gradients stumble over."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, classes),
    )


def images(n: int, classes: int = 4, channels: int = 3, side: int = 16, seed: int = 0) -> Images:
    """Noise with labels: enough where only the shape of a report counts."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(256, (n, channels, side, side), dtype=torch.uint8, generator=generator)
    labels = torch.randint(classes, (n,), generator=generator)
    return Images(pixels, labels, tuple(f"class_{i}" for i in range(classes)), [f"{i}.png" for i in range(n)])


def splits(classes: int = 4, channels: int = 3, side: int = 16) -> Splits:
    """Three parts of noise, one skipped file, one note."""
    parts = [images(n, classes, channels, side, seed) for seed, n in enumerate((40, 20, 30))]
    return Splits("noise", *parts, skipped=[("cat & dog.jpg", "cut off after 41 KB")], notes=["<2 twins>"])


def to_input(pixels: torch.Tensor) -> torch.Tensor:
    """The simplest transform."""
    return pixels.float() / 255 - 0.5


def write_run(folder: Path) -> None:
    """What a training run leaves behind, its last metrics line cut off by a crash."""
    lines = [
        {"step": s, "epoch": s / 10, "loss": 2 / s, "lr": 0.1 / s, "seconds": s / 9} for s in range(1, 30)
    ]
    lines += [{"step": 20, "epoch": 2.0, "val_loss": 0.5, "val_accuracy": 0.8, "seconds": 3.0}]
    text = "\n".join(map(json.dumps, lines))
    (folder / "metrics.jsonl").write_text(text + '\n{"step": 30, "lo')
    (folder / "config.json").write_text(
        json.dumps({"recipe": "digits", "seed": 7, "settings": {"sizes": []}})
    )
    (folder / "environment.json").write_text(json.dumps({"device": "cpu", "torch": "2.15"}))
    (folder / "result.json").write_text(json.dumps({"metrics": {"test_accuracy": 0.9}, "seconds": 75.0}))
