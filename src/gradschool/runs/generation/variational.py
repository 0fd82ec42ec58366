"""Runs of variational autoencoders: with one code a picture, and with several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.augment.pipeline import Pipeline
from gradschool.data.examples import Splits
from gradschool.data.vision.binarise import binarised_splits
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import evaluation_batches
from gradschool.evals.generation.likelihood import negative_log_likelihood
from gradschool.evals.metric import Metric
from gradschool.evals.report import latent as report_latent
from gradschool.evals.report.html import Section
from gradschool.ops.variational import active_units, kl_standard_normal
from gradschool.runs.generation.autoencoding import CodeRun, all_codes, some_pictures
from gradschool.runs.run import Count, Pieces, Positive, Share
from gradschool.tasks.vae import Gaussian, Iwae, Likelihood, Price, Vae, bernoulli

BOUND = Metric("loss", "test loss", "nats", note="a picture; lower is better")
UNITS = Metric("active_units", "active units", better="")
NATS = Metric("nats", "negative log-likelihood", "nats", note="a picture, estimated from many codes")


@dataclass(frozen=True, kw_only=True)
class BoundRun(CodeRun):
    """A model that raises a lower bound of the log-likelihood of pictures in 0 to 1."""

    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    """What is thought of a pixel: on with a probability, or a grey with noise."""
    sigma: Positive = 0.5**0.5
    """The noise of Gaussian pixels; at sqrt(1/2) a picture's error is its squared error."""
    binarise: Literal["no", "static", "dynamic"] = "no"
    """Black and white pixels: drawn once from a fixed seed, or in training anew at every step."""
    importance: Annotated[int, Field(ge=0)] = 0
    """Codes a test picture from which its likelihood is estimated at the end; 0: it is not."""

    def seen_as(self) -> Likelihood:
        """Of pictures given codes."""
        return Gaussian(self.sigma) if self.likelihood == "gaussian" else bernoulli

    def open(self, seed: int, data: str | None = None) -> Splits[Images]:
        """The pictures, black and white if wanted; the drawing is the same for every seed of the run."""
        splits = super().open(seed, data)
        return splits if self.binarise == "no" else binarised_splits(splits, train=self.binarise == "static")

    def codes(self, model: Any, x: Tensor, y: Tensor) -> Tensor:
        """The mean code."""
        mean: Tensor = model.encode(x, y)[0]
        return mean.float()

    def pictures(self, model: Any, z: Tensor, y: Tensor | None) -> Tensor:
        """The probability or the mean of every pixel."""
        return torch.sigmoid(model.decode(z, y).float())

    def measured(self, pieces: Pieces) -> dict[str, float]:
        """How many numbers of the code are active, and the likelihood by importance sampling."""
        model, splits, pipeline = pieces.model, pieces.splits, pieces.pipeline
        model.eval()
        codes = all_codes(self, model, evaluation_batches(splits.test, pipeline, 2 * self.batch_size))
        found = {"test_active_units": float(active_units(codes).sum())} if len(codes) > 1 else {}
        if self.importance:
            batches = evaluation_batches(splits.test, pipeline, 2 * self.batch_size)
            nats = negative_log_likelihood(model, self.seen_as(), batches, self.importance)
            found["test_nats"] = nats
        return found

    def sections(self, model: Any, splits: Splits[Images], pipeline: Pipeline) -> Sequence[Section | None]:
        """Besides map and walks: which numbers of the code say anything."""
        x, y = some_pictures(splits, pipeline, model)
        mean, log_variance = (each.float().cpu() for each in model.encode(x, y))
        units = report_latent.units(mean, kl_standard_normal(mean, log_variance)) if len(x) > 1 else None
        return [*super().sections(model, splits, pipeline), units]


@dataclass(frozen=True, kw_only=True)
class VaeRun(BoundRun):
    """A variational autoencoder."""

    kind: ClassVar[str] = "vae"
    title: ClassVar[str] = "a variational autoencoder"
    metrics: ClassVar[tuple[Metric, ...]] = (
        BOUND,
        Metric("reconstruction", "reconstruction error", note="part of the loss: what the code does not say"),
        Metric("kl", "KL divergence", "nats", "", "part of the loss: what the code costs"),
        NATS,
        UNITS,
    )

    beta: Annotated[float, Field(ge=0)] = 1.0
    """Price of a nat of code."""
    free_nats: Annotated[float, Field(ge=0)] = 0.0
    """Nats of each latent dimension that cost nothing."""
    kl_warmup: Share = 0.0
    """Share of the run in which the price of codes rises from 0."""

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Vae:
        """Minus the variational bound."""
        price = Price(self.beta, self.free_nats, self.kl_warmup)
        return Vae(model, self.seen_as(), price, self.binarise == "dynamic", held_out)


@dataclass(frozen=True, kw_only=True)
class IwaeRun(BoundRun):
    """An importance-weighted autoencoder: several codes a picture."""

    kind: ClassVar[str] = "iwae"
    title: ClassVar[str] = "an importance-weighted autoencoder"
    metrics: ClassVar[tuple[Metric, ...]] = (
        BOUND,
        Metric("one_sample", "loss from one code", "nats", note="a picture; as a plain VAE counts"),
        NATS,
        UNITS,
    )

    samples: Count = 50
    """Codes a picture in training."""
    first_samples: Count = 5
    """Codes a picture in the first part of the training, a tenth of the cost of fifty."""
    first: Share = 0.0
    """How large that first part is."""

    def task(self, model: nn.Module, splits: Splits[Images], held_out: str) -> Iwae:
        """Minus the importance-weighted bound."""
        early = (self.first_samples, self.first)
        return Iwae(model, self.samples, self.seen_as(), self.binarise == "dynamic", held_out, early)
