"""Autoencoders' tasks: give the picture back, through a code of numbers or of entries of a codebook.

Sources: Hinton and Salakhutdinov 2006; van den Oord et al. 2017, eq. 3.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.ops.loss import mse_loss
from gradschool.ops.quantise import perplexity

Batch = tuple[Tensor, ...]


class Autoencode:
    """Squared error a pixel.

    Args:
        model: pictures to pictures, see `models.generative.autoencoder`.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, held_out: str = "val") -> None:
        self.parts = {"model": model}
        self.held_out = held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean over pixels and pictures."""
        x = batch[0]
        return {"loss": mse_loss(self.parts["model"](x).float(), x)}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """The mean over all pixels."""
        wrong = count = 0.0
        for batch in batches:
            wrong += mse_loss(self.parts["model"](batch[0]).float(), batch[0], reduction="sum").item()
            count += batch[0].numel()
        return {f"{self.held_out}_loss": wrong / count}


class VqAutoencode(Autoencode):
    """Squared error a pixel in units of its variance, and the codebook's loss.

    Args:
        model: see `models.generative.vqvae.VQVAE`.
        variance: of the pixels of the training set; makes errors of every set comparable to the codebook's.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, variance: float = 1.0, held_out: str = "val") -> None:
        super().__init__(model, held_out)
        self.variance = variance

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The three terms of eq. 3, and how many entries the batch used (perplexity)."""
        again, chosen, drawn = self.parts["model"](batch[0])
        wrong = mse_loss(again.float(), batch[0])
        used = perplexity(chosen.flatten(), self.entries)
        return {"loss": wrong / self.variance + drawn, "reconstruction": wrong, "entries_used": used}

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """The same over all pictures; perplexity is that of all entries together."""
        loss = wrong = count = 0.0
        entries = []
        for batch in batches:
            again, chosen, drawn = self.parts["model"](batch[0])
            error = mse_loss(again.float(), batch[0]).item()
            n = len(batch[0])
            loss, wrong = loss + n * (error / self.variance + drawn.item()), wrong + n * error
            count += n
            entries.append(chosen.flatten())
        scores = {"loss": loss / count, "reconstruction": wrong / count}
        scores["entries_used"] = perplexity(torch.cat(entries), self.entries).item()
        return {f"{self.held_out}_{name}": value for name, value in scores.items()}

    @property
    def entries(self) -> int:
        """Of the codebook."""
        model: Any = self.parts["model"]
        return len(getattr(model, "module", model).quantise.codebook)
