"""Latent diffusion: the maps of a frozen autoencoder are noised and denoised in place of pictures.

Source: Rombach et al. 2022, sections 3.1 and 3.2. The maps of all training pictures are computed once, in a
few views each, and brought to mean 0 and variance 1 channel by channel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.rows import Rows, seeded
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader, evaluation_batches
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut
from gradschool.engine.task import Batch, Batches
from gradschool.errors import UserError
from gradschool.evals.inference import device_of
from gradschool.evals.metric import Metric
from gradschool.evals.report import diffusion as show
from gradschool.evals.report.html import Section
from gradschool.models.generative.denoiser import Denoiser
from gradschool.runs.generation import first_stage as stages
from gradschool.runs.generation.ask import Ask
from gradschool.runs.generation.diffusion import DdpmRun
from gradschool.runs.generation.generator import Shape
from gradschool.runs.generation.judge import key
from gradschool.runs.generation.variational import VaeRun
from gradschool.runs.run import Count, Pieces
from gradschool.tasks.diffuse import Ddpm

FAR = 6.0  # standard deviations that a predicted map may be away from 0
AT_ONCE = 64  # pictures that go through the autoencoder together
SHOWN = 200  # test pictures whose maps are shown


class LatentNet(nn.Module):
    """A first stage, the scale of its maps, and the network that denoises them.

    Args:
        stage: frozen.
        denoiser: of maps of mean 0 and variance 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, stage: stages.FirstStage, denoiser: Denoiser) -> None:
        super().__init__()
        self.stage, self.denoiser = stage, denoiser
        channels = denoiser.shape[0]
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("std", torch.ones(channels, 1, 1))

    def fit(self, maps: Tensor) -> None:
        """Take over mean and standard deviation of each channel of maps (n, c, h, w)."""
        self.mean.copy_(maps.mean((0, 2, 3))[:, None, None])
        self.std.copy_(maps.std((0, 2, 3))[:, None, None].clamp_min(1e-6))

    def raw(self, x: Tensor) -> Tensor:
        """Maps of pictures in 0 to 1, as the first stage gives them."""
        return torch.cat([self.stage.encode(part) for part in torch.split(x, AT_ONCE)])

    def maps(self, x: Tensor) -> Tensor:
        """Maps of pictures in 0 to 1, mean 0 and variance 1."""
        return (self.raw(x) - self.mean) / self.std

    def pictures(self, z: Tensor) -> Tensor:
        """Pictures in 0 to 1 of maps of mean 0 and variance 1."""
        parts = torch.split(z * self.std + self.mean, AT_ONCE)
        return torch.cat([self.stage.decode(part) for part in parts])


