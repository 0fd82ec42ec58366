"""A label for every token of a sequence: cross-entropy down, the share of right labels up; padding counts
nothing.
"""

from collections.abc import Callable, Iterator

from torch import Tensor, nn

from gradschool.ops.loss import cross_entropy

Batch = tuple[Tensor, ...]
IGNORED = -100  # the label of padding


class LabelTokens:
    """Train a model whose output is a logit for every label at every token.

    Args:
        model: tokens (b, t) and lengths (b) to logits (b, t, labels).
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(self, model: nn.Module, held_out: str = "val") -> None:
        self.parts, self.held_out = {"model": model}, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean negative log-likelihood of a token's label, in nats; labels (b, t or more), -100 at
        padding.
        """
        x, lengths, y = batch
        logits = self.parts["model"](x, lengths)
        return {"loss": cross_entropy(logits.transpose(1, 2), y[:, : x.shape[1]], ignore_index=IGNORED)}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Loss and accuracy over all tokens.

        Args:
            batches: as for `loss`; the last batch may be smaller.

        Returns:
            "val_loss" in nats a token and "val_accuracy", 0 to 1 ("test_..." where `held_out` says so).
        """
        loss = correct = count = 0.0
        for x, lengths, y in batches:
            y = y[:, : x.shape[1]]
            logits = self.parts["model"](x, lengths).float()
            loss += cross_entropy(logits.transpose(1, 2), y, ignore_index=IGNORED, reduction="sum").item()
            correct += ((logits.argmax(2) == y) & (y != IGNORED)).sum().item()
            count += (y != IGNORED).sum().item()
        return {f"{self.held_out}_loss": loss / count, f"{self.held_out}_accuracy": correct / count}
