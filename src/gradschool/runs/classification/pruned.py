"""A pruned classifier: a finished run without its smallest weights or channels, trained on for a while.

Sources: Han et al. 2015 (weights); Li et al. 2017 (channels). Weights are held at 0 by masks, which do not
reach the run's folder; channels are cut out, and the folder says how many each layer has left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.vision.images import Images
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.nn.prune.channels import Chain, chains, chosen, cut, resized
from gradschool.nn.prune.magnitude import mask, settled, zeros
from gradschool.phrases import command
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen
from gradschool.runs.run import Share

By = Literal["weight", "channel"]


@dataclass(frozen=True, kw_only=True)
class PrunedRun(ImageRun):
    """An image classifier that starts as another one without its smallest weights or channels."""

    kind: ClassVar[str] = "pruned"
    title: ClassVar[str] = "a pruned image classifier"
    places: ClassVar[tuple[str, ...]] = ("data", "teacher", "base")

    base: str
    """The run that is pruned."""
    share: Share
    """Of all weights, or of all channels that may go."""
    by: By = "weight"
    """Single weights, wherever they are, or whole channels."""

    def network(self) -> str:
        """The network's name and how much of it is gone."""
        return f"{super().network()} without {100 * self.share:g} % of its {self.by}s"

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """The base run's network, pruned."""
        seen, _ = pipeline.eval(images.pixels[:2], images.labels[:2])
        return cut_down(prunable(self.base)[1], seen, self.share, self.by).train()

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The network of a finished run at the size that is left of it, before its weights."""
        return resized(super().rebuild(facts), facts["chains"])

    def stored(self, model: nn.Module) -> nn.Module:
        """The network without masks: what they hide is 0."""
        return settled(model)

    def described(self, images: Images, pipeline: Pipeline, model: nn.Module) -> dict[str, Any]:
        """Besides: what was cut, and the share of zeros."""
        cuts: Sequence[Chain] = getattr(model, "cuts", ())
        found = super().described(images, pipeline, model)
        return {**found, "chains": [each.facts() for each in cuts], "zeros": zeros(settled(model))}


def prunable(where: str) -> tuple[ImageRun, nn.Module, RunFolder]:
    """A finished run that can be pruned: its settings, its network and its folder.

    Raises:
        UserError: there is no such run, it is not finished, or it is no classifier that learns from pictures.
    """
    folder = RunFolder.open(Path(where).expanduser())
    run = reopen(folder)[0]
    if type(run) not in (ImageRun, PrunedRun):
        advice = f"Train one: {command('train mnist')}"
        raise UserError(
            f"{folder.path} is {run.title}, which cannot be pruned", "an image classifier", advice
        )
    return run, rebuilt(folder, run)[0], folder


def cut_down(model: nn.Module, example: torch.Tensor, share: float, by: By) -> nn.Module:
    """A network without its smallest weights or channels, in place.

    Args:
        model: in evaluation mode.
        example: a batch of two inputs.
        share: of the weights, or of the channels that may go.
        by: which of the two.

    Raises:
        UserError: none of its channels may go.
    """
    if by == "weight":
        return mask(model, share)
    found = chains(model, example)
    if not found:
        what = "every channel of this network is read in several places"
        raise UserError(what, "a channel that one layer alone reads", "Use --by weight.")
    kept = chosen(model, found, share)
    for chain, index in zip(found, kept, strict=True):
        cut(model, chain, index)
    before: Sequence[Chain] = getattr(model, "cuts", ())
    model.cuts = [*before, *(replace(c, kept=len(i)) for c, i in zip(found, kept, strict=True))]  # type: ignore[assignment]
    return model
