"""Batches of token sequences of different lengths: texts of about the same length together, padding at their ends.

Sorting within pools keeps the batches random and the padding small. Source: the "bucketing" of Khomenko et al.
2017, "Accelerating recurrent neural network training using sequence bucketing".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.rows import seeded
from gradschool.errors import UserError

POOL = 50  # batches that are sorted by length together
Sequences = Sequence[Int64[Tensor, " t"]]


def pad(rows: Sequences, filler: int = 0) -> Int64[Tensor, "b t"]:
    """Sequences as the rows of one tensor, as long as the longest; `filler` behind the shorter ones."""
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=filler)


@dataclass(frozen=True)
class Padded:
    """Batches to train on, in a new order every epoch; the last examples that fill no batch are left out.

    Args:
        columns: sequences of tokens, and their labels: a tensor (n,), or sequences that are as long.
        batch_size: examples a step, over all processes; fewer if there are not so many.
        seed: of the order.
        share: (rank, processes): which part of every batch this process gets.
        filler: of labels behind the end of a sequence.
    """

    columns: tuple[Sequences, Tensor | Sequences]
    batch_size: int
    seed: int
    share: tuple[int, int] = (0, 1)
    filler: int = -100

    def __post_init__(self) -> None:
        rank, world = self.share
        if self.batch_size < 1 or self.batch_size % world or not rank < world <= len(self.columns[0]):
            what = f"batch_size {self.batch_size} for {len(self.columns[0])} texts on {world} processes"
            raise UserError(what, f"a multiple of {world}", f"Try --set batch_size={64 * world}.")

    def __len__(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.columns[0]) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of epoch `number` from position `start` on: a function of the seed and of both."""
        # 1. A random order; in pools of some batches the longest come first.
        sequences, n = self.columns[0], len(self.columns[0])
        size, (rank, world) = min(self.batch_size, n), self.share
        generator = seeded(self.seed, "order", number)
        order = torch.randperm(n, generator=generator).tolist()
        pools = [order[i : i + POOL * size] for i in range(0, n, POOL * size)]
        ordered = [i for pool in pools for i in sorted(pool, key=lambda i: -len(sequences[i]))]
        # 2. The batches in a random order of their own.
        for place in torch.randperm(len(self), generator=generator).tolist()[start:]:
            chosen = ordered[place * size : (place + 1) * size]
            size_here = size // world
            yield batch(self.columns, chosen[rank * size_here : (rank + 1) * size_here], self.filler)


def batch(columns: tuple[Sequences, Tensor | Sequences], chosen: Sequence[int], filler: int = -100) -> tuple[Tensor, Tensor]:
    """Padded tokens and labels of the chosen examples."""
    sequences, labels = columns
    x = pad([sequences[i] for i in chosen])
    y = labels[torch.tensor(chosen)] if isinstance(labels, Tensor) else pad([labels[i] for i in chosen], filler)
    return x, y


def padded_in_order(
    columns: tuple[Sequences, Tensor | Sequences], batch_size: int, filler: int = -100
) -> Iterator[tuple[Tensor, Tensor]]:
    """All examples once, in order; the last batch may be smaller."""
    for start in range(0, len(columns[0]), batch_size):
        yield batch(columns, range(start, min(start + batch_size, len(columns[0]))), filler)
