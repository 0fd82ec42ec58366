"""A run of two networks that play against each other: a generator of pictures and its discriminator."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.log import Hook
from gradschool.engine.loop import Progress
from gradschool.engine.optim import Optim
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.evals.generation import latent
from gradschool.evals.generation.collapse import Watch
from gradschool.evals.inference import device_of
from gradschool.evals.metric import Metric
from gradschool.evals.report import game as report_game
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import SectionOf
from gradschool.nn.players import Players
from gradschool.ops import adversarial as ops
from gradschool.phrases import command
from gradschool.runs.generation.ask import Ask, to_unit
from gradschool.runs.generation.generator import GenerativeRun
from gradschool.runs.generation.judge import NotJudged, counted, described, judge_for
from gradschool.runs.run import Count, Pieces, Positive, Share
from gradschool.tasks.gan import GAMES, Gan, Rules

FRAMES = 48  # of a film
LOOKED_AT = 256  # test pictures at which slopes are measured
Name = Literal["minimax", "non_saturating", "least_squares", "hinge", "wasserstein"]


@dataclass(frozen=True, kw_only=True)
class GanRun(GenerativeRun):
    """Generator and discriminator, trained in turns."""

    kind: ClassVar[str] = "gan"
    title: ClassVar[str] = "a GAN"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("distance", "sliced distance"),
        Metric("covered", "classes covered", better="higher"),
        Metric("sure", "surely of some class", "share", "higher"),
        Metric("class_kl", "divergence of classes", "nats"),
        Metric("obeyed", "of the class asked for", "share", "higher"),
    )

    game: Name = "non_saturating"
    """What the two lower."""
    turns: Count = 1
    """Steps of the discriminator for each of the generator's; a batch is cut into so many pieces."""
    weight_clip: Positive | None = None
    """Largest size of the discriminator's weights (WGAN: 0.01)."""
    penalty: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the gradient penalty (WGAN-GP: 10)."""
    beta1: Share = 0.5
    """Decay of Adam's first moment; near 1 the losses of GANs oscillate."""
    beta2: Share = 0.999
    """Adam's memory of their squares."""
    counted: Annotated[int, Field(ge=0)] = 1000
    """Pictures at the end whose classes a frozen classifier counts; 0: none."""
    shown: Annotated[int, Field(ge=1, le=400)] = 100
    """Pictures on the sheets drawn while training."""

    def optim(self) -> Optim:
        """Adam with the betas of the game."""
        betas = self.beta1, self.beta2
        return Optim(self.optimizer, self.learning_rate, self.weight_decay, self.momentum, betas)

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Gan:
        """Both players.

        Raises:
            UserError: a setting does not go with two networks, or a batch is too small for the turns.
        """
        assert isinstance(model, Players)
        self.refuse(len(splits.train))
        return Gan(model, GAMES[self.game], Rules(self.turns, self.weight_clip, self.penalty), held_out)

    def refuse(self, images: int) -> None:
        """Refuse what would train wrongly.

        Raises:
            UserError: see `task`.
        """
        if self.accumulate > 1:
            what = f"accumulate is {self.accumulate}, but two networks share a forward pass"
            raise UserError(what, "accumulate=1", "Lower batch_size.")
        if self.shard or int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise UserError("a GAN was started on several processes", "one", "Leave torchrun and shard out.")
        if self.compile and self.penalty:
            what = "compile is on with a gradient penalty, whose gradient of a gradient torch.compile lacks"
            raise UserError(what, "compile=false", "")
        if min(self.batch_size, images) < 2 * self.turns:
            what = f"a batch holds {min(self.batch_size, images)} pictures for {self.turns} turns"
            raise UserError(what, f"{2 * self.turns} or more", f"Use --set batch_size={64 * self.turns}.")

    def pictures(self, model: nn.Module, z: Tensor, y: Tensor | None) -> Tensor:
        """The picture in 0 to 1 of each code."""
        assert isinstance(model, Players)
        return to_unit(model.generator(z, y).float(), self.scale)

    def generate(self, model: nn.Module, ask: Ask) -> Tensor:
        """Codes from N(0, 1), drawn by the generator."""
        (z,), y = codes(model, ask, 1)
        return self.pictures(model, z, y)

    def film(self, model: nn.Module, ask: Ask) -> list[Tensor]:
        """A walk through the codes that ends where it began; every frame is as random as the first."""
        (a, b), y = codes(model, ask, 2)
        return [self.pictures(model, z, y) for z in latent.circle(a, b, FRAMES)]

    def watchers(self, pieces: Pieces, folder: RunFolder) -> list[Hook]:
        """Sheets of pictures, and somebody who names what goes wrong."""
        return [*super().watchers(pieces, folder), Watch(GAMES[self.game].end[0])]

    def finish(self, pieces: Pieces, folder: RunFolder, at: Progress) -> None:
        """As every generator's; whoever stops the classifier's training loses nothing and is told so."""
        try:
            super().finish(pieces, folder, at)
        except NotJudged as error:
            ready = f"The generator is trained and saved ({command('sample', folder.path)})."
            advice = f"{ready} Count its classes with: {command('train --resume', folder.path)}"
            raise WorkFailed(error.what, "", advice) from error

    def measured(self, pieces: Pieces) -> dict[str, float]:
        """Classes that a frozen classifier finds among new pictures."""
        splits = pieces.splits
        if not self.counted or len(splits.train.classes) < 2:
            return {}
        found = counted(self, pieces.model, splits, judge_for(self, splits, pieces.say), self.counted)
        told = {"covered": float(found.covered), "sure": found.sure, "class_kl": found.divergence}
        told |= {} if found.obeyed is None else {"obeyed": found.obeyed}
        return {f"test_{name}": value for name, value in told.items()}

    def curves(self) -> Sequence[SectionOf]:
        """The game instead of bare curves."""
        is_answer = self.game in ("minimax", "non_saturating")
        return [partial(report_game.game, end=GAMES[self.game].end, is_answer=is_answer)]

    def sections(
        self, model: nn.Module, splits: Splits[Images], pipeline: Pipeline
    ) -> Sequence[Section | None]:
        """Slopes of the discriminator, and the classes that are made."""
        drawn = [report_game.slopes(self.slopes(model, splits, pipeline))]
        if self.counted and len(splits.train.classes) > 1:
            judge = judge_for(self, splits)
            found = counted(self, model, splits, judge, self.counted)
            drawn.append(report_game.covered(found, splits.train.classes, described(judge)))
        return drawn

    def slopes(self, model: nn.Module, splits: Splits[Images], pipeline: Pipeline) -> dict[str, np.ndarray]:
        """Norms of the discriminator's gradient at real and generated pictures and between them."""
        assert isinstance(model, Players)
        device, some = device_of(model), splits.test.take(torch.arange(min(LOOKED_AT, len(splits.test))))
        with torch.inference_mode(False), torch.enable_grad():
            x, y = (each.to(device) for each in pipeline.eval(some.pixels, some.labels))
            generator = torch.Generator().manual_seed(0)
            (z,), _ = codes(model, Ask(len(x), generator), 1)
            fake = model.generator(z, y).detach()
            share = torch.rand(len(x), generator=generator).to(device)
            places = {"real": x.clone(), "generated": fake, "between": ops.between(x, fake, share)}
            found = {}
            for name, points in places.items():
                points.requires_grad_()
                found[name] = ops.slopes(model.discriminator(points, y), points).detach().cpu().numpy()
        return found


def codes(model: nn.Module, ask: Ask, times: int) -> tuple[list[Tensor], Tensor | None]:
    """`times` codes for each picture, where the model is, and the classes that were asked for."""
    assert isinstance(model, Players)
    device = device_of(model)
    labels = None if ask.labels is None else ask.labels.to(device)
    return [ask.noise(model.latent).to(device) for _ in range(times)], labels
