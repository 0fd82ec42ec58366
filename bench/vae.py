"""Seconds an epoch of a 784-400-20 VAE on MNIST: our recipe beside the usual PyTorch example.

The example: batches of 128 by a DataLoader over a torchvision-like set that makes a picture of every image
and a tensor of the picture, Adam at 1e-3, binary cross-entropy of probabilities, the loss read after every
step. Only steps are counted on both sides; nothing is tested.
"""

import itertools
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from bench.common import compare, main
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.open import open_set
from gradschool.recipes.generative.vae_mnist import vae_mnist
from gradschool.runs.request import Request
from gradschool.runs.train import train


class Pictures(Dataset):
    """As torchvision's MNIST: a PIL picture of every image, then the transform."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self.transform = transforms.ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images.pixels[i, 0].numpy(), mode="L")
        return self.transform(picture), int(self.images.labels[i])


class ExampleVAE(nn.Module):
    """The network of the usual example, 652,824 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities of pixels, means and log-variances of codes."""
        hidden = F.relu(self.fc1(x.view(-1, 784)))
        mu, logvar = self.fc21(hidden), self.fc22(hidden)
        std = torch.exp(0.5 * logvar)
        z = mu + torch.randn_like(std) * std
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


def example(splits: Splits[Images], seed: int) -> float:
    """One epoch the usual way; its seconds."""
    torch.manual_seed(seed)
    model = ExampleVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(Pictures(splits.train), 128, shuffle=True)
    start, total = time.perf_counter(), 0.0
    for x, _ in loader:
        optimizer.zero_grad()
        again, mu, logvar = model(x)
        error = F.binary_cross_entropy(again, x.view(-1, 784), reduction="sum")
        loss = error - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss.backward()
        total += loss.item()
        optimizer.step()
    return time.perf_counter() - start


def ours(seed: int) -> float:
    """One epoch of the recipe; its seconds of training."""
    run = replace(vae_mnist(), epochs=1, evaluations=1)
    with tempfile.TemporaryDirectory() as place:
        folder = train(run, Request("vae_mnist", seed=seed, out=Path(place) / "run"), say=lambda text: None)
        return float(folder.read("result.json")["seconds"])


def run(repeats: int = 5) -> dict[str, Any]:
    """One epoch on either side `repeats` times, each time from another seed."""
    splits = open_set("mnist", val=0.0)
    seeds, others = itertools.count(), itertools.count()
    peers = {"the usual PyTorch example": lambda: example(splits, next(others))}
    about = {"network": "784-400-20", "batch_size": 128, "images": len(splits.train)}
    return compare("vae", "seconds an epoch", lambda: ours(next(seeds)), peers, repeats, about)


if __name__ == "__main__":
    main(run, threads=2)
