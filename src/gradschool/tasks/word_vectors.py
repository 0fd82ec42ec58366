"""Learn word vectors: predict words from their neighbours, or the logarithms of counts of neighbours.

Sources: Mikolov et al. 2013 (skip-gram, CBOW); Pennington et al. 2014 (GloVe). Deviation: all pairs of a
stretch of text take one step of SGD together.
"""

from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gradschool.ops.sequence.words import cbow_gradients, glove_loss, skip_gram_gradients
from gradschool.tasks.update import Batch, Update

OFTEN = 8  # occurrences of a word in a batch whose gradients add up
PREDICTED = {"skip_gram": skip_gram_gradients, "cbow": cbow_gradients}


class Predicting:
    """Skip-gram or CBOW with negative sampling.

    A step touches few rows of large tables. So it computes their gradients itself and moves these rows alone:
    the engine's optimiser, which goes through all rows, gives only the rate.

    Args:
        model: words (n,) to input vectors (n, d); has `outputs` and `descend`.
        method: which of the two.
        negatives: random words a pair; those of the batch stand for them.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(
        self, model: nn.Module, method: Literal["skip_gram", "cbow"], negatives: float = 5.0,
        held_out: str = "val",
    ) -> None:  # fmt: skip
        self.parts: dict[str, Any] = {"model": model}
        self.gradients, self.negatives, self.held_out = PREDICTED[method], negatives, held_out

    @torch.no_grad()
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """One step of SGD on the vectors of the words of a stretch and of the random words."""
        model = self.parts["model"]
        text, windows, noise = batch
        loss, dx, dy, dn = self.gradients(
            model(text), model.outputs[text], windows, model.outputs[noise], self.negatives
        )
        model.descend(text, dx * damping(text), update.rate)
        rows, gradient = torch.cat([text, noise.flatten()]), torch.cat([dy, dn.flatten(0, 1)])
        model.outputs.index_add_(0, rows, gradient * damping(rows), alpha=-update.rate)
        return {"loss": loss}

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """The mean loss of a pair (skip-gram) or a word (CBOW) of held-out text."""
        model, total, count = self.parts["model"], 0.0, 0
        for text, windows, noise in batches:
            words = model(text), model.outputs[text], windows, model.outputs[noise]
            total += float(self.gradients(*words, self.negatives)[0]) * len(text)
            count += len(text)
        return {f"{self.held_out}_loss": total / max(count, 1)}


def damping(rows: Tensor) -> Tensor:
    """A factor for the gradient of each row, 1 for rows that occur at most `OFTEN` times: steps that a word
    would take one after the other, each smaller, must not add up.
    """
    times = torch.bincount(rows)[rows]
    return (OFTEN / times).clamp(max=1)[:, None]


class Counting:
    """GloVe: scores of pairs of words become the logarithms of their counts.

    Args:
        model: has `score` of words and contexts.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, held_out: str = "val") -> None:
        self.parts: dict[str, Any] = {"model": model}
        self.held_out = held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The weighted squared error of pairs."""
        word, context, count = batch
        return {"loss": glove_loss(self.parts["model"].score(word, context), count)}

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """The mean loss of a held-out pair."""
        total, count = 0.0, 0
        for batch in batches:
            total += float(self.loss(batch)["loss"]) * len(batch[0])
            count += len(batch[0])
        return {f"{self.held_out}_loss": total / max(count, 1)}
