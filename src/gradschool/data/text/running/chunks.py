"""Batches of a running text: rows that walk through it side by side, or windows in random order.

A model with a state reads chunk after chunk of each row and carries its state on, while gradients stop at the
chunk's beginning: truncated backpropagation through time (Williams and Peng 1990). A model without a state
reads windows; they overlap where it is tested, so that no token is predicted from nothing (Press et al. 2021).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int64
from numpy.typing import NDArray
from torch import Tensor

from gradschool.data.rows import seeded
from gradschool.errors import UserError

ROWS, PART = 32, 4096  # rows that a long text is read in at once, and tokens of a row before there are more
UNSCORED = -100  # a target that no loss counts

Tokens = NDArray[np.uint16] | NDArray[np.uint32]
Chunk = tuple[Int64[Tensor, "b t"], Int64[Tensor, "b t"], Bool[Tensor, " b"]]
"""Tokens, the tokens that follow each, and which rows begin here, without a state from the chunk before."""


@dataclass(frozen=True)
class Chunks:
    """Batches to train on: a function of (seed, epoch, position), so resuming needs no state of theirs.

    Args:
        tokens: (n,) the text, in memory or mapped into it.
        batch_size: rows a step, over all processes; fewer if the text is too short.
        length: tokens of a row in a step.
        seed: of the places.
        walks: rows walk through the text; else the same chunks come in random order.
        share: (rank, processes): which rows of every batch this process gets.
    """

    tokens: Tokens
    batch_size: int
    length: int
    seed: int
    walks: bool = True
    share: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        world = self.share[1]
        if self.batch_size < 1 or self.batch_size % world:
            wanted = f"a multiple of {world}, the number of processes" if world > 1 else "1 or more"
            raise UserError(f"batch_size is {self.batch_size}", wanted, f"Try --set batch_size={64 * world}.")
        if self.rows < 1:
            what = f"the text to train on has {len(self.tokens):,} tokens"
            wanted = f"more than {self.length * world:,}, for chunks of {self.length}"
            raise UserError(what, wanted, "Use a longer text, or a smaller --set context=N.")

    @property
    def rows(self) -> int:
        """Rows of a batch, over all processes."""
        world = self.share[1]
        return min(self.batch_size, (len(self.tokens) - 1) // self.length) // world * world

    def __len__(self) -> int:
        """Steps in an epoch: with them each token is seen about once."""
        return (len(self.tokens) - 1) // (self.rows * self.length)

    def epoch(self, number: int, start: int = 0) -> Iterator[Chunk]:
        """The batches of epoch `number` from position `start` on.

        Row r has the r-th part of the text, and every chunk of it once an epoch. Where the first begins is
        drawn anew every epoch, so that chunks are cut at other places.
        """
        rank, world = self.share
        mine = slice(rank * self.rows // world, (rank + 1) * self.rows // world)
        # 1. Where each row begins, and how much of the text is left over.
        spare = len(self.tokens) - 1 - self.rows * len(self) * self.length
        offset = torch.randint(spare + 1, (), generator=seeded(self.seed, "offset", number))
        begins = offset + torch.arange(self.rows) * len(self) * self.length
        # 2. One chunk after the other, or all in random order.
        order = torch.arange(len(self))
        if not self.walks:
            order = torch.randperm(len(self), generator=seeded(self.seed, "windows", number))
        for position in range(start, len(self)):
            first = torch.full((self.rows,), position == 0 or not self.walks)
            yield cut(self.tokens, begins[mine] + order[position] * self.length, self.length, first[mine])


def in_chunks(tokens: Tokens, rows: int, length: int, walks: bool = True) -> Iterator[Chunk]:
    """A text once from beginning to end: every token but the first is predicted exactly once.

    The text is read in `rows` parts side by side, each of which begins without a state. The last may be
    shorter: what is beyond the text's end has the target -100, which is not scored. Without a state, chunks
    overlap by half: what a chunk repeats of the one before it is read again, but not scored.

    Args:
        tokens: (n,) with n >= 2.
        rows: how many parts; fewer if the text is short.
        length: tokens of a row in a chunk; the last chunk may be shorter.
        walks: rows carry their state on.
    """
    # 1. How long each part is, and how much of a chunk is new.
    count = len(tokens) - 1
    rows = max(1, min(rows, count // length))
    span = -(-count // rows)
    places = torch.arange(rows) * span
    seen = 0 if walks else length // 2
    # 2. The first chunk of a part has nothing before it.
    position = 0
    while position < span:
        before = min(position, seen)
        start = position - before
        first = torch.full((rows,), position == 0 or not walks)
        x, y, first = cut(tokens, places + start, min(length, span - start), first)
        y[:, :before] = UNSCORED
        yield x, y, first
        position = start + length


def rows_for(tokens: Tokens) -> int:
    """In how many rows to read a text: in few if it is short, since each row begins without a state."""
    return max(1, min(ROWS, len(tokens) // PART))


def cut(tokens: Tokens, places: Int64[Tensor, " b"], length: int, first: Bool[Tensor, " b"]) -> Chunk:
    """Rows of tokens from these places on, with those that follow each; beyond the end nothing is scored."""
    wanted = places.numpy()[:, None] + np.arange(length + 1)
    found = torch.from_numpy(tokens[np.minimum(wanted, len(tokens) - 1)].astype(np.int64))
    y = torch.where(torch.from_numpy(wanted[:, 1:]) < len(tokens), found[:, 1:], UNSCORED)
    return found[:, :-1], y, first
