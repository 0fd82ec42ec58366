"""Which texts answer a question? By the words that they share (BM25), by nearness of vectors, or by both.

Sources: Robertson and Zaragoza 2009, section 3.4 (BM25); Cormack et al. 2009 (fusion of ranks); Voorhees 1999
(mean reciprocal rank).
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.data.text.passages import words_of

FUSED = 60  # Cormack's constant: how much the first places count more than later ones


@dataclass(frozen=True)
class BM25:
    """Scores of texts for a question: rare words count more, repeated ones ever less, long texts less.

    Args:
        texts: to look in.
        k1: how soon repetition stops to count, >= 0; 0: whether a word occurs is all.
        b: how much the length of a text matters, 0 to 1.
    """

    texts: Sequence[str]
    k1: float = 1.5
    b: float = 0.75

    @cached_property
    def counts(self) -> list[Counter[str]]:
        """How often each word stands in each text."""
        return [Counter(words_of(text)) for text in self.texts]

    @cached_property
    def holders(self) -> dict[str, list[int]]:
        """Which texts hold a word."""
        found: dict[str, list[int]] = {}
        for i, count in enumerate(self.counts):
            for word in count:
                found.setdefault(word, []).append(i)
        return found

    def rarity(self, word: str) -> float:
        """log(1 + (n - m + 1/2) / (m + 1/2)) for a word in m of n texts: never negative."""
        m = len(self.holders.get(word, []))
        return math.log(1 + (len(self.texts) - m + 0.5) / (m + 0.5))

    def scores(self, question: str) -> Float[Tensor, " n"]:
        """A score for every text, 0 where no word is shared.

        It is the sum over the words w of the question, each as often as it is asked, of
        rarity(w) c (k1 + 1) / (c + k1 (1 - b + b length / mean length)), where c counts w in the text.

        Returns:
            Scores in float64; none without texts. The mean length is taken as 1 at least.
        """
        # 1. How long each text is, and a text on average.
        lengths = [count.total() for count in self.counts]
        mean = max(1.0, sum(lengths) / max(1, len(lengths)))
        # 2. Each word of the question adds to the texts that hold it.
        found = torch.zeros(len(self.texts), dtype=torch.float64)
        for word, times in Counter(words_of(question)).items():
            weight = times * self.rarity(word)
            for i in self.holders.get(word, []):
                count = self.counts[i][word]
                room = self.k1 * (1 - self.b + self.b * lengths[i] / mean)
                found[i] += weight * count * (self.k1 + 1) / (count + room)
        return found


def cosines(queries: Float[Tensor, "q d"], vectors: Float[Tensor, "n d"]) -> Float[Tensor, "q n"]:
    """Cosine of the angle between each query and each vector; 0 for a vector of length 0."""
    rows = [x / x.norm(dim=1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny) for x in (queries, vectors)]
    return rows[0] @ rows[1].T


def nearest(
    queries: Float[Tensor, "q d"], vectors: Float[Tensor, "n d"], k: int, at_once: int = 1024
) -> tuple[Float[Tensor, "q k"], Int64[Tensor, "q k"]]:
    """The k vectors of the largest cosine for each query, the nearest first, exactly.

    Args:
        queries: q vectors.
        vectors: n vectors to look among.
        k: at most n are returned.
        at_once: queries that are compared at a time; memory grows with n times this.
    """
    parts = [cosines(part, vectors).topk(min(k, len(vectors)), 1) for part in torch.split(queries, at_once)]
    return torch.cat([part.values for part in parts]), torch.cat([part.indices for part in parts])


def fused(*scores: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """One score from several that cannot be compared: the sum of 1 / (60 + rank), the first rank being 1.

    Source: Cormack et al. 2009, eq. 1.
    """
    total = torch.zeros(scores[0].shape, dtype=torch.float64)
    for each in scores:
        rank = torch.empty(len(each), dtype=torch.float64)
        rank[each.argsort(descending=True, stable=True)] = torch.arange(
            1.0, len(each) + 1, dtype=torch.float64
        )
        total += 1 / (FUSED + rank)
    return total


def reciprocal_rank(ranked: Sequence[int], right: int) -> float:
    """1 / the place of the right text among those that were found, 0 if it is not among them."""
    return 1 / (ranked.index(right) + 1) if right in ranked else 0.0
