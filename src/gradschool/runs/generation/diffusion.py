"""Runs that learn to denoise: DDPM, EDM and flows, with samplers of one signature."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.engine.loop import HeldOut
from gradschool.errors import UserError
from gradschool.evals.metric import Metric
from gradschool.evals.report import diffusion as show
from gradschool.evals.report.html import Section
from gradschool.models.generative.denoiser import Denoiser
from gradschool.ops.diffusion import NoiseSchedule, Predicts, cosine_betas, linear_betas
from gradschool.ops.edm import karras_sigmas
from gradschool.ops.flow import even_times, integrate
from gradschool.ops.sampling import SAMPLERS
from gradschool.runs.generation.ask import Ask, to_unit
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.run import Count, Positive, Share
from gradschool.tasks.diffuse import Ddpm, Diffuse, Edm, Flow

Name = Literal["ddpm", "ddim", "heun", "dpm"]
FRAMES = 40  # of a film, at most
AT_ONCE = 256  # pictures that are sampled together
MOST = 100_000  # steps that anyone could want
SHADES = (0.999, 0.99, 0.95, 0.8, 0.5, 0.2, 0.05, 0.01, 0.001)  # alpha bar of the report's columns


@dataclass(frozen=True, kw_only=True)
class DiffusionRun(GenerativeRun):
    """What all three share: class dropout for guidance, a sampler, a film, sections of the report."""

    class_dropout: Share = 0.1
    """Share of training images whose class is hidden from a conditional network, as guidance needs it."""
    guidance: Annotated[float, Field(ge=0)] = 1.0
    """Guidance scale when sampling: 0 ignores the class, 1 uses it as learned, more exaggerates it."""
    sampler: str = "dpm"
    """Sampler: ddpm, ddim, heun or dpm (DPM-Solver++)."""
    sampler_steps: Count = 20
    """Steps from noise to image; heun needs two network evaluations in each."""
    looked_at: Count = 1000
    """Held-out images in each evaluation, at most."""

    samplers: ClassVar[tuple[str, ...]] = tuple(SAMPLERS)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "test loss", note="squared error of what the network predicts; lower is better"),
    )

    def process(self, model: nn.Module, held_out: str = "val") -> Diffuse:
        """The task around a network; it knows what the network predicts."""
        raise NotImplementedError

    def levels(self, sampler: str, steps: int) -> list[float]:
        """The levels alpha bar that a sampler visits, rising from noise to 1."""
        raise NotImplementedError

    def most_steps(self) -> int:
        """The largest number of steps that makes sense."""
        return MOST

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Diffuse:
        """Squared errors."""
        if self.sampler not in self.samplers:
            raise UserError(f"sampler is {self.sampler!r}", f"one of {', '.join(self.samplers)}", "")
        if self.sampler_steps > self.most_steps():
            wanted = f"at most times, which is {self.most_steps()}"
            raise UserError(f"sampler_steps is {self.sampler_steps}", wanted, "")
        return self.process(model, held_out)

    def common(self, model: nn.Module, held_out: str) -> dict[str, Any]:
        """Arguments that all three tasks take."""
        classes = model.classes if isinstance(model, Denoiser) else 0
        return {"classes": classes, "drop": self.class_dropout, "held_out": held_out}

    def evaluation(self, splits: Splits[Images], pipeline: Pipeline) -> HeldOut:
        """Some of the held-out images, spread evenly over them."""
        images = splits.val or splits.test
        some = images.take(torch.arange(0, len(images), max(1, len(images) // self.looked_at)))
        return partial(evaluation_batches, some, pipeline, 2 * self.batch_size)

    def check(self, ask: Ask) -> None:
        """Refuse steps, samplers and guidance that do not exist.

        Raises:
            UserError: a number outside its range, no such sampler, or guidance without classes.
        """
        if ask.steps is not None and not 1 <= ask.steps <= self.most_steps():
            wanted = f"a whole number from 1 to {self.most_steps():,}"
            raise UserError(f"--steps is {ask.steps}", wanted, "Example: --steps 20")
        if ask.sampler is not None and ask.sampler not in self.samplers:
            raise UserError(f"--sampler is {ask.sampler!r}", f"one of {', '.join(self.samplers)}", "")
        if ask.guidance is None:
            return
        if not self.conditional:
            wanted = "a class-conditional model (conditional=true)"
            raise UserError(f"--guidance {ask.guidance:g} was given", wanted, "Leave --guidance out.")
        if not 0 <= ask.guidance < float("inf"):
            raise UserError(f"--guidance is {ask.guidance}", "a number >= 0", "Example: --guidance 2")

    def path(self, model: nn.Module, ask: Ask) -> Iterator[Tensor]:
        """The noise, then the image after each step, on the model's scale."""
        # 1. The noise, and the network as a denoiser.
        x = self.start(model, ask)
        clean = partial(self.process(model).clean, labels=self.labels(model, ask), guidance=self.pull(ask))
        yield x
        # 2. Predicted clean images are clipped to the range of pixels.
        sampler = ask.sampler or self.sampler
        levels = self.levels(sampler, ask.steps or self.sampler_steps)
        yield from SAMPLERS[sampler](
            lambda x, a: self.within(clean(x, a)), x, levels, lambda: ask.noise(*x.shape[1:]).to(x.device)
        )

    def start(self, model: nn.Module, ask: Ask) -> Tensor:
        """The noise that sampling starts from."""
        assert isinstance(model, Denoiser)
        return ask.noise(*model.shape).to(next(model.parameters()).device)

    def labels(self, model: nn.Module, ask: Ask) -> Tensor | None:
        """The classes asked for, on the model's device."""
        return None if ask.labels is None else ask.labels.to(next(model.parameters()).device)

    def pull(self, ask: Ask) -> float:
        """The guidance scale asked for, or the run's."""
        return self.guidance if ask.guidance is None else ask.guidance

    def within(self, x: Tensor) -> Tensor:
        """A predicted clean image, clipped to the range of pixels."""
        return x.clamp(-1, 1)

    def seen_as(self, model: nn.Module, x: Tensor) -> Tensor:
        """Images of the pipeline on the model's scale."""
        return x

    def shown_as(self, model: nn.Module, x: Tensor) -> Tensor:
        """Images on the model's scale as images from 0 to 1."""
        return to_unit(x, self.scale)

    def generate(self, model: nn.Module, ask: Ask) -> Tensor:
        """Sample images, at most `AT_ONCE` together."""
        made = []
        for start in range(0, ask.n, AT_ONCE):
            n = min(AT_ONCE, ask.n - start)
            labels = None if ask.labels is None else ask.labels[start : start + n]
            last = deque(self.path(model, replace(ask, n=n, labels=labels)), maxlen=1)
            made.append(self.shown_as(model, last[0]))
        return torch.cat(made)

    def film(self, model: nn.Module, ask: Ask) -> list[Tensor]:
        """The images during sampling, in at most forty frames."""
        return [self.shown_as(model, x) for x in thinned(list(self.path(model, ask)), FRAMES)]

    def sections(
        self, model: nn.Module, splits: Splits[Images], pipeline: Pipeline
    ) -> Sequence[Section | None]:
        """Noise schedule, denoised test images, and images during sampling."""
        device = next(model.parameters()).device
        x, y = pipeline.eval(splits.test.pixels[:4], splits.test.labels[:4])
        labels = y.to(device) if self.conditional else None
        clean = partial(self.process(model).clean, labels=labels)
        told = torch.arange(6) % len(splits.train.classes) if self.conditional else None
        ask = Ask(6, torch.Generator().manual_seed(0), told)
        frames = [self.shown_as(model, x) for x in thinned(list(self.path(model, ask)), 10)]
        return [
            *self.schedules(),
            show.drowning(self.seen_as(model, x.to(device)), SHADES, clean, partial(self.shown_as, model)),
            show.clearing(frames, self.sampler_steps, self.sampler),
        ]

    def schedules(self) -> Sequence[Section]:
        """The noise schedule, where the run has one."""
        return []


