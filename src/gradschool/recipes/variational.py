"""A variational autoencoder's run."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.images import Splits
from gradschool.recipes.generate import Ask, GenerativeRun
from gradschool.tasks.vae import Vae


@dataclass(frozen=True, kw_only=True)
class VaeRun(GenerativeRun):
    """A variational autoencoder of pictures whose pixels are probabilities."""

    scale: ClassVar[Literal["unit", "signed"]] = "unit"

    beta: Annotated[float, Field(ge=0)] = 1.0
    """Price of a nat of code."""
    free_nats: Annotated[float, Field(ge=0)] = 0.0
    """Nats of each latent dimension that cost nothing."""

    def task(self, model: nn.Module, splits: Splits, held_out: str) -> Vae:
        """Minus the variational bound."""
        return Vae(model, self.beta, self.free_nats, held_out)

    def generate(self, model: nn.Module, ask: Ask) -> Tensor:
        """Codes from the prior, decoded."""
        device = next(model.parameters()).device
        labels = None if ask.labels is None else ask.labels.to(device)
        return torch.sigmoid(model.decode(ask.noise(model.latent).to(device), labels).float())

    def redrawn(self, model: nn.Module, x: Tensor) -> Tensor:
        """Encoded to the mean code and decoded; a class that is told is left to the model as class 0."""
        y = torch.zeros(len(x), dtype=torch.int64, device=x.device) if self.conditional else None
        mean, _ = model.encode(x, y)
        return torch.sigmoid(model.decode(mean, y).float())
