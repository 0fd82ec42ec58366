"""Predict the next token: cross-entropy down, and with it perplexity."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from gradschool.ops.language import perplexity
from gradschool.ops.loss import cross_entropy

Batch = tuple[Tensor, ...]


class NextToken:
    """Train a model whose output is a logit for every token.

    Args:
        model: contexts (b, c) to logits (b, k).
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, held_out: str = "val") -> None:
        self.parts, self.held_out = {"model": model}, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean negative log-likelihood of the true next tokens, in nats."""
        x, y = batch
        return {"loss": cross_entropy(self.parts["model"](x), y)}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Loss and perplexity over all tokens.

        Args:
            batches: contexts and next tokens; the last batch may be smaller.

        Returns:
            "val_loss" in nats a token and "val_perplexity" ("test_..." where `held_out` says so).
        """
        # 1. Sums over tokens, batch after batch; logits in float32, sums as numbers of Python.
        nats = count = 0.0
        for x, y in batches:
            nats += cross_entropy(self.parts["model"](x).float(), y, reduction="sum").item()
            count += len(y)
        # 2. The mean, and what it means in equally probable tokens.
        mean = torch.tensor(nats / count, dtype=torch.float64)
        return {f"{self.held_out}_loss": mean.item(), f"{self.held_out}_perplexity": perplexity(mean).item()}
