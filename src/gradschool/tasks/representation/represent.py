"""What all tasks share that learn without labels: how good the features are, measured by their neighbours.

Losses of two runs say little about which has the better features. So held-out pictures are given the class of
their nearest neighbours among training pictures: nothing is trained, and labels are looked at here only.
Sources: Wu et al. 2018, section 3.4 (neighbours); Chen and He 2021, section 4.1 (the spread of outputs).
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.ops.practice.contrastive import spread
from gradschool.ops.practice.neighbours import neighbour_vote
from gradschool.tasks.update import Batch, Update


class Represent:
    """A task that learns an encoder; a subclass has `losses` and `outputs`.

    Args:
        model: with the encoder as `body`.
        bank: makes batches (x, y) of training pictures whose neighbours are looked for; None: no labels.
        held_out: the word before the scores, "val" or "test".
        neighbours: that vote.
    """

    def __init__(
        self,
        model: nn.Module,
        bank: Callable[[], Iterator[Batch]] | None,
        held_out: str = "val",
        neighbours: int = 20,
    ) -> None:
        self.parts = {"model": model}
        self.bank, self.held_out, self.neighbours = bank, held_out, neighbours

    @property
    def inner(self) -> Any:
        """The model without what several processes put around it."""
        model = self.parts["model"]
        return getattr(model, "module", model)

    def body(self) -> nn.Module:
        """The encoder that is kept."""
        return self.inner.body

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of a training batch, and what else is logged."""
        raise NotImplementedError

    def outputs(self, features: Tensor) -> Tensor:
        """What must not be the same for all pictures, from the encoder's features (n, d)."""
        raise NotImplementedError

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """One step of the one part."""
        return update("model", batch, self.losses)

    def evaluate(self, batches: Iterator[Batch]) -> dict[str, float]:
        """Scores of held-out pictures.

        Args:
            batches: pictures as they are, their classes, then what `losses` takes.

        Returns:
            The mean loss; the spread of the outputs over pictures, which is 0 after a collapse; and, where
            there is a bank, the share of pictures whose neighbours vote for their class.
        """
        # 1. The loss, and the features of the pictures as they are.
        total, count = dict[str, float](), 0
        features, labels = list[Tensor](), list[Tensor]()
        for x, y, *given in batches:
            for name, value in self.losses(tuple(given)).items():
                total[name] = total.get(name, 0.0) + value.item() * len(y)
            features.append(self.body()(x).float())
            labels.append(y)
            count += len(y)
        scores = {name: value / count for name, value in total.items()}
        seen = torch.cat(features)
        # 2. Whether they differ at all.
        if count > 1:
            scores["spread"] = spread(self.outputs(seen)).item()
        # 3. Whether pictures that look alike to the encoder are of one class.
        if self.bank is not None:
            known = [(self.body()(x.to(seen.device)).float(), y.to(seen.device)) for x, y in self.bank()]
            vectors, classes = (torch.cat(column) for column in zip(*known, strict=True))
            found = neighbour_vote(seen, vectors, classes, self.neighbours)
            scores["knn_accuracy"] = (found == torch.cat(labels)).float().mean().item()
        return {f"{self.held_out}_{name}": value for name, value in scores.items()}