@dataclass(frozen=True, kw_only=True)
class LatentRun(DdpmRun):
    """Denoising diffusion in the maps of an autoencoder."""

    kind: ClassVar[str] = "latent_diffusion"
    title: ClassVar[str] = "a latent diffusion model"
    places: ClassVar[tuple[str, ...]] = ("data", "first_stage")
    metrics: ClassVar[tuple[Metric, ...]] = (
        *DdpmRun.metrics,
        Metric("decoder_error", "error of the first stage", note="root mean square of a pixel's error"),
    )

    scale: ClassVar[Literal["unit", "signed"]] = "unit"

    first_stage: str | None = None
    """The autoencoder: a finished run of vae_photos, a folder of diffusers' with config.json and safetensors,
    or hub:OWNER/NAME to fetch one; if not given, `autoencoder` is trained on all classes and kept."""
    autoencoder: VaeRun | None = None
    """Settings of the first stage that is trained where none is given."""
    views: Count = 1
    """Maps of every training picture: of itself, and of so many less one changes by `augment`."""

    def network(self) -> str:
        """Both stages."""
        return f"{super().network()} on the codes of {self.first_stage or 'vae_photos'}"

    def stage(self, images: Images) -> stages.FirstStage:
        """The autoencoder that is named, or one of ours of the whole set."""
        shape = self.shape(images)
        if self.first_stage:
            return stages.opened(self.first_stage, shape)
        whole = replace(self, only=())
        here = key(whole, whole.open(0).train)
        if self.autoencoder is None:
            what = "neither first_stage nor autoencoder is given"
            raise UserError(what, "a finished run of vae_photos", "Add --set first_stage=RUN.")
        run = replace(self.autoencoder, data=self.data, size=self.size, image_size=self.image_size)
        return stages.own(stages.trained(run, here, print), shape)

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The first stage, and a denoiser with random weights whatever was done to get the first."""
        with torch.random.fork_rng(), torch.inference_mode(False), torch.enable_grad():
            stage = self.stage(images)
        return self.joined(stage, self.shape(images), len(images.classes) if self.conditional else 0)

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """Both stages of a finished run, before their weights, which are all in the run's folder."""
        classes = len(facts["classes"]) if self.conditional else 0
        return self.joined(stages.again(facts["first_stage"]), tuple(facts["input"]), classes)

    def joined(self, stage: stages.FirstStage, shape: Shape, classes: int) -> LatentNet:
        """A first stage with a fresh denoiser of its maps.

        Raises:
            UserError: the network does not take maps of that size, or is too large.
        """
        with torch.inference_mode():
            _, *small = stage.encode(torch.zeros(1, *shape)).shape
        try:
            denoiser = self.build_model((small[0], small[1], small[2]), classes)
        except UserError as error:
            if error.__cause__ is None:  # not about its shape
                raise
            what = (
                f"codes of these pictures are {small[2]}x{small[1]}, which {super().network()} does not take"
            )
            wanted = "larger pictures, or a network that halves less often"
            raise UserError(what, wanted, "Try --set model=denoiser_tiny.") from error
        assert isinstance(denoiser, Denoiser)
        return LatentNet(stage, denoiser)

    def facts(self, model: nn.Module) -> dict[str, Any]:
        """What the first stage is, and how many of the parameters are the denoiser's."""
        assert isinstance(model, LatentNet)
        own = sum(p.numel() for p in model.denoiser.parameters())
        return {"first_stage": model.stage.made_of, "denoiser_parameters": own}

    def feed(
        self, model: nn.Module, batches: Loader, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """The denoiser, on maps that are computed here once."""
        assert isinstance(model, LatentNet)
        with torch.inference_mode():
            # 1. Maps of the training pictures as they are, which set the scale, and changed.
            views = [evaluation_batches(batches.images, batches.pipeline, AT_ONCE)]
            views += [changed(batches, view) for view in range(1, self.views)]
            found = [encoded(model, view, machine) for view in views]
            model.fit(found[0][0])
            maps = (torch.cat([maps for maps, _ in found]) - model.mean) / model.std
            labels = torch.cat([labels for _, labels in found])
            # 2. Maps of the held-out ones.
            held = self.as_maps(model, held_out(), machine)
        fed = Rows((maps.clone(), labels.clone()), batches.batch_size, batches.seed, batches.share)
        return model.denoiser, fed, lambda: iter(held)

    def as_maps(self, model: LatentNet, batches: Iterator[Batch], machine: Machine) -> list[Batch]:
        """Batches of pictures as batches of maps."""
        placed = ((machine.place(x), machine.place(y)) for x, y in batches)
        return [(model.maps(x), y) for x, y in placed]

    def tested_on(self, pieces: Pieces) -> Iterator[Batch]:
        """Maps of the test part."""
        assert isinstance(pieces.model, LatentNet)
        return iter(self.as_maps(pieces.model, super().tested_on(pieces), pieces.stepper.machine))

    def measured(self, pieces: Pieces) -> dict[str, float]:
        """How well the first stage rebuilds test pictures: no sample will look better."""
        model, machine = pieces.model, pieces.stepper.machine
        assert isinstance(model, LatentNet)
        x = torch.cat([x for x, _ in evaluation_batches(pieces.splits.test, pieces.pipeline, AT_ONCE)])
        again = model.pictures(model.maps(machine.place(x)))
        return {"test_decoder_error": (again.cpu() - x).square().mean().sqrt().item()}

    def process(self, model: nn.Module, held_out: str = "val") -> Ddpm:
        """The task around the denoiser."""
        return super().process(model.denoiser if isinstance(model, LatentNet) else model, held_out)

    def start(self, model: nn.Module, ask: Ask) -> Tensor:
        """Noise of the maps' shape."""
        assert isinstance(model, LatentNet)
        return super().start(model.denoiser, ask)

    def within(self, x: Tensor) -> Tensor:
        """A predicted map cut to what maps can be."""
        return x.clamp(-FAR, FAR)

    def seen_as(self, model: nn.Module, x: Tensor) -> Tensor:
        """Maps of pictures."""
        assert isinstance(model, LatentNet)
        return model.maps(x)

    def shown_as(self, model: nn.Module, x: Tensor) -> Tensor:
        """Decoded maps."""
        assert isinstance(model, LatentNet)
        return model.pictures(x)

    def redrawn(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        """What the first stage makes of pictures."""
        return self.shown_as(model, self.seen_as(model, x))

    def sections(
        self, model: nn.Module, splits: Splits[Images], pipeline: Pipeline
    ) -> Sequence[Section | None]:
        """Besides noise: the maps, channel by channel."""
        assert isinstance(model, LatentNet)
        x, _ = pipeline.eval(splits.test.pixels[:SHOWN], splits.test.labels[:SHOWN])
        raw = model.raw(x.to(device_of(model)))
        maps = show.channels(raw.cpu(), (raw - model.mean).div(model.std).cpu())
        return [maps, *super().sections(model, splits, pipeline)]


def changed(batches: Loader, view: int) -> Iterator[tuple[Tensor, Tensor]]:
    """All training pictures once, in order, changed as in training."""
    images, generator = batches.images, seeded(batches.seed, "view", view)
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        yield batches.pipeline.train(images.pixels[part], images.labels[part], generator, 0.0)


def encoded(model: LatentNet, batches: Iterator[Batch], machine: Machine) -> tuple[Tensor, Tensor]:
    """Raw maps and labels of all batches."""
    found = [(model.raw(machine.place(x)), machine.place(y)) for x, y in batches]
    return torch.cat([maps for maps, _ in found]), torch.cat([labels for _, labels in found])
