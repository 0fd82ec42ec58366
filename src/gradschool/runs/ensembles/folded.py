"""What all runs share whose examples have classes: a fold of the training data as the validation part."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from jaxtyping import Int64
from pydantic import Field
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.folds import cut, fold_of, pooled
from gradschool.data.less import with_less
from gradschool.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class FoldedRun(Run):
    """A run on labelled examples, whose training and validation part may be a fold and all others."""

    fold: str = ""
    """The fold of the training data to validate on: 2/5 is the second of five; empty for none."""
    split_seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of what is held out, so that runs of several seeds share it; that of the run if not given."""

    train_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the training part that is learnt from, class by class; smaller shares lie in larger ones."""

    def held_out(self, opened: Callable[[int, float], Splits[Any]], seed: int) -> Splits[Any]:
        """The parts.

        Args:
            opened: opens the data with a seed and a share of what is held out.
            seed: of the run.
        """
        chosen = seed if self.split_seed is None else self.split_seed
        if self.fold:
            splits = fold_of(opened(chosen, 0.0), self.fold, chosen)  # in the same order for any seed
        else:
            splits = opened(chosen, self.val)
        return splits if self.train_share == 1 else with_less(splits, self.train_share, chosen)

    def whole(self, seed: int, data: str | None = None) -> Splits[Any]:
        """The data with training and validation part as one; arguments as of `open`."""
        return pooled(replace(self, val=0.0, fold="").open(seed, data))

    def cut(self, splits: Splits[Any], count: int, seed: int) -> Int64[Tensor, " n"]:
        """The fold of each example of the training part of `whole`, from 0.

        Args:
            splits: from `whole`.
            count: how many folds.
            seed: of the run.
        """
        return cut(splits, count, seed if self.split_seed is None else self.split_seed)
