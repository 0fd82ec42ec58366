"""The sampler and the pruner of a search with the learner's functions: Optuna asks them as it asks its own.

They stand in for Optuna's TPE and ASHA only where `tpe_scores` or `promoted` is the learner's (with --mine).
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from gradschool.ops.practice.search import promoted, proposed
from gradschool.practice.search.space import Dimension


class Tpe:
    """A sampler: ranges by TPE, all scaled to 0 to 1 together; lists at random.

    Args:
        space: that is searched.
        seed: of this trial.
        is_maximized: whether a larger score is better.
    """

    def __init__(self, space: Sequence[Dimension], seed: int, is_maximized: bool) -> None:
        self.space, self.is_maximized = space, is_maximized
        self.generator = torch.Generator().manual_seed(seed)

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        """The settings that are drawn together."""
        return dict(sorted((each.name, each.distribution()) for each in self.space if each.is_range))

    def sample_relative(self, study: Any, trial: Any, search_space: Mapping[str, Any]) -> dict[str, Any]:
        """Their values for the next trial."""
        from optuna._transform import _SearchSpaceTransform

        if not search_space:
            return {}
        scaled = _SearchSpaceTransform(dict(search_space), transform_step=True, transform_0_1=True)
        done = [each for each in study.get_trials(deepcopy=False) if each.state.name == "COMPLETE"]
        sign = -1 if self.is_maximized else 1
        rows = [
            torch.from_numpy(scaled.transform({n: each.params[n] for n in search_space})) for each in done
        ]
        points = torch.stack(rows) if rows else torch.zeros(0, len(search_space), dtype=torch.float64)
        losses = torch.tensor([sign * each.value for each in done], dtype=torch.float64)
        return dict(scaled.untransform(proposed(points.double(), losses, self.generator).numpy()))

    def sample_independent(self, study: Any, trial: Any, name: str, distribution: Any) -> Any:
        """A value of a list."""
        return distribution.choices[
            int(torch.randint(len(distribution.choices), (), generator=self.generator))
        ]

    def before_trial(self, study: Any, trial: Any) -> None:
        """Optuna calls it; there is nothing to do."""

    def after_trial(self, study: Any, trial: Any, state: Any, values: Any) -> None:
        """Optuna calls it; there is nothing to do."""

    def reseed_rng(self) -> None:
        """Optuna calls it where trials run in threads."""


class Halving:
    """A pruner: at evaluation 1, `reduction`, `reduction`^2 ... a trial goes on if it is promoted.

    Args:
        reduction: one trial in so many goes on.
    """

    def __init__(self, reduction: int) -> None:
        self.reduction = reduction

    def prune(self, study: Any, trial: Any) -> bool:
        """Whether a trial should end after its last evaluation."""
        step = trial.last_step
        if step is None or not is_rung(step, self.reduction):
            return False
        # 1. All that have reached this rung; those before it are kept in their order.
        others = [each for each in study.get_trials(deepcopy=False)
                  if each.number != trial.number and step in each.intermediate_values]  # fmt: skip
        scores = [each.intermediate_values[step] for each in [*others, trial]]
        sign = -1 if study.direction.name == "MAXIMIZE" else 1
        losses = sign * torch.tensor(scores, dtype=torch.float64)
        # 2. Is this one among those that go on?
        return not bool(promoted(losses, self.reduction)[-1])


def is_rung(step: int, reduction: int) -> bool:
    """Whether an evaluation, counted from 1, is a power of the reduction factor."""
    return step >= 1 and reduction ** round(math.log(step, reduction)) == step
