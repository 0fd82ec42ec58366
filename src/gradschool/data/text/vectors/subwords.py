"""Words as bags of their character n-grams, so that a word that was never seen has a vector as well.

Source: Bojanowski et al. 2017 (fastText). Deviation: n-grams are numbered by CRC-32, not FNV-1a.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import torch
from jaxtyping import Int64
from torch import Tensor


@dataclass(frozen=True)
class Subwords:
    """Which n-grams a word has, and their numbers; several n-grams may share one.

    Args:
        buckets: how many numbers there are, >= 1.
        shortest: characters of the shortest n-grams, >= 1.
        longest: of the longest.
    """

    buckets: int = 1 << 15
    shortest: int = 3
    longest: int = 6

    def grams(self, word: str) -> list[str]:
        """All n-grams of a word between < and >, but for the whole: "<an", "nd>" for "and"."""
        marked = f"<{word}>"
        sizes = range(self.shortest, min(self.longest, len(marked) - 1) + 1)
        return [marked[i : i + n] for n in sizes for i in range(len(marked) - n + 1)]

    def numbers(self, word: str) -> list[int]:
        """The numbers of a word's n-grams, 0 to buckets - 1, each as often as it occurs."""
        return [crc32(gram.encode()) % self.buckets for gram in self.grams(word)]

    def parts(self, words: Sequence[str]) -> tuple[Int64[Tensor, " m"], Int64[Tensor, " v"]]:
        """For every word its own number 0 ... v - 1 and v + the numbers of its n-grams, one word after the
        other; and how many numbers each word has.
        """
        rows = [[i, *(len(words) + n for n in self.numbers(word))] for i, word in enumerate(words)]
        return torch.tensor([n for row in rows for n in row]), torch.tensor([len(row) for row in rows])
