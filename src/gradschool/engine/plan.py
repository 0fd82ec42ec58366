"""How long a run trains and when it looks up, and where it stands."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """How long to train and when to look up.

    Args:
        steps: optimiser steps in all.
        seed: of everything random.
        evaluate_every: steps between evaluations; 0 for none.
        save_every: seconds between checkpoints, fewer early on: after 5, 10, 20, 40 s, so that a run that is
            killed loses half of it at most. An evaluation that is the best so far saves as well.
        monitor: the score that decides what is best; None: nothing is selected by a score.
        higher_is_better: direction of that score.
        patience: stop after so many evaluations without improvement; 0 never stops early.
        budget: seconds of training after which the run ends if it has not taken all steps; None for no limit.
        halt: asked after every step but the last whether the run should end here; it says why, or "". None is
            never asked.
    """

    steps: int
    seed: int = 0
    evaluate_every: int = 0
    save_every: float = 60.0
    monitor: str | None = None
    higher_is_better: bool = False
    patience: int = 0
    budget: float | None = None
    halt: Callable[[], str] | None = None

    def done(self, at: "Progress") -> float:
        """The share of the run that is done, by steps or by time, whichever is further; 1 or more ends it."""
        return max(at.step / self.steps, at.seconds / self.budget if self.budget else 0.0)


@dataclass
class Progress:
    """Where a run stands; saved in every checkpoint."""

    step: int = 0
    seconds: float = 0.0
    best: float | None = None
    waited: int = 0
    stopped: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    kept: dict[str, float] = field(default_factory=dict)  # scores and step of the best evaluation
