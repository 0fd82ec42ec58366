"""Batches of tensors that are all there, whatever they are: features, maps, windows of a series, contexts."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.errors import UserError


@dataclass(frozen=True)
class Rows:
    """Batches to train on, in a new order every epoch; last rows that fill no batch are left out.

    Args:
        columns: tensors of the same length n, e.g. inputs (n, d) and labels (n,).
        batch_size: rows a step, over all processes; fewer if there are not so many.
        seed: of the order.
        share: (rank, processes): which part of every batch this process gets.
    """

    columns: tuple[Tensor, ...]
    batch_size: int
    seed: int
    share: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        rank, world = self.share
        if self.batch_size < 1 or self.batch_size % world:
            wanted = f"a multiple of {world}, the number of processes" if world > 1 else "1 or more"
            raise UserError(f"batch_size is {self.batch_size}", wanted, f"Try --set batch_size={64 * world}.")
        if not 0 <= rank < world or len(self.columns[0]) < world:
            what = f"rank {rank} of {world} processes for {len(self.columns[0])} examples"
            raise UserError(what, "rank < processes <= examples", "")

    def __len__(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.columns[0]) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """The batches of epoch `number` from position `start` on: a function of the seed and of both."""
        rank, world = self.share
        for chosen in self.chosen(number, start):
            own = chosen[rank * len(chosen) // world : (rank + 1) * len(chosen) // world]
            yield tuple(column[own] for column in self.columns)

    def chosen(self, number: int, start: int = 0) -> Iterator[Int64[Tensor, " b"]]:
        """Which rows are in each of these batches, over all processes."""
        rows, world = len(self.columns[0]), self.share[1]
        size = min(self.batch_size, rows) // world * world
        order = torch.randperm(rows, generator=seeded(self.seed, "order", number))
        order = order.to(self.columns[0].device)
        for position in range(start, len(self)):
            yield order[position * size : (position + 1) * size]


def in_order(columns: tuple[Tensor, ...], batch_size: int) -> Iterator[tuple[Tensor, ...]]:
    """All rows once, in order; the last batch may be smaller."""
    for start in range(0, len(columns[0]), batch_size):
        yield tuple(column[start : start + batch_size] for column in columns)


def seeded(*parts: int | str) -> torch.Generator:
    """A generator of its own for these numbers and words; neighbouring numbers give unrelated ones."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