@dataclass(frozen=True, kw_only=True)
class DdpmRun(DiffusionRun):
    """Denoising diffusion in T steps."""

    kind: ClassVar[str] = "ddpm"
    title: ClassVar[str] = "a diffusion model"

    noise: Literal["linear", "cosine"] = "cosine"
    """Noise schedule: linear or cosine."""
    times: Annotated[int, Field(ge=2)] = 1000
    """T, the number of noise levels."""
    predicts: Predicts = "noise"
    """What the network predicts: the noise, the clean image or the velocity v."""
    min_snr: Positive | None = None
    """Gamma of min-SNR weights, which limit the weight of weak noise; 5 is usual, none leaves them out."""

    def noise_schedule(self, name: str | None = None) -> NoiseSchedule:
        """The noise schedule by its name, or the run's own."""
        betas = linear_betas if (name or self.noise) == "linear" else cosine_betas
        return NoiseSchedule(betas(self.times))

    def most_steps(self) -> int:
        """There are T levels."""
        return self.times

    def process(self, model: nn.Module, held_out: str = "val") -> Ddpm:
        """Predict the noise, the clean image or v."""
        schedule, rest = self.noise_schedule(), self.common(model, held_out)
        return Ddpm(model, schedule, self.predicts, self.min_snr, **rest)

    def levels(self, sampler: str, steps: int) -> list[float]:
        """Evenly spaced times; for samplers of second order EDM's spacing between the schedule's ends."""
        schedule = self.noise_schedule()
        if sampler in ("ddpm", "ddim"):
            return schedule.levels(steps)
        high, low = (schedule.snr[[-1, 0]] ** -0.5).tolist()
        return (1 / (1 + karras_sigmas(steps, low, min(high, 80.0)) ** 2)).tolist()

    def schedules(self) -> Sequence[Section]:
        """The run's own schedule beside the other."""
        other = "cosine" if self.noise == "linear" else "linear"
        named = {f"{self.noise} (this run)": self.noise_schedule(), other: self.noise_schedule(other)}
        return [show.schedules(named)]


