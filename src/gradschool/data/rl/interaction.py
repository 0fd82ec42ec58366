"""What an agent learns from, as a data set: nothing is stored, an agent makes its data by acting."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.examples import Splits

EVALUATION = 1_000_000_000  # number of the first evaluation episode, far from any seed of training


@dataclass(frozen=True)
class Interaction:
    """One part: rounds of play to learn from, or episodes to be tested on.

    Args:
        env: name of the environment.
        numbers: of rounds or of episodes; no number is in two parts.
        seed: of the worlds that are learnt in.
    """

    env: str
    numbers: Int64[Tensor, " n"]
    seed: int

    @property
    def names(self) -> Sequence[str]:
        """They have none."""
        return ()

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, index: Int64[Tensor, " k"]) -> "Interaction":
        """Those at `index`."""
        return replace(self, numbers=self.numbers[index])

    def content(self) -> Sequence[bytes]:
        """The environment, the seed, and which numbers."""
        ends = (int(self.numbers[0]), int(self.numbers[-1])) if len(self) else ()
        return [self.env.encode(), repr((self.seed, len(self), ends)).encode()]


def interaction(env: str, rounds: int, tested: int, seed: int) -> Splits[Interaction]:
    """Rounds of training, and episodes to look at while training and once at the end.

    Args:
        env: name of the environment.
        rounds: of play.
        tested: episodes, so many of the validation and so many of the test part.
        seed: of training. Episodes of the other parts have the same seeds whatever it is.
    """
    held = EVALUATION + torch.arange(2 * tested)
    parts = torch.arange(rounds), held[:tested], held[tested:]
    train, val, test = (Interaction(env, each, seed) for each in parts)
    return Splits(env, train, val, test)
