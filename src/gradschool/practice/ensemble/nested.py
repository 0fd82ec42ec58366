"""Tuned weights judged without a further split: fitted on all folds but one, judged on that one, in turn.

The held-out predictions are cut into folds once more, so no example judges weights that were fitted to it.
Source: Varma and Simon 2006 (nested folds).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.evals.classification.blend import FITS, even
from gradschool.evals.classification.difference import Difference, losses, paired
from gradschool.ops.practice.folds import nested_choice, out_of_fold


@dataclass(frozen=True)
class Nested:
    """Log-losses in nats over all held-out predictions.

    Args:
        loss: of the tuned weights, each fold by weights from the others.
        mean: of the plain mean.
        gap: their difference with its interval.
        chosen: of the best member, each fold by the choice of the others.
        looks: of the best member, chosen by the very predictions that judge it.
    """

    loss: float
    mean: float
    gap: Difference
    chosen: float
    looks: float

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"loss": self.loss, "plain_mean": self.mean, "against_mean": self.gap.facts(),
                "chosen_member": self.chosen, "best_member": self.looks}  # fmt: skip

    def words(self, how: str) -> str:
        """A sentence."""
        return (
            f"fold by fold, the weights of {how} have {self.loss:.4f} nats, the plain mean {self.mean:.4f}, "
            f"the best member {self.chosen:.4f} ({self.looks:.4f} if the examples that it is chosen by "
            "judge it, too)"
        )


def nested(
    how: str, logits: Float[Tensor, "m n k"], labels: Int64[Tensor, " n"], fold: Int64[Tensor, " n"]
) -> Nested:
    """What a way to mix members is worth by their held-out predictions alone.

    Args:
        how: a name of `FITS`.
        logits: held-out predictions of m members.
        labels: true classes.
        fold: of each example; every fold leaves two classes or more to the others.
    """

    def learn(rows: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
        blend = FITS[how](rows.transpose(0, 1), y)
        return lambda new: blend(new.transpose(0, 1))

    # 1. Weights.
    ours = losses(out_of_fold(learn, logits.transpose(0, 1), labels, fold), labels)
    mean = losses(even(logits)(logits), labels)
    # 2. A choice of one member.
    each = torch.stack([losses(member, labels) for member in logits])
    folds = torch.unique(fold).tolist()
    outer = torch.stack([each[:, fold == number].mean(1) for number in folds])
    inner = torch.stack([each[:, fold != number].mean(1) for number in folds])
    _, chosen = nested_choice(inner, outer)
    return Nested(
        float(ours.mean()), float(mean.mean()), paired(ours, mean), float(chosen), float(outer.mean(0).min())
    )