@dataclass(frozen=True, kw_only=True)
class EdmRun(DiffusionRun):
    """EDM: denoising at any standard deviation of the noise, by a preconditioned network."""

    kind: ClassVar[str] = "edm"
    title: ClassVar[str] = "a diffusion model"

    sampler: str = "heun"
    """Sampler: ddpm, ddim, heun or dpm (DPM-Solver++)."""
    sampler_steps: Count = 18
    """Steps from noise to image; heun needs two network evaluations in each."""
    sigma_data: Positive = 0.5
    """Standard deviation of the images' pixels, on the scale -1 to 1."""
    sigma_min: Positive = 0.002
    """Smallest noise level of sampling."""
    sigma_max: Positive = 80.0
    """Largest noise level of sampling."""

    def process(self, model: nn.Module, held_out: str = "val") -> Edm:
        """Predict the clean image by a preconditioned network."""
        return Edm(model, self.sigma_data, **self.common(model, held_out))

    def levels(self, sampler: str, steps: int) -> list[float]:
        """EDM's noise levels."""
        return (1 / (1 + karras_sigmas(steps, self.sigma_min, self.sigma_max) ** 2)).tolist()


@dataclass(frozen=True, kw_only=True)
class FlowRun(DiffusionRun):
    """Flow matching along straight lines from noise to images."""

    kind: ClassVar[str] = "flow"
    title: ClassVar[str] = "a flow"

    sampler: str = "heun"
    """Sampler: euler, heun, ddim or dpm (DPM-Solver++)."""
    sampler_steps: Count = 20
    """Steps from noise to image; heun needs two network evaluations in each."""
    pairing: Literal["random", "transport"] = "random"
    """How noises and images of a batch are paired: at random, or by optimal transport (shortest lines). With
    classes, optimal transport gives each class its own part of the noise; sampling does not: use random."""

    samplers: ClassVar[tuple[str, ...]] = ("euler", "heun", "ddim", "dpm")

    def process(self, model: nn.Module, held_out: str = "val") -> Flow:
        """Predict the velocity."""
        return Flow(model, self.pairing, **self.common(model, held_out))

    def levels(self, sampler: str, steps: int) -> list[float]:
        """Evenly spaced times, starting just after pure noise."""
        times = [max(t, 1e-3) for t in even_times(steps)]
        return [t**2 / (t**2 + (1 - t) ** 2) for t in times]

    def path(self, model: nn.Module, ask: Ask) -> Iterator[Tensor]:
        """Follow the velocity, or use a diffusion sampler on the same lines."""
        sampler = ask.sampler or self.sampler
        if sampler not in ("euler", "heun"):
            yield from super().path(model, ask)
            return
        x = self.start(model, ask)
        velocity = partial(
            self.process(model).velocity, labels=self.labels(model, ask), guidance=self.pull(ask)
        )
        yield x
        yield from integrate(velocity, x, even_times(ask.steps or self.sampler_steps), sampler)


def thinned(frames: list[Tensor], n: int) -> list[Tensor]:
    """At most n of the frames, evenly spread, with the first and the last."""
    if len(frames) <= n:
        return frames
    return [frames[round(i * (len(frames) - 1) / (n - 1))] for i in range(n)]
