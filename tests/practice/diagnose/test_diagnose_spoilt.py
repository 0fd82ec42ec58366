"""Runs that are spoilt in one way each: that fault is named, and no other."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from gradschool.data.vision.images import Images
from gradschool.practice.diagnose import finding as names
from gradschool.practice.diagnose.diagnose import diagnose
from gradschool.recipes import find
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.request import Request


class Net(nn.Module):
    """Digits of 8 by 8 pixels through hidden layers; what is spoilt is handed in."""

    def __init__(self, act: Callable[[], nn.Module] = nn.ReLU, depth: int = 2, norm: bool = False) -> None:
        super().__init__()
        sizes = [64, *([32] * depth)]
        layers: list[nn.Module] = [nn.Flatten()]
        for a, b in itertools.pairwise(sizes):
            layers += [nn.Linear(a, b), *([nn.BatchNorm1d(b)] if norm else []), act()]
        self.body, self.head = nn.Sequential(*layers), nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


class Averaging(Net):
    """Sees the mean of all pixels only."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(torch.zeros_like(x) + 0 * x.mean())


def dying() -> nn.Module:
    net = Net()
    nn.init.constant_(net.body[3].bias, -50.0)
    return net


def exploding() -> nn.Module:
    net = Net(depth=12)
    for layer in net.body:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            layer.weight.data *= 3
    return net


Part = Callable[[Images], Images]


@dataclass(frozen=True, kw_only=True)
class Spoilt(ImageRun):
    """The digits with a small network, and one thing that is wrong."""

    kind: ClassVar[str] = "spoilt"

    build: Callable[[], nn.Module] = Net
    change: Callable[[Any], Any] = lambda splits: splits
    scaled: float | None = None

    def network(self) -> str:
        return "a small network"

    def open(self, seed: int, data: str | None = None) -> Any:
        splits = super().open(seed, data)
        few = splits.train.take(torch.arange(800))
        return self.change(replace(splits, train=few))

    def start_model(self, images: Images, pipeline: Any) -> nn.Module:
        return self.build()

    def pipeline(self, images: Images) -> Any:
        return self.prepared((0.0,), (self.scaled,), 10) if self.scaled else super().pipeline(images)


HEALTHY = Spoilt(
    data="digits", model=find("digits")().model, optimizer="adam", learning_rate=3e-3, epochs=10,
    batch_size=64, val=0.0, precision="fp32", threads=1,
)  # fmt: skip


def on_train(change: Part) -> Callable[[Any], Any]:
    return lambda splits: replace(splits, train=change(splits.train))


def drawn(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


def noisy(images: Images) -> Images:
    labels, some = images.labels.clone(), drawn(len(images))[: len(images) // 8]
    labels[some] = (labels[some] + 1 + drawn(len(some), 1) % 9) % 10
    return replace(images, labels=labels)


def shuffled(images: Images) -> Images:
    return replace(images, labels=images.labels[drawn(len(images))])


def rare(images: Images) -> Images:
    keep = (images.labels != 3) | (torch.arange(len(images)) < 30)
    return images.take(keep.nonzero().flatten())


def told(images: Images) -> Images:
    pixels = images.pixels.clone()
    pixels[:, 0, 0, 0] = (images.labels * 20).byte()
    return replace(images, pixels=pixels)


def both(change: Part) -> Callable[[Any], Any]:
    return lambda splits: replace(splits, train=change(splits.train), test=change(splits.test))


def copied(splits: Any) -> Any:
    train, test = splits.train, splits.test
    pixels, labels = test.pixels.clone(), test.labels.clone()
    pixels[::10], labels[::10] = train.pixels[: len(pixels[::10])], train.labels[: len(pixels[::10])]
    return replace(splits, test=replace(test, pixels=pixels, labels=labels))


@dataclass(frozen=True, kw_only=True)
class WithNan(Spoilt):
    kind: ClassVar[str] = "spoilt_nan"

    def pipeline(self, images: Images) -> Any:
        return self.prepared((float("nan"),), (0.3,), 10)


SPOILT = {
    names.NOT_FINITE: WithNan(**vars(HEALTHY)),
    names.NORMALISATION: replace(HEALTHY, scaled=1 / 255),
    names.BATCH_NORM: replace(HEALTHY, build=lambda: Net(norm=True), batch_size=1),
    names.TOO_HIGH: replace(HEALTHY, learning_rate=3.0),
    names.TOO_LOW: replace(HEALTHY, learning_rate=1e-8),
    names.DEAD: replace(HEALTHY, build=dying),
    names.EXPLODING: replace(HEALTHY, build=exploding, learning_rate=1e-4),
    names.VANISHING: replace(HEALTHY, build=lambda: Net(nn.Sigmoid, depth=12)),
    names.NO_OVERFIT: replace(HEALTHY, build=Averaging),
    names.SHUFFLED: replace(HEALTHY, change=on_train(shuffled)),
    names.NOISE: replace(HEALTHY, change=on_train(noisy)),
    names.LEAK: replace(HEALTHY, change=copied),
    names.TARGET: replace(HEALTHY, change=both(told)),
    names.IMBALANCE: replace(HEALTHY, change=on_train(rare)),
}


def found(run: ImageRun, **words: Any) -> Any:
    return diagnose(run, Request("digits", device="cpu", **words))


@pytest.mark.long
@pytest.mark.parametrize("name", SPOILT)
def test_the_fault_is_named_and_no_other(name):
    said = found(SPOILT[name])
    assert [each.name for each in said.findings] == [name]
    [fault] = said.findings
    assert fault.next_step.endswith((".", "!")) and any(sign.isdigit() for sign in fault.sentence)
    assert fault.evidence and fault.facts()["evidence"] == dict(fault.evidence)


def test_a_healthy_run_has_no_fault_and_all_is_looked_for():
    said = found(HEALTHY)
    assert said.findings == [] and said.follows == [] and said.unchecked == []
    assert set(said.checked) == SPOILT.keys() and len(SPOILT) >= 12
    assert said.look is not None and said.look.losses[-1] < said.look.losses[0]
