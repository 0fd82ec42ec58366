"""The variational autoencoder's tasks: maximise a lower bound of the log-likelihood of images.

Sources: Kingma and Welling 2014, eq. 10; beta: Higgins et al. 2017, eq. 4; free bits: Kingma et al. 2016,
appendix C.8; several samples: Burda et al. 2016, eq. 8.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from gradschool.ops.activation import sigmoid
from gradschool.ops.loss import binary_cross_entropy_with_logits, mse_loss
from gradschool.ops.variational import (
    free_bits,
    importance_bound,
    kl_standard_normal,
    log_weights,
    warmed_up,
)
from gradschool.tasks.update import Batch, Update

Likelihood = Callable[[Tensor, Tensor], Tensor]
"""(logits, pictures) to the error of each picture (b,) in nats."""


def bernoulli(logits: Tensor, x: Tensor) -> Tensor:
    """-ln p(x) where each pixel is on with probability sigmoid(logit); grey pixels count as shares."""
    return binary_cross_entropy_with_logits(logits.float(), x, reduction="none").flatten(1).sum(1)


@dataclass(frozen=True)
class Gaussian:
    """-ln p(x) where each pixel is sigmoid(logit) with Gaussian noise, but for the constant that depends on
    the noise alone: the squared error over 2 sigma^2.

    Args:
        sigma: of the noise, on the scale 0 to 1; at sqrt(1/2) a picture's error is its squared error.
    """

    sigma: float = 0.5**0.5

    def __call__(self, logits: Tensor, x: Tensor) -> Tensor:
        """The error of each picture."""
        wrong = mse_loss(sigmoid(logits.float()), x, reduction="none").flatten(1).sum(1)
        return wrong / (2 * self.sigma**2)


@dataclass(frozen=True)
class Price:
    """The weight of the KL term.

    Args:
        beta: weight of the KL term, 0 or more; 1 gives the ELBO.
        free_nats: lower limit of the charge for each latent dimension (a mean over the batch), 0 or more.
        warmup: share of the run in which the weight rises from 0 (KL annealing).
    """

    beta: float = 1.0
    free_nats: float = 0.0
    warmup: float = 0.0


class Vae:
    """Train a VAE whose pixels lie in 0 to 1.

    Args:
        model: see `models.generative.vae.VAE`.
        likelihood: `bernoulli` or a `Gaussian`.
        price: of codes.
        binarise: draw every pixel on or off anew at each training step, with its grey as probability.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(
        self,
        model: nn.Module,
        likelihood: Likelihood = bernoulli,
        price: Price | None = None,
        binarise: bool = False,
        held_out: str = "val",
    ) -> None:
        self.parts = {"model": model}
        self.likelihood, self.price = likelihood, price or Price()
        self.binarise, self.held_out = binarise, held_out

    def bound(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Reconstruction error of each image (b,) and KL of each latent dimension (b, d), in nats."""
        x, y = batch
        logits, mean, log_variance, _ = self.parts["model"](x, y)
        return self.likelihood(logits, x), kl_standard_normal(mean.float(), log_variance.float())

    def loss(self, batch: Batch, weight: float = 1.0) -> dict[str, Tensor]:
        """Means over the batch, in nats per image.

        Args:
            batch: images, and classes or None.
            weight: of the KL term besides beta, from the warm-up, 0 to 1.

        Returns:
            "loss", which is trained: mean error plus weight times beta times the KL term of `free_bits`;
            for the curves "reconstruction" and "kl" of an image, without weights and free nats.
        """
        # 1. The two terms: the error of each image (b,), the KL of each latent dimension (b, d).
        wrong, prices = self.bound(batch)
        # 2. What the KL term charges with free nats.
        paid = free_bits(prices, self.price.free_nats)
        # 3. The weighted sum for training, and each term alone for the curves.
        return {
            "loss": wrong.mean() + weight * self.price.beta * paid,
            "reconstruction": wrong.mean(),
            "kl": prices.sum(1).mean(),
        }

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """One step of the one part."""
        x, y = batch
        weight = warmed_up(update.progress, self.price.warmup) if self.price.warmup else 1.0
        return update("model", (self.seen(x), y), partial(self.loss, weight=weight))

    def seen(self, x: Tensor) -> Tensor:
        """The pictures of a training step."""
        return torch.bernoulli(x) if self.binarise else x

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Minus the ELBO (beta 1) and its two terms, in nats per image."""
        wrong = price = count = 0.0
        for batch in batches:
            errors, prices = self.bound(batch)
            wrong, price = wrong + errors.sum().item(), price + prices.sum().item()
            count += len(errors)
        name = self.held_out
        return {
            f"{name}_loss": (wrong + price) / count,
            f"{name}_reconstruction": wrong / count,
            f"{name}_kl": price / count,
        }


class Iwae(Vae):
    """The bound from several codes an image: tighter, and one good code of several is enough.

    Args:
        model: see `models.generative.vae.VAE`.
        samples: k, codes a picture.
        likelihood: as for `Vae`.
        binarise: as for `Vae`.
        held_out: as for `Vae`.
        first: codes a picture, and the share of the run that does with them: a step's cost grows with k.
    """

    def __init__(
        self,
        model: nn.Module,
        samples: int = 50,
        likelihood: Likelihood = bernoulli,
        binarise: bool = False,
        held_out: str = "val",
        first: tuple[int, float] = (1, 0.0),
    ) -> None:
        super().__init__(model, likelihood, None, binarise, held_out)
        self.samples, self.first = samples, first

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """One step of the one part, from few codes while the run is young."""
        few, share = self.first
        samples = few if update.progress < share else self.samples
        return update("model", (self.seen(batch[0]), batch[1]), partial(self.bounds, samples=samples))

    def loss(self, batch: Batch, weight: float = 1.0) -> dict[str, Tensor]:
        """Minus the bound and, for comparison, that of one sample, in nats a picture."""
        return self.bounds(batch, self.samples)

    def bounds(self, batch: Batch, samples: int) -> dict[str, Tensor]:
        """As `loss`, from so many codes a picture."""
        weights = weights_of(self.parts["model"], self.likelihood, batch, samples)
        return {"loss": -importance_bound(weights).mean(), "one_sample": -weights.mean()}

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Minus the bound and that of one sample, in nats a picture."""
        found = [{n: v * len(batch[0]) for n, v in self.loss(batch).items()} | {"n": len(batch[0])}
                 for batch in batches]  # fmt: skip
        count = sum(float(each["n"]) for each in found)
        return {
            f"{self.held_out}_{name}": sum(float(each[name]) for each in found) / count
            for name in ("loss", "one_sample")
        }


def weights_of(model: nn.Module, likelihood: Likelihood, batch: Batch, samples: int) -> Tensor:
    """The ln w of `samples` codes a picture, (samples, b); see `ops.variational.log_weights`."""
    x, y = batch
    logits, mean, log_variance, z = model(x, y, samples)
    again = x.expand(samples, *x.shape).flatten(0, 1)
    seen = -likelihood(logits, again).view(samples, len(x))
    return log_weights(seen, z.float(), mean.float(), log_variance.float())
