"""MAE: draw the hidden patches of a picture from those that are shown.

Source: He et al. 2022, section 3.
"""

from typing import Any

import torch
from torch import Tensor

from gradschool.ops.practice.masking import cut_patches, masked_patch_loss, random_patch_mask
from gradschool.tasks.representation.represent import Represent
from gradschool.tasks.update import Batch, Update


class MaskedPatches(Represent):
    """Train `models.vision.mae.MaskedAutoencoder`; batches are pictures, of which any more is ignored.

    Args:
        arguments: as of `Represent`.
        hidden: share of the patches that is hidden.
        normalised: whether each hidden patch is to be drawn on a scale of its own.
    """

    def __init__(self, *arguments: Any, hidden: float = 0.75, normalised: bool = True) -> None:
        super().__init__(*arguments)
        self.hidden, self.normalised = hidden, normalised

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Squared error of hidden patches, of pictures and what is hidden of them."""
        x, hidden = batch
        target = cut_patches(x, self.inner.body.patch)
        prediction = self.parts["model"](x, hidden)
        return {"loss": masked_patch_loss(prediction, target, hidden, self.normalised)}

    def outputs(self, features: Tensor) -> Tensor:
        """The features themselves."""
        return features

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """One step; what is hidden is drawn for the whole batch, however it is cut."""
        x = batch[0]
        side = self.inner.body.patch
        n = (x.shape[2] // side) * (x.shape[3] // side)
        hidden = random_patch_mask(torch.rand(len(x), n, device=x.device), self.hidden)
        return update("model", (x, hidden), self.losses)
