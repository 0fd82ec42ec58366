"""A generator's run: what autoencoders, GANs, diffusion models and flows have in common.

The model is asked for the same pictures (the same noise) again and again while it trains, and the report
shows how they became what they are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import BeforeValidator, Field
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.chosen import chosen, names
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.data.vision.open import resolve_pictures
from gradschool.data.vision.pictures import open_pictures
from gradschool.engine.log import Hook
from gradschool.engine.loop import Progress
from gradschool.engine.run import RunFolder
from gradschool.engine.task import Batch
from gradschool.errors import UserError
from gradschool.evals.metric import LOSS, Metric
from gradschool.evals.pictures import save_grid
from gradschool.evals.report import numbers, samples
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, SectionOf
from gradschool.evals.report.page import write_report
from gradschool.models import catalogue
from gradschool.phrases import command
from gradschool.runs.finish import final_weights, rebuilt, write_result
from gradschool.runs.generation.ask import Ask, ask_for, asked, columns_for, to_unit
from gradschool.runs.generation.draw import write_film, write_pictures
from gradschool.runs.generation.gallery import Gallery
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import machine_of, splits_again
from gradschool.runs.run import Count, Pieces
from gradschool.runs.settings import ByName, make_model
from gradschool.runs.vision.oddness import oddness
from gradschool.runs.vision.pictures import PictureRun

Shape = tuple[int, int, int]
Names = Annotated[tuple[str, ...], BeforeValidator(names)]
GeneratorFunction = Annotated[Callable[..., nn.Module], ByName("shape")]


@dataclass(frozen=True, kw_only=True)
class GenerativeRun(PictureRun):
    """A generator of pictures trained on a set or on a folder."""

    title: ClassVar[str] = "a generator of pictures"
    makes: ClassVar[str] = "pictures"
    metrics: ClassVar[tuple[Metric, ...]] = (LOSS,)

    scale: ClassVar[Literal["unit", "signed"]] = "signed"  # pixels from 0 to 1, or from -1 to 1

    model: GeneratorFunction
    """Which network: the name of a function of (channels, height, width) in gradschool.models."""
    model_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the model function, e.g. --set model_options.latent=2."""
    size: Count | None = None
    """Side in pixels that is trained on; as stored if not given."""
    augment: Augment = field(default_factory=Augment)
    """Random changes of the training images."""
    conditional: bool = False
    """Tell the model the class of every picture."""
    only: Names = ()
    """Classes that are kept, e.g. only=jellyfish or only=jellyfish,goldfish; all if none is named."""
    limit: Count | None = None
    """Most parameters that the network may have."""
    shown: Annotated[int, Field(ge=1, le=400)] = 64
    """Pictures on the sheets drawn while training."""

    def open(self, seed: int, data: str | None = None) -> Splits[Images]:
        """The pictures, of all classes or of those that are wanted; unless these matter, of none."""
        if self.conditional or self.only:
            splits = super().open(seed, data)
        else:
            splits = open_pictures(data or self.data, size=self.side(), val=self.val, seed=seed)
        return chosen(splits, self.only) if self.only else splits

    def generate(self, model: nn.Module, ask: Ask) -> Tensor:
        """New pictures (n, c, h, w) in 0 to 1; `model` is what `build_model` built, in eval mode."""
        raise NotImplementedError

    def check(self, ask: Ask) -> None:
        """Refuse what this kind of model cannot do.

        Raises:
            UserError: it does not sample step by step, but steps, guidance or a sampler is asked for.
        """
        for name in ("steps", "guidance", "sampler"):
            if (value := getattr(ask, name)) is not None:
                raise UserError(
                    f"--{name} {value} was given", "a diffusion model or flow", f"Leave --{name} out."
                )

    def film(self, model: nn.Module, ask: Ask) -> list[Tensor]:
        """How pictures come about: sheets in order; a walk through the codes, or noise that clears up."""
        raise UserError(f"a {type(self).__name__} has no film", "a VAE, a GAN or a diffusion model", "")

    def redrawn(self, model: nn.Module, x: Tensor, y: Tensor) -> Tensor | None:
        """Pictures (b, c, h, w) of classes y as the model encodes and decodes them, in 0 to 1; None if it
        does not.
        """
        return None

    def measured(self, pieces: Pieces) -> dict[str, float]:
        """Further scores of the final weights on the test part, each name starting with `test_`."""
        return {}

    def tested_on(self, pieces: Pieces) -> Iterator[Batch]:
        """The test part as the task sees it."""
        return evaluation_batches(pieces.splits.test, pieces.pipeline, 2 * self.batch_size)

    def facts(self, model: nn.Module) -> dict[str, Any]:
        """What `rebuild` needs to know besides classes and shape, for model.json."""
        return {}

    def sections(
        self, model: nn.Module, splits: Splits[Images], pipeline: Pipeline
    ) -> Sequence[Section | None]:
        """Further sections of the report: latent maps, schedules ..."""
        return []

    def curves(self) -> Sequence[SectionOf]:
        """Sections of the report about the numbers that were logged."""
        return [numbers.training]

    def build_model(self, shape: Shape, classes: int) -> nn.Module:
        """A freshly initialised model of pictures of a shape; classes is 0 where it is told none.

        Raises:
            UserError: the network does not take pictures of that shape, or these options, or is too large.
        """
        try:
            model = make_model(self.model, shape, classes, options=self.model_options)
        except ValueError as error:
            raise UserError(f"{self.network()} cannot be built: {error}", "", "") from error
        parameters = sum(p.numel() for p in model.parameters())
        if self.limit is not None and parameters > self.limit:
            what = f"{self.network()} has {parameters:,} parameters"
            advice = "Make it smaller, e.g. --set 'model_options={\"width\": 16}', or raise --set limit=..."
            raise UserError(what, f"at most {self.limit:,} (limit)", advice)
        return model

    def network(self) -> str:
        """The network's name, for people."""
        return catalogue.name_of(self.model)

    def pipeline(self, images: Images) -> Pipeline:
        """Scaled by constants, not by the data's mean: what comes out must be a picture again."""
        channels = images.pixels.shape[1]
        mean, std = (0.0, 1.0) if self.scale == "unit" else (0.5, 0.5)
        sizes = ((0.0, self.size),) if self.size else ()
        return Pipeline((mean,) * channels, (std,) * channels, self.augment, sizes, len(images.classes))

    def shape(self, images: Images) -> Shape:
        """Channels, height and width of what the model sees."""
        _, channels, height, width = images.pixels.shape
        return (channels, self.size, self.size) if self.size else (channels, height, width)

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The model with random weights."""
        return self.build_model(self.shape(images), self.told_classes(images.classes))

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.build_model(tuple(facts["input"]), self.told_classes(facts["classes"]))

    def watchers(self, pieces: Pieces, folder: RunFolder) -> list[Hook]:
        """A sheet of pictures at every look."""
        classes = self.told_classes(pieces.splits.train.classes)

        def draw(model: nn.Module) -> Tensor:
            return self.generate(model, ask_for(self.shown, 0, classes))

        return [Gallery(draw, pieces.model, pieces.stepper, folder)]

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """Score the final weights on the test part, draw a sheet, write weights and facts."""
        splits, model, stepper = pieces.splits, pieces.model, pieces.stepper
        with final_weights(self, pieces, folder), torch.inference_mode():
            # 1. The task's own scores, now of the test part.
            for module in stepper.modules.values():
                module.eval()
            batches = stepper.machine.placed(self.tested_on(pieces))
            torch.manual_seed(0)
            found = pieces.task.evaluate(batches)
            scores = {f"test_{name.partition('_')[2]}": value for name, value in found.items()}
            # 2. A sheet; from here on the run can be sampled from.
            if folder.writes:
                told = self.told_classes(splits.train.classes)
                pictures = self.generate(model, ask_for(self.shown, 0, told))
                save_grid(folder.path / "samples.png", pictures, columns_for(self.shown))
            known: dict[str, Any] = {"classes": list(splits.train.classes)}
            known["input"] = list(self.shape(splits.train))
            known["parameters"] = sum(p.numel() for p in model.parameters())
            folder.write("model.json", known | self.facts(model))
            # 3. What may take minutes comes last.
            scores |= self.measured(pieces)
        write_result(self, pieces, folder, at, scores, test_images=len(splits.test))

    def refuse_second(self, ood: str) -> None:
        """Only a model that rebuilds any picture compares, without being told its class.

        Raises:
            UserError: this one does not, or there is no such set of pictures.
        """
        if self.conditional or type(self).redrawn is GenerativeRun.redrawn:
            wanted = "a run that rebuilds any picture, such as vae_mnist"
            raise UserError(f"--ood {ood} was given to {self.title}", wanted, "Leave --ood out.")
        resolve_pictures(ood)

    def report(self, folder: RunFolder, ood: str | None = None, data: str | None = None) -> Path:
        """Losses, pictures over training, reconstructions, and what else a kind of model has to show."""
        standard: list[SectionOf] = [*self.curves(), samples.made, samples.judged, samples.course]
        if not folder.read("model.json"):
            return write_report(folder.path, Facts(), [*standard, numbers.settings])
        model, _ = rebuilt(folder, self)
        model = machine_of(folder).place_module(model)
        splits = splits_again(self, folder, data)
        pipeline = self.pipeline(splits.train)
        x, y = pipeline.eval(splits.test.pixels[:16], splits.test.labels[:16])
        device = machine_of(folder).device
        with torch.inference_mode():
            again = self.redrawn(model, x.to(device), y.to(device))
            own = list(self.sections(model, splits, pipeline))
        if ood:
            self.refuse_second(ood)
            own.append(self.oddness(model, splits, pipeline, ood))
        if again is not None:
            standard.append(partial(samples.redrawn, x=to_unit(x, self.scale), again=again))
        sections = [*standard, *[lambda _, section=section: section for section in own]]
        on_top = [each for each in self.metrics if each.note]
        facts = Facts(splits=splits, model=model, scores=on_top, unit="images")
        return write_report(folder.path, facts, [*sections, samples.parts, numbers.settings])

    def sample(self, folder: RunFolder, wanted: Wanted, out: Path | None) -> Path:
        """Write new pictures, or a film of how they come about."""
        model, facts = rebuilt(folder, self)
        ask = self.asked(wanted, facts["classes"])
        model = machine_of(folder).place_module(model)
        out = out or folder.path / f"samples-{wanted.seed}.{'gif' if wanted.film else 'png'}"
        if wanted.film:
            write_film(out, lambda: self.film(model, ask), columns_for(ask.n))
        else:
            write_pictures(out, lambda: self.generate(model, ask))
        return out

    def asked(self, wanted: Wanted, classes: Sequence[str]) -> Ask:
        """What a person wants, checked against what this run can do."""
        ask = asked(wanted, classes, self.conditional)
        self.check(ask)
        return ask

    def told_classes(self, classes: Sequence[str]) -> int:
        """How many classes the model is told of; 0 where it is told none."""
        return len(classes) if self.conditional else 0

    def oddness(self, model: nn.Module, splits: Splits[Images], pipeline: Pipeline, ood: str) -> Section:
        """How well the error of reconstructions tells the test part from pictures of another set."""
        device = next(model.parameters()).device

        def rebuild(x: Tensor) -> tuple[Tensor, Tensor]:
            again = self.redrawn(model, x.to(device), torch.zeros(len(x), dtype=torch.int64, device=device))
            assert again is not None, "such a model was refused"
            return to_unit(x, self.scale), again

        return oddness(rebuild, pipeline, splits, ood)

    def conclusion(self, result: dict[str, Any], curve: str) -> str:
        """The test part's loss and time."""
        scores = {k: v for k, v in result["metrics"].items() if k.startswith("test_")}
        told = "  ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in scores.items())
        return f" {told}  {curve} in {result['seconds']:.1f} s"

    def next_step(self, folder: RunFolder) -> str:
        """Pictures are what it is for."""
        return command("sample", folder.path)
