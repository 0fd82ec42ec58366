"""Dialogues as tensors: packed rows to learn answers from, pairs of answers, questions to be answered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from gradschool.data.rows import Rows
from gradschool.data.text.dialogues.dialogue import Dialogue
from gradschool.data.text.dialogues.template import answered, asked, rendered
from gradschool.data.text.packing import pack
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.ops.tuning.supervised import PADDING

Padded = tuple[Int64[Tensor, "n t"], Bool[Tensor, "n t"]]
"""Tokens, 0 at the padding, and a mask."""


def packed(dialogues: Sequence[Dialogue], tokeniser: Tokeniser, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Dialogues in rows of equal length, several in one: tokens, number of the dialogue, True at answers.

    Args:
        dialogues: none is longer than a row.
        tokeniser: of the language model.
        length: tokens of a row.

    Source: Krell et al. 2021.
    """
    # 1. Every dialogue as tokens, in rows.
    texts, masks = zip(*(rendered(each.turns, tokeniser) for each in dialogues), strict=True)
    rows = pack(texts, length)
    # 2. Which tokens count: in the order of the dialogues, as a stable sort finds them in the rows.
    order = rows.document.flatten().argsort(stable=True)
    counts = torch.tensor([mark for mask in masks for mark in mask])
    answer = torch.zeros(rows.tokens.numel(), dtype=torch.bool)
    answer[order[int((rows.document == PADDING).sum()) :]] = counts
    return rows.tokens, rows.document, answer.view_as(rows.tokens)


@dataclass(frozen=True)
class AnswerRows(Rows):
    """Batches of packed rows; arguments as of `Rows`, the columns are those of `packed`.

    A batch is (tokens, document, answer, counted): `counted` (b) is for each row the number of answer tokens
    of the whole batch, divided by its rows over all processes. A sum of losses divided by the sum of
    `counted` is a mean over tokens, however the batch is shared out among processes or cut into
    micro-batches.
    """

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """The batches of epoch `number` from position `start` on: a function of the seed and of both."""
        answers = self.columns[2].sum(1)
        for chosen, own in zip(self.chosen(number, start), super().epoch(number, start), strict=True):
            counted = float(answers[chosen].sum()) / len(chosen)
            yield *own, torch.full((len(own[0]),), counted, device=own[0].device)


def padded(texts: Sequence[tuple[Sequence[int], Sequence[bool]]], length: int) -> Padded:
    """Tokens and their masks, one text a row, with padding behind it that the mask leaves out."""
    tokens = torch.zeros(len(texts), length, dtype=torch.int64)
    mask = torch.zeros(len(texts), length, dtype=torch.bool)
    for row, (text, counts) in enumerate(texts):
        tokens[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = torch.tensor(counts)
    return tokens, mask


def pairs(dialogues: Sequence[Dialogue], tokeniser: Tokeniser) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Dialogues with their chosen and with their rejected answer: tokens and a mask of the answer for each.

    Args:
        dialogues: each with a rejected answer.
        tokeniser: of the language model.
    """
    chosen = [answered(each, tokeniser) for each in dialogues]
    others = (each.with_answer(each.rejected or "") for each in dialogues)
    rejected = [answered(each, tokeniser) for each in others]
    length = max(len(text) for text, _ in chosen + rejected)
    return *padded(chosen, length), *padded(rejected, length)


def questions(dialogues: Sequence[Dialogue], tokeniser: Tokeniser) -> Padded:
    """Everything before the last answer, with padding before it, and True where there is a token."""
    texts = [asked(each.turns[:-1], tokeniser) for each in dialogues]
    length = max(map(len, texts))
    tokens = torch.tensor([[0] * (length - len(text)) + text for text in texts])
    return tokens, torch.arange(length) >= length - torch.tensor([[len(text)] for text in texts])
