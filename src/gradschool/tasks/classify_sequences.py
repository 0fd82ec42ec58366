"""Classification of sequences of different lengths: cross-entropy down, accuracy up."""

from collections.abc import Callable, Iterator

from torch import Tensor, nn

from gradschool.ops.loss import cross_entropy

Batch = tuple[Tensor, ...]


class ClassifySequences:
    """Train a model whose output is one logit a class for each sequence.

    Args:
        model: padded sequences (b, t, d) and their lengths (b,) to logits (b, classes).
        label_smoothing: share of the target spread over all classes, 0 to below 1.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, label_smoothing: float = 0.0, held_out: str = "val") -> None:
        self.parts = {"model": model}
        self.label_smoothing, self.held_out = label_smoothing, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean loss of a batch (sequences, lengths, labels)."""
        x, lengths, y = batch
        return {
            "loss": cross_entropy(self.parts["model"](x, lengths), y, label_smoothing=self.label_smoothing)
        }

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Mean negative log-likelihood in nats and accuracy, from 0 to 1, without smoothing."""
        loss = correct = count = 0.0
        for x, lengths, y in batches:
            logits = self.parts["model"](x, lengths).float()
            loss += cross_entropy(logits, y, reduction="sum").item()
            correct += (logits.argmax(-1) == y).sum().item()
            count += len(y)
        return {f"{self.held_out}_loss": loss / count, f"{self.held_out}_accuracy": correct / count}
