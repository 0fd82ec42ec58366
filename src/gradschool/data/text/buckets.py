"""Batches of texts of similar length, so that little of a batch is padding.

The order is new every epoch: texts are shuffled, cut into groups of many batches, sorted by length within a
group, and the batches shuffled again. A text therefore meets other texts every epoch, and lengths come in no
order.
Source: Khomenko et al. 2016 (bucketing).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.rows import seeded
from gradschool.errors import UserError

GROUP = 50  # batches within which texts are sorted
Tokens = Sequence[int]


@dataclass(frozen=True)
class Buckets:
    """Batches to train on; last texts that fill no batch are left out, other ones every epoch.

    A batch is (x, lengths, labels): tokens (b, t) padded at the end to its longest text, the number of
    tokens of each text (b), and the labels (b).

    Args:
        sequences: n texts as tokens, each one token or more.
        labels: one for each text (n).
        batch_size: texts a step, over all processes; fewer if there are not so many.
        seed: of the order.
        pad: token that fills up a row.
        share: (rank, processes): which part of every batch this process gets. Batches are the same however
            many share them; each process pads its own part.
    """

    sequences: Sequence[Tokens]
    labels: Tensor
    batch_size: int
    seed: int
    pad: int = 0
    share: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        refuse(self.sequences, self.labels)
        rank, world = self.share
        if self.batch_size < 1 or self.batch_size % world:
            wanted = f"a multiple of {world}, the number of processes" if world > 1 else "1 or more"
            raise UserError(f"batch_size is {self.batch_size}", wanted, f"Try --set batch_size={64 * world}.")
        if not 0 <= rank < world or len(self.sequences) < world:
            what = f"rank {rank} of {world} processes for {len(self.sequences)} texts"
            raise UserError(what, "rank < processes <= texts", "")

    def __len__(self) -> int:
        """Steps in an epoch."""
        return max(1, len(self.sequences) // self.batch_size)

    def batches(self, number: int) -> list[Int64[Tensor, " b"]]:
        """Which texts are in each batch of epoch `number`, over all processes.

        Returns:
            `len(self)` batches of `size` numbers of texts each, no text twice. Which texts are left out and
            every order depend on the seed and on `number` alone: draw with `seeded(self.seed, ..., number)`.
        """
        world, count = self.share[1], len(self)
        size = min(self.batch_size, len(self.sequences)) // world * world
        lengths = [len(each) for each in self.sequences]
        # 1. A new order; what fills no batch is left out.
        order = torch.randperm(len(lengths), generator=seeded(self.seed, "order", number))[: count * size]
        # 2. Groups of many batches, each sorted by length. `sorted` is stable: equal lengths stay shuffled.
        groups = order.split(GROUP * size)  # type: ignore[no-untyped-call]
        ordered = [i for group in groups for i in sorted(group.tolist(), key=lengths.__getitem__)]
        # 3. Batches of neighbours, in a new order.
        cut = torch.tensor(ordered).split(size)  # type: ignore[no-untyped-call]
        return [
            cut[i] for i in torch.randperm(count, generator=seeded(self.seed, "batches", number)).tolist()
        ]

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """The batches of epoch `number` from position `start` on: a function of the seed and of both."""
        rank, world = self.share
        for chosen in self.batches(number)[start:]:
            yield rectangle(self.sequences, self.labels, chosen.chunk(world)[rank].tolist(), self.pad)

    def padding(self, number: int = 0) -> float:
        """The share of padding in all positions of an epoch, 0 to below 1."""
        lengths = torch.tensor([len(each) for each in self.sequences])
        cut = [lengths[chosen] for chosen in self.batches(number)]
        return 1 - sum(int(each.sum()) for each in cut) / sum(len(each) * int(each.max()) for each in cut)


def by_length(
    sequences: Sequence[Tokens], labels: Tensor, batch_size: int, pad: int = 0
) -> Iterator[tuple[Tensor, ...]]:
    """All texts once, the short ones first; the last batch may be smaller. To evaluate with."""
    refuse(sequences, labels)
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    for start in range(0, len(order), batch_size):
        yield rectangle(sequences, labels, order[start : start + batch_size], pad)


def rectangle(
    sequences: Sequence[Tokens], labels: Tensor, chosen: Sequence[int], pad: int
) -> tuple[Tensor, ...]:
    """Chosen texts as one tensor, padded at the end, with their lengths and labels."""
    lengths = [len(sequences[i]) for i in chosen]
    x = torch.full((len(chosen), max(lengths)), pad)
    for row, i in enumerate(chosen):
        x[row, : lengths[row]] = torch.as_tensor(sequences[i])
    return x, torch.tensor(lengths), labels[list(chosen)]


def refuse(sequences: Sequence[Tokens], labels: Tensor) -> None:
    """Say which text is empty, or that there are not as many labels as texts.

    Raises:
        UserError: a text has no tokens, or the counts differ.
    """
    if len(sequences) != len(labels):
        raise UserError(
            f"{len(sequences)} texts have {len(labels)} labels", "one each", "Check where both come from."
        )
    empty = [i for i, each in enumerate(sequences) if len(each) == 0]
    if empty:
        advice = "Leave them out before they are put in batches."
        raise UserError(f"{len(empty)} of {len(sequences)} texts are empty (the first is number {empty[0]})",
                        "one token or more in each", advice)  # fmt: skip
