"""Episodes as examples: nothing of them is stored, an episode is a number and the world it is played in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.examples import Splits


@dataclass(frozen=True)
class Episodes:
    """One part: episodes to learn from, to choose by, or to be tested on.

    Args:
        drawing: of the world, one line for each row.
        numbers: of the episodes; no number is in two parts.
    """

    drawing: tuple[str, ...]
    numbers: Int64[Tensor, " n"]

    @property
    def names(self) -> Sequence[str]:
        """Episodes have none."""
        return ()

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, index: Int64[Tensor, " k"]) -> "Episodes":
        """The episodes at `index`."""
        return replace(self, numbers=self.numbers[index])

    def content(self) -> Sequence[bytes]:
        """The world and the numbers."""
        return ["\n".join(self.drawing).encode(), repr(self.numbers.tolist()).encode()]


def episodes(name: str, drawing: tuple[str, ...], count: int, tested: int, val: float) -> Splits[Episodes]:
    """Training, validation and test episodes of one world.

    Args:
        name: of the world.
        drawing: of the world.
        count: episodes to learn from, those to choose by included.
        tested: episodes of the test part.
        val: share of `count` to choose by, 0 to below 1; 0 for none.
    """
    held = min(round(val * count), count - 1)
    numbers = torch.arange(count + tested)
    parts = torch.tensor_split(numbers, [count - held, count])
    train, chosen, test = (Episodes(drawing, each) for each in parts)
    return Splits(name, train, chosen if held else None, test)
