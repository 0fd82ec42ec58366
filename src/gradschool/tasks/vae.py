"""The variational autoencoder's task: raise a lower bound of the log-likelihood of pictures.

Source: Kingma and Welling 2014, eq. 10; beta: Higgins et al. 2017, eq. 4; free bits: Kingma et al. 2016,
appendix C.8.
"""

from collections.abc import Callable, Iterator

from torch import Tensor, nn

from gradschool.ops.loss import binary_cross_entropy_with_logits
from gradschool.ops.variational import kl_standard_normal

Batch = tuple[Tensor, ...]


class Vae:
    """Train a VAE whose pixels lie in 0 to 1.

    Args:
        model: see `models.vae.VAE`.
        beta: price of a nat of code; 1 is the bound.
        free_nats: of each latent dimension cost nothing (a mean over the batch), 0 or more.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(
        self, model: nn.Module, beta: float = 1.0, free_nats: float = 0.0, held_out: str = "val"
    ) -> None:
        self.parts = {"model": model}
        self.beta, self.free_nats, self.held_out = beta, free_nats, held_out

    def bound(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Reconstruction error of each picture (b,) and price of each latent dimension (b, d), in nats."""
        x, y = batch
        logits, mean, log_variance, _ = self.parts["model"](x, y)
        wrong = binary_cross_entropy_with_logits(logits.float(), x, reduction="none").flatten(1).sum(1)
        return wrong, kl_standard_normal(mean.float(), log_variance.float())

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Means over the batch, in nats a picture."""
        wrong, prices = self.bound(batch)
        paid = prices.mean(0).clamp_min(self.free_nats).sum()
        return {
            "loss": wrong.mean() + self.beta * paid,
            "reconstruction": wrong.mean(),
            "kl": prices.sum(1).mean(),
        }

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Minus the bound (beta 1) and its halves, in nats a picture."""
        wrong = price = count = 0.0
        for batch in batches:
            errors, prices = self.bound(batch)
            wrong, price, count = (
                wrong + errors.sum().item(),
                price + prices.sum().item(),
                count + len(errors),
            )
        name = self.held_out
        return {
            f"{name}_loss": (wrong + price) / count,
            f"{name}_reconstruction": wrong / count,
            f"{name}_kl": price / count,
        }
