"""Translation by teacher forcing: the network predicts each token of a translation from the source and the
true tokens before it.

Sources: Sutskever et al. 2014; Szegedy et al. 2016, section 7 (label smoothing).
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from gradschool.ops.language import perplexity
from gradschool.ops.loss import cross_entropy

Batch = tuple[Tensor, ...]


class Translate:
    """Train a model whose output is a logit for every token of the target language at every position.

    A batch is (sources, lengths, targets, counted) as `data.text.pairs.batches` makes it: tokens (b, m), how
    many are valid (b), tokens (b, n) from the start token to the end token, padded with -100, and numbers (b)
    whose sum the loss is divided by.

    Args:
        model: `model(sources, tokens, lengths)` to logits (b, n, k) of the token that follows each.
        label_smoothing: share of the target spread over all tokens, 0 to below 1.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, label_smoothing: float = 0.0, held_out: str = "val") -> None:
        self.parts = {"model": model}
        self.label_smoothing, self.held_out = label_smoothing, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean loss of a token of the targets, in nats."""
        counted = batch[3]
        return {"loss": self.summed(batch, self.label_smoothing) / counted.sum()}

    def summed(self, batch: Batch, label_smoothing: float) -> Tensor:
        """The sum of the losses of all tokens after the start token."""
        sources, lengths, targets, _ = batch
        # 1. The true tokens so far; what follows padding is not scored, so any token will do there.
        before, true = targets[:, :-1].clamp(min=0), targets[:, 1:]
        logits = self.parts["model"](sources, before, lengths).float()
        # 2. Every position is one example.
        return cross_entropy(
            logits.flatten(0, 1), true.flatten(), reduction="sum", label_smoothing=label_smoothing
        )

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Negative log-likelihood of a token, without smoothing, and perplexity.

        Returns:
            "val_loss" in nats and "val_perplexity" ("test_..." where `held_out` says so).
        """
        nats = count = 0.0
        for batch in batches:
            nats += self.summed(batch, 0.0).item()
            count += int((batch[2][:, 1:] >= 0).sum())
        mean = torch.tensor(nats / count, dtype=torch.float64)
        return {f"{self.held_out}_loss": mean.item(), f"{self.held_out}_perplexity": perplexity(mean).item()}
