"""SimCLR: two views of a picture are to be alike, and unlike all others of the batch.

Source: Chen et al. 2020, algorithm 1. Deviation: AdamW or momentum in place of LARS, which batches of
thousands need.
"""

from typing import Any

import torch
from torch import Tensor

from gradschool.ops.practice.contrastive import nt_xent
from gradschool.tasks.representation.represent import Represent
from gradschool.tasks.update import Batch


class Contrast(Represent):
    """Train an encoder and its projection head, `models.vision.projected.Projected`; batches are two views.

    Args:
        arguments: as of `Represent`.
        temperature: of the loss, > 0.
    """

    def __init__(self, *arguments: Any, temperature: float = 0.5) -> None:
        super().__init__(*arguments)
        self.temperature = temperature

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """NT-Xent of all views of the batch."""
        z = self.parts["model"](torch.cat(batch[:2])).float()
        return {"loss": nt_xent(z.unflatten(0, (2, -1)), self.temperature)}

    def outputs(self, features: Tensor) -> Tensor:
        """The projections."""
        projected: Tensor = self.inner.head(features)
        return projected
