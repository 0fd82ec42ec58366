"""Batches of pairs of texts, each with about the same number of tokens, so that little of it is padding.

Pairs are sorted by the lengths of both texts and cut where so many tokens are reached: many short pairs or
few long ones make a step. Ties and near ties are broken anew every epoch, and batches come in a new order.
Source: Vaswani et al. 2017, section 5.1 (batches by number of tokens).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.rows import seeded
from gradschool.errors import UserError

PADDING = -100  # the target of no token
BLUR = 2.0  # tokens by which a source may be sorted wrongly, so that batches differ between epochs
Tokens = Sequence[int]


@dataclass(frozen=True)
class PairBatches:
    """Batches to train on; every pair is in one batch of an epoch.

    A batch is (sources, lengths, targets, counted): tokens (b, m) padded at the end with 0 and how many of
    each row are valid (b); tokens (b, n) padded with PADDING; and for each row (b) the number of target
    tokens of the whole batch, divided by processes and by rows of this process. A sum of losses divided by
    the sum of `counted` is a mean over tokens, however the batch is shared out among processes or cut into
    micro-batches.

    Args:
        sources: n texts as tokens, each one token or more.
        targets: their translations, each with its start and end token.
        size: tokens of sources and targets in a batch, over all processes, about.
        seed: of the order.
        share: (rank, processes): which part of every batch this process gets.

    Raises:
        UserError: a batch would not have a pair for each process.
    """

    sources: Sequence[Tokens]
    targets: Sequence[Tokens]
    size: int
    seed: int
    share: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        fewest = min(map(len, self.batches(0)))
        if fewest < self.share[1]:
            what = f"batches of {self.size} tokens have {fewest} pairs for {self.share[1]} processes"
            raise UserError(what, "one pair each or more", f"Try --set batch_size={8 * self.size}.")

    def __len__(self) -> int:
        """Steps in an epoch."""
        total = sum(map(len, self.sources)) + sum(map(len, self.targets))
        return min(len(self.sources), max(1, round(total / self.size)))

    def batches(self, number: int) -> list[Int64[Tensor, " b"]]:
        """Which pairs are in each batch of epoch `number`, over all processes."""
        # 1. By target length, then by source length, almost.
        read, written = (
            torch.tensor([len(each) for each in texts]) for texts in (self.sources, self.targets)
        )
        blur = BLUR * torch.rand(len(read), generator=seeded(self.seed, "order", number))
        order = ((read + blur) + written * (read.max() + BLUR + 1)).argsort()
        # 2. Cut where another share of all tokens is reached.
        reached, count = (read + written)[order].cumsum(0), len(self)
        wanted = torch.searchsorted(reached, torch.arange(1, count) * reached[-1] / count).tolist()
        cuts: list[int] = []
        for k, place in enumerate(wanted, 1):  # every batch gets one pair at least
            cuts.append(min(max(place, (cuts[-1:] or [0])[0] + 1), len(order) - count + k))
        cut = list(order.tensor_split(cuts))
        # 3. In a new order.
        mixed = torch.randperm(len(cut), generator=seeded(self.seed, "batches", number)).tolist()
        return [cut[i] for i in mixed]

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """The batches of epoch `number` from position `start` on: a function of the seed and of both."""
        rank, world = self.share
        for chosen in self.batches(number)[start:]:
            own = chosen.tensor_split(world)[rank].tolist()
            tokens = sum(len(self.targets[i]) - 1 for i in chosen.tolist())
            yield rectangle(self.sources, self.targets, own, tokens / world)

    def padding(self, number: int = 0) -> float:
        """The share of padding in all positions of an epoch, 0 to below 1."""
        filled = places = 0
        for chosen in self.batches(number):
            for texts in (self.sources, self.targets):
                lengths = [len(texts[i]) for i in chosen.tolist()]
                filled += sum(lengths)
                places += len(lengths) * max(lengths)
        return 1 - filled / places


def in_batches(
    sources: Sequence[Tokens], targets: Sequence[Tokens], size: int
) -> Iterator[tuple[Tensor, ...]]:
    """All pairs once, the short ones first. To evaluate with."""
    order = sorted(range(len(sources)), key=lambda i: (len(targets[i]), len(sources[i])))
    chosen: list[int] = []
    for i in order:
        widest = max(len(sources[j]) + len(targets[j]) for j in (*chosen[-1:], i))
        if chosen and (len(chosen) + 1) * widest > size:
            yield rectangle(sources, targets, chosen, float(sum(len(targets[j]) - 1 for j in chosen)))
            chosen = []
        chosen.append(i)
    yield rectangle(sources, targets, chosen, float(sum(len(targets[j]) - 1 for j in chosen)))


def rectangle(
    sources: Sequence[Tokens], targets: Sequence[Tokens], chosen: Sequence[int], tokens: float
) -> tuple[Tensor, ...]:
    """Chosen pairs as tensors, with `tokens` spread over their rows."""
    x, lengths = padded([sources[i] for i in chosen])
    y, _ = padded([targets[i] for i in chosen], PADDING)
    return x, lengths, y, torch.full((len(chosen),), tokens / len(chosen))


def padded(texts: Sequence[Tokens], sign: int = 0) -> tuple[Int64[Tensor, "b t"], Int64[Tensor, " b"]]:
    """Texts as one tensor, filled up at the end with `sign`, and their lengths."""
    lengths = [len(text) for text in texts]
    x = torch.full((len(texts), max(lengths)), sign, dtype=torch.int64)
    for row, text in enumerate(texts):
        x[row, : len(text)] = torch.as_tensor(text)
    return x, torch.tensor(lengths)
