"""Runs of autoencoders: codes of numbers, or of entries of a codebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.evals.generation import latent
from gradschool.evals.inference import device_of
from gradschool.evals.metric import Metric
from gradschool.evals.report import latent as report_latent
from gradschool.evals.report.html import Section
from gradschool.runs.generation.ask import Ask
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.tasks.autoencoder import Autoencode, VqAutoencode

LOOKED_AT = 1000  # test pictures whose codes are shown
FRAMES = 48  # of a film
PATHS, STEPS = 6, 10  # rows and columns of the interpolation


@dataclass(frozen=True, kw_only=True)
class CodeRun(GenerativeRun):
    """A model with codes: pictures in 0 to 1 become a few numbers and come back."""

    scale: ClassVar[Literal["unit", "signed"]] = "unit"

    def codes(self, model: Any, x: Tensor, y: Tensor) -> Tensor:
        """The code (b, d) of each picture."""
        codes: Tensor = model.encode(x)
        return codes

    def pictures(self, model: Any, z: Tensor, y: Tensor | None) -> Tensor:
        """The picture in 0 to 1 of each code."""
        pictures: Tensor = model.decode(z)
        return pictures.float().clamp(0, 1)

    def generate(self, model: Any, ask: Ask) -> Tensor:
        """Codes from N(0, 1), decoded."""
        device = device_of(model)
        labels = None if ask.labels is None else ask.labels.to(device)
        return self.pictures(model, ask.noise(model.latent).to(device), labels)

    def film(self, model: Any, ask: Ask) -> list[Tensor]:
        """A walk through the codes that ends where it began; every frame is as random as the first."""
        device = device_of(model)
        labels = None if ask.labels is None else ask.labels.to(device)
        a, b = (ask.noise(model.latent).to(device) for _ in range(2))
        return [self.pictures(model, z, labels) for z in latent.circle(a, b, FRAMES)]

    def redrawn(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor | None:
        """Encoded and decoded."""
        return self.pictures(model, self.codes(model, x, y), y)

    def sections(
        self, model: nn.Module, splits: Splits[Images], pipeline: Pipeline
    ) -> Sequence[Section | None]:
        """A map of the codes and walks between them."""
        x, y = some_pictures(splits, pipeline, model)
        codes = self.codes(model, x, y)
        drawn = report_latent.mapped(codes.cpu().numpy(), y.cpu().numpy(), splits.test.classes)
        ends = [(i, i + 1) for i in range(0, min(2 * PATHS, len(codes) - 1), 2)]
        walks = [
            self.pictures(model, latent.straight(codes[a], codes[b], STEPS), y[a].expand(STEPS))
            for a, b in ends
        ]
        plane = None
        if codes.shape[1] == 2 and not self.conditional:
            z = report_latent.places_of_plane().to(codes.device)
            plane = report_latent.plane(self.pictures(model, z, None))
        return [drawn, plane, report_latent.walked(walks) if walks else None]


@dataclass(frozen=True, kw_only=True)
class AutoencoderRun(CodeRun):
    """An autoencoder: squared error a pixel."""

    kind: ClassVar[str] = "autoencoder"
    title: ClassVar[str] = "an autoencoder"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "test loss", note="squared error of a pixel; lower is better"),
    )

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Autoencode:
        """Give the picture back."""
        return Autoencode(model, held_out)


@dataclass(frozen=True, kw_only=True)
class VqRun(GenerativeRun):
    """A VQ-VAE: codes are entries of a codebook."""

    kind: ClassVar[str] = "vq"
    title: ClassVar[str] = "a VQ-VAE"
    scale: ClassVar[Literal["unit", "signed"]] = "unit"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "test loss", note="pictures and codebook together; lower is better"),
        Metric("reconstruction", "reconstruction error", note="squared error of a pixel"),
    )

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> VqAutoencode:
        """Give the picture back, and keep codes and entries together."""
        some = splits.train.pixels[:: max(1, len(splits.train) // 1000)]
        return VqAutoencode(model, some.float().div(255).var().item(), held_out)

    def generate(self, model: Any, ask: Ask) -> Tensor:
        """Every place of the grid drawn by itself, as often as training used each entry there."""
        chosen = model.draw(ask.n, ask.generator).to(device_of(model))
        pictures: Tensor = model.decode(chosen)
        return pictures.float()

    def redrawn(self, model: Any, x: Tensor, y: Tensor) -> Tensor:
        """Encoded and decoded."""
        pictures: Tensor = model.decode(model.encode(x))
        return pictures.float()


def some_pictures(splits: Splits[Images], pipeline: Pipeline, model: nn.Module) -> tuple[Tensor, Tensor]:
    """Some test pictures and their classes, where the model is."""
    device = device_of(model)
    x, y = pipeline.eval(splits.test.pixels[:LOOKED_AT], splits.test.labels[:LOOKED_AT])
    return x.to(device), y.to(device)


def all_codes(run: CodeRun, model: nn.Module, batches: Any) -> Tensor:
    """Codes of all pictures, on the CPU."""
    device = device_of(model)
    return torch.cat([run.codes(model, x.to(device), y.to(device)).cpu() for x, y in batches])
