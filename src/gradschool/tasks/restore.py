"""Restoration: a damaged picture in, the whole one out; filling holes and removing noise are the same task.

The error counts where the picture was damaged only: what is known need not be guessed.
Source: Pathak et al. 2016, eq. 1 (the reconstruction loss of context encoders).
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

Batch = tuple[Tensor, ...]
Images = Float[Tensor, "n c h w"]
Mask = Bool[Tensor, "n 1 h w"]
Damaging = Callable[[Images, torch.Generator], tuple[Images, Mask]]

JUDGED = 0  # seed of the damage that held-out pictures get, the same at every look


def masked_mse(restored: Images, images: Images, mask: Mask) -> Float[Tensor, ""]:
    """Mean squared error over the pixels of the mask alone.

    Args:
        restored: output of the network, (n, c, h, w).
        images: the true pictures, (n, c, h, w).
        mask: True where a pixel counts, (n, 1, h, w), for all channels.

    Returns:
        One number: the mean over all channels of all marked pixels of the batch. 0 if no pixel is marked.
    """
    # 1. Squared differences, set to 0 where the mask is False.
    wrong = (restored - images).square() * mask
    # 2. Divide by how many numbers count: the mask has one channel, the pictures have c.
    count = mask.sum() * images.shape[1]
    return wrong.sum() / count.clamp_min(1)


class Restore:
    """Train a model that restores pictures on the scale 0 to 1.

    Args:
        model: damaged pictures (b, c, h, w) and mask (b, 1, h, w) to restored pictures (b, c, h, w).
        damage: makes damaged pictures and the mask of what is to be restored: `data.augment.hide.Damage`.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, damage: Damaging, held_out: str = "val") -> None:
        self.parts = {"model": model}
        self.damage, self.held_out = damage, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The error of a batch (damaged, mask, images)."""
        damaged, mask, images = batch
        return {"loss": masked_mse(self.parts["model"](damaged, mask).float(), images, mask)}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part, on pictures that are damaged anew."""
        images = batch[0]
        seed = int(torch.randint(2**62, ()))  # of the step's own randomness
        damaged, mask = self.damage(images, torch.Generator(images.device).manual_seed(seed))
        return update("model", (damaged, mask, images), self.loss)

    def damaged(self, batches: Iterator[Batch]) -> Iterator[tuple[Images, Mask, Images]]:
        """Held-out pictures with their damage, which is the same each time: (damaged, mask, images)."""
        for number, (images, *_) in enumerate(batches):
            generator = torch.Generator(images.device).manual_seed(JUDGED + number)
            yield *self.damage(images, generator), images

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Mean squared error over all pixels that were to be restored."""
        wrong = count = 0.0
        for damaged, mask, images in self.damaged(batches):
            error = masked_mse(self.parts["model"](damaged, mask).float(), images, mask)
            pixels = mask.sum().item()
            wrong, count = wrong + error.item() * pixels, count + pixels
        return {f"{self.held_out}_loss": wrong / max(count, 1)}
