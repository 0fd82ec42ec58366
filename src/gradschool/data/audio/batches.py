"""Batches of features: recordings of about the same length together, so that little of a batch is padding."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gradschool.data.audio.change import Change, changed, masked
from gradschool.data.audio.features import Features
from gradschool.data.audio.recordings import Recordings
from gradschool.data.rows import seeded
from gradschool.errors import UserError

POOL = 8  # batches' worth of recordings that are sorted by length together
Batch = tuple[Tensor, Tensor, Tensor]
"""Features (b, t, d), rows of each (b,), labels (b,)."""


@dataclass(frozen=True)
class Spoken:
    """Training batches in a new order every epoch; last recordings that fill no batch are left out.

    Args:
        part: what to train on.
        features: how waves become rows.
        batch_size: recordings a step, over all processes; fewer if there are not so many.
        seed: of the order and of all changes.
        change: of the recordings.
        share: (rank, processes): which part of every batch this process gets. The whole batch is changed and
            then cut, so that all processes together see what one would.
    """

    part: Recordings
    features: Features
    batch_size: int
    seed: int
    change: Change = field(default_factory=Change)
    share: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        rank, world = self.share
        if self.batch_size < 1 or self.batch_size % world:
            wanted = f"a multiple of {world}, the number of processes" if world > 1 else "1 or more"
            raise UserError(f"batch_size is {self.batch_size}", wanted, f"Try --set batch_size={64 * world}.")
        if not 0 <= rank < world or len(self.part) < world:
            what = f"rank {rank} of {world} processes for {len(self.part)} recordings"
            raise UserError(what, "rank < processes <= recordings", "")

    def __len__(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.part) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` from position `start` on: a function of the seed and of both."""
        rank, world = self.share
        for position, index in enumerate(self.order(number)):
            if position < start:
                continue
            waves, lengths = self.part.padded(index)
            own = seeded(self.seed, "change", number, position)
            if self.change.of_waves:
                waves, lengths = changed(waves, lengths, self.change, self.part.rate, own)
            x, rows = self.features.of(waves, lengths)
            if self.change.of_features:
                x = masked(x, rows, self.change, own)
            batch = x, rows, self.part.labels[index]
            each = len(index) // world
            yield tuple(x[rank * each : (rank + 1) * each] for x in batch)  # type: ignore[misc]

    def order(self, number: int) -> list[Tensor]:
        """Which recordings each batch of an epoch holds."""
        # 1. A random order, of whole batches.
        size = min(self.batch_size, len(self.part)) // self.share[1] * self.share[1]
        generator = seeded(self.seed, "order", number)
        order = torch.randperm(len(self.part), generator=generator)[: size * len(self)]
        # 2. Within stretches of it by length, so that those of a batch are about as long.
        lengths = self.part.lengths
        pools = [pool[lengths[pool].argsort(stable=True)] for pool in torch.split(order, POOL * size)]
        # 3. The batches in a random order, or every stretch would end with its longest.
        batches = torch.split(torch.cat(pools), size)
        return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def in_order(part: Recordings, features: Features, batch_size: int) -> Iterator[Batch]:
    """All recordings once, in order and unchanged; the last batch may be smaller."""
    for index in torch.split(torch.arange(len(part)), batch_size):
        yield *features.of(*part.padded(index)), part.labels[index]
