"""What an agent needs from a world: several copies of an environment side by side, stepped together.

Source: Sutton and Barto 2018, section 3.1. An episode that has ended begins anew within the same step, so
its last observation is handed over besides: a time limit (truncation) is not a terminal state, and what would
have come after it is estimated from that observation (Pardo et al. 2018).
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor


@dataclass(frozen=True)
class Discrete:
    """An action is a number from 0 to n - 1; actions are int64 (count,)."""

    n: int


@dataclass(frozen=True)
class Continuous:
    """An action is a vector between two bounds; actions are float32 (count, a).

    Args:
        low: least value of each component (a,).
        high: largest value of each component (a,).
    """

    low: Tensor
    high: Tensor


class Step(NamedTuple):
    """What one step brings; the first axis of every tensor counts the worlds.

    Args:
        observation: what is seen next (n, ...): of a new episode where one has ended in this step.
        reward: (n,) float32.
        terminated: (n,) bool: the state that was reached is terminal, nothing comes after it.
        truncated: (n,) bool: a time limit cut the episode off.
        final: what is seen at the end of this step before any reset (n, ...): equal to `observation` where no
            episode has ended. Targets bootstrap from it unless `terminated`.
    """

    observation: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor
    final: Tensor


class Thought(NamedTuple):
    """What an agent makes of n observations, for people to look at.

    Args:
        action: what it would do.
        numbers: for every action its probability or its value (n, a); for real numbers the action itself.
        kind: which of them: "probability", "value" or "action".
        value: what each state is worth to the agent (n,).
    """

    action: Tensor
    numbers: Tensor
    kind: str
    value: Tensor


@runtime_checkable
class World(Protocol):
    """Copies of an environment; an episode that ends begins anew in the same step."""

    @property
    def count(self) -> int:
        """How many copies."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one observation."""
        ...

    @property
    def actions(self) -> Discrete | Continuous:
        """What actions are."""
        ...

    @property
    def limit(self) -> int | None:
        """Steps until an episode is truncated; None: no limit that is known."""
        ...

    def reset(self, generator: torch.Generator | None = None) -> Tensor:
        """Begin an episode in every copy.

        Args:
            generator: gives the seed of all that is random from here on; None: the own randomness goes on.

        Returns:
            The first observations (count, ...).
        """
        ...

    def step(self, actions: Tensor) -> Step:
        """Act in every copy."""
        ...

    def state(self) -> dict[str, Tensor]:
        """All that the next steps depend on, as tensors for a checkpoint."""
        ...

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned."""
        ...

    def close(self) -> None:
        """Let go of windows and processes."""
        ...
