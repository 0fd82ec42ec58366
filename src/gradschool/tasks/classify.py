"""Classification: cross-entropy down, accuracy up."""

from collections.abc import Callable, Iterator

from torch import Tensor, nn

from gradschool.ops.loss import cross_entropy

Batch = tuple[Tensor, ...]


class Classify:
    """Train a model whose output is one logit a class.

    Args:
        model: images (b, c, h, w), or texts as tokens (b, t) and lengths (b), to logits (b, classes).
        label_smoothing: share of the target spread over all classes, 0 to below 1 (Szegedy et al. 2016,
            section 7).
        class_weights: (classes,), weight of each class in the loss; for sets with rare classes.
        held_out: the word before the scores, "val" or "test".
    """

    def __init__(
        self,
        model: nn.Module,
        label_smoothing: float = 0.0,
        class_weights: Tensor | None = None,
        held_out: str = "val",
    ) -> None:
        self.parts = {"model": model}
        self.label_smoothing, self.class_weights, self.held_out = label_smoothing, class_weights, held_out

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The mean loss of a batch; targets are labels (b,) or, for mixed images, shares (b, classes)."""
        *x, y = batch
        logits = self.parts["model"](*x)
        weights = None if self.class_weights is None else self.class_weights.to(logits.device)
        return {"loss": cross_entropy(logits, y, weights, label_smoothing=self.label_smoothing)}

    def step(self, batch: Batch, update: Callable[..., dict[str, Tensor]]) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.loss)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Mean negative log-likelihood and accuracy, without smoothing or weights.

        Args:
            batches: (x, y): images (b, c, h, w) and true classes (b,); the last batch may be smaller. The
                engine has put the model into evaluation mode and switched gradients off.

        Returns:
            "val_loss" in nats and "val_accuracy" from 0 to 1, means over all images. If `held_out` is
            "test", the names begin with "test_".
        """
        # 1. Add up losses, correct predictions and images of all batches; logits in float32, Python numbers.
        loss = correct = count = 0.0
        for *x, y in batches:
            logits = self.parts["model"](*x).float()
            loss += cross_entropy(logits, y, reduction="sum").item()
            correct += (logits.argmax(-1) == y).sum().item()
            count += len(y)
        # 2. Divide by the number of images.
        return {f"{self.held_out}_loss": loss / count, f"{self.held_out}_accuracy": correct / count}
