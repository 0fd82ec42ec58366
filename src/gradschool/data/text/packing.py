"""Packing: several short texts share a row, so that little of a batch is padding.

Each token keeps the number of its text, from which targets (`gradschool.ops.tuning.supervised`), masks and
positions (`gradschool.ops.attention.masks`) follow: texts of a row do not see each other.
Source: Krell et al. 2021. Deviation: best fit, longest text first, in place of their table of histograms.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from gradschool.errors import UserError
from gradschool.ops.tuning.supervised import PADDING


@dataclass(frozen=True)
class Packed:
    """Rows of texts.

    Args:
        tokens: (rows, length), 0 at the padding.
        document: the number of each token's text, PADDING for none.
        answer: True for tokens that the loss counts.
    """

    tokens: Int64[Tensor, "r t"]
    document: Int64[Tensor, "r t"]
    answer: Bool[Tensor, "r t"]

    @property
    def filled(self) -> float:
        """The share of positions that hold a token."""
        return float((self.document != PADDING).double().mean())


def rows_of(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Which texts share a row: each goes where the least room is left over, longest first.

    Args:
        lengths: of the texts in tokens, 1 to `most`.
        most: tokens of a row.
    """
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # (tokens left, row), ascending
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        # 1. The row with the least room that is enough, or a new one.
        at = bisect_left(room, (lengths[i], -1))
        left, row = room.pop(at) if at < len(room) else (most, len(rows))
        if row == len(rows):
            rows.append([])
        # 2. It has less room now.
        rows[row].append(i)
        insort(room, (left - lengths[i], row))
    return rows


def pack(texts: Sequence[Sequence[int]], length: int, questions: Sequence[int] | None = None) -> Packed:
    """Put texts into rows of equal length.

    Args:
        texts: tokens of each; none is empty or longer than a row.
        length: tokens of a row.
        questions: how many tokens at the beginning of each text the loss does not count; None: 0.

    Raises:
        UserError: a text is empty or too long.
    """
    # 1. What fits.
    for i, text in enumerate(texts):
        if not 1 <= len(text) <= length:
            cure = "Cut it, or take longer rows: what is cut off silently is never learnt."
            raise UserError(f"text {i} has {len(text):,} tokens", f"1 to {length:,}, as a row has", cure)
    rows = rows_of([len(text) for text in texts], length)
    # 2. One text behind the other.
    tokens = torch.zeros(len(rows), length, dtype=torch.int64)
    document = torch.full_like(tokens, PADDING)
    answer = torch.zeros_like(tokens, dtype=torch.bool)
    for row, members in enumerate(rows):
        start = 0
        for i in members:
            stop = start + len(texts[i])
            tokens[row, start:stop] = torch.as_tensor(texts[i])
            document[row, start:stop] = i
            answer[row, start + (questions[i] if questions else 0) : stop] = True
            start = stop
    return Packed(tokens, document, answer)
