"""Runs of masked autoencoders: most patches of a picture are hidden, and drawn from those that are shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.engine.task import Batch
from gradschool.errors import UserError
from gradschool.evals.report import representation
from gradschool.evals.report.html import Section
from gradschool.models.vision.mae import MaskedAutoencoder
from gradschool.ops.practice.masking import random_patch_mask
from gradschool.runs.representation.encoder import EncoderRun
from gradschool.runs.run import Count
from gradschool.tasks.representation.masked_patches import MaskedPatches

BLANK = 0.98  # loss on normalised patches from which on they are drawn no better than in one colour


@dataclass(frozen=True, kw_only=True)
class MaeRun(EncoderRun):
    """An encoder whose features of a quarter of the patches tell what the others show."""

    kind: ClassVar[str] = "mae"
    title: ClassVar[str] = "an encoder learnt without labels (masked autoencoder)"

    hidden: Annotated[float, Field(gt=0, lt=1)] = 0.75
    """Share of the patches that is hidden."""
    normalised: bool = True
    """Whether each hidden patch is to be drawn with mean 0 and deviation 1."""
    decoder_width: Annotated[int, Field(ge=4, multiple_of=4)] = 64
    """Numbers of a vector of the decoder, a multiple of 4."""
    decoder_depth: Count = 1
    """Blocks of the decoder."""
    decoder_heads: Count = 2
    """Heads of its attention."""

    def built(self, body: Any, width: int) -> nn.Module:
        """The decoder around a vision transformer.

        Raises:
            UserError: the encoder does not read patches in any number.
        """
        if not (hasattr(body, "embed") and hasattr(body, "read")):
            wanted = "a transformer that reads some patches of a picture: plain_vit"
            raise UserError(f"model is {self.network()}", wanted, "Use --set model=plain_vit.")
        if self.decoder_width % self.decoder_heads:
            wanted = f"a multiple of {self.decoder_heads}, its heads"
            raise UserError(f"decoder_width is {self.decoder_width}", wanted, "")
        return MaskedAutoencoder(body, width, self.decoder_width, self.decoder_depth, self.decoder_heads)

    def start_model(self, images: Images, pipeline: Pipeline) -> nn.Module:
        """Encoder and decoder with random weights.

        Raises:
            UserError: patches do not fill the pictures.
        """
        model: Any = super().start_model(images, pipeline)
        x, _ = pipeline.eval(images.pixels[:1], images.labels[:1])
        patch, sides = model.body.patch, x.shape[2:]
        if any(side % patch for side in sides) or max(sides) < 2 * patch:
            what = f"pictures have {sides[1]}x{sides[0]} pixels"
            wanted = f"multiples of the patch of {patch} pixels, two patches or more"
            raise UserError(what, wanted, "Set size or model_options.patch.")
        started: nn.Module = model
        return started

    def given(self, pixels: Tensor, x: Tensor, pipeline: Pipeline, generator: torch.Generator) -> Batch:
        """Pictures as they are, and what is hidden of them."""
        return x, self.mask(x, generator)

    def mask(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """What is hidden of pictures, drawn by a generator."""
        patch = self.patch()
        n = (x.shape[2] // patch) * (x.shape[3] // patch)
        return random_patch_mask(torch.rand(len(x), n, generator=generator), self.hidden)

    def patch(self) -> int:
        """Side of a patch, in pixels."""
        with torch.device("meta"):  # nothing is drawn
            made: Any = self.model(2, **self.model_options)
        return int(made.patch)

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> MaskedPatches:
        """Draw what is hidden."""
        bank = self.bank_of(splits)
        return MaskedPatches(
            model, bank, held_out, self.neighbours, hidden=self.hidden, normalised=self.normalised
        )

    def collapsed(self, scores: dict[str, float]) -> str:
        """A decoder that draws hidden patches no better than in one colour."""
        found = scores["test_loss"]
        if not self.normalised or found < BLANK:
            return ""
        return (
            f"hidden patches are drawn no better than in one colour (squared error {found:.3f}, one colour "
            "has 1.0): nothing was learnt from what is shown. Train longer, or with a higher learning rate."
        )

    def sections(self, model: Any, splits: Splits[Images], pipeline: Pipeline) -> Sequence[Section | None]:
        """Pictures, what is shown of them, and what is drawn."""
        x, _ = pipeline.eval(splits.test.pixels[:8], splits.test.labels[:8])
        hidden = self.mask(x, torch.Generator().manual_seed(0))
        drawn = representation.reconstructions(model, pipeline, x, hidden, self.normalised)
        return [drawn, representation.attended(model.body, pipeline, splits.test)]
