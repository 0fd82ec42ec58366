"""The simplest translator: every word by its most probable translation, in the order of the source.

Pairs of sentences do not say which word stands for which. The EM algorithm estimates it: share out every
target word among the words of its source by the probabilities so far, count, and divide.
Source: Brown et al. 1993, section 4.1 (IBM model 1).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradschool.data.text.pairs.pairs import TextPairs

WORD = re.compile(r"\w+|[^\w\s]")
CLOSING = re.compile(r" ([.,;:!?)\]%’'])")
ROUNDS = 8  # of the EM algorithm
MOST = 20_000_000  # pairs of words that are counted: of longer texts fewer pairs of texts are read
NONE = ""  # the source word of target words that stand for no other


@dataclass(frozen=True)
class Dictionary:
    """One target word for each source word.

    Args:
        words: source word in lower case -> target word.
    """

    words: dict[str, str]

    @classmethod
    def of(cls, pairs: TextPairs) -> "Dictionary":
        """Estimate it from pairs of sentences."""
        # 1. Words as numbers, and every target word beside every word of its source.
        sources, reads = numbered([[NONE, *words(text.lower())] for text in pairs.sources])
        targets, writes = numbered([words(text) for text in pairs.targets])
        sizes = np.cumsum([len(s) * len(t) for s, t in zip(sources, targets, strict=True)])
        most = max(1, int(np.searchsorted(sizes, MOST)))
        sources, targets = sources[:most], targets[:most]
        beside = [
            (np.repeat(s, len(t)), np.tile(t, len(s)), np.tile(np.arange(len(t)), len(s)))
            for s, t in zip(sources, targets, strict=True)
        ]
        starts = np.cumsum([0, *(len(t) for t in targets)])[:-1]
        s = np.concatenate([each[0] for each in beside])
        t = np.concatenate([each[1] for each in beside])
        place = np.concatenate([each[2] + start for each, start in zip(beside, starts, strict=True)])
        # 2. Different pairs of words, each with a probability p(target word | source word).
        keys, pair = np.unique(s * len(writes) + t, return_inverse=True)
        source_of, p = keys // len(writes), np.ones(len(keys))
        for _ in range(ROUNDS):
            # 3. Share out each target word, then count and divide.
            share = p[pair] / np.bincount(place, p[pair])[place]
            counts = np.bincount(pair, share, len(keys))
            p = counts / np.bincount(source_of, counts, len(reads))[source_of]
        # 4. The most probable target word of each source word.
        order = np.lexsort((-p, source_of))
        _, first = np.unique(source_of[order], return_index=True)
        best = keys[order[first]]
        return cls({reads[k // len(writes)]: writes[k % len(writes)] for k in best.tolist()})

    def translate(self, text: str) -> str:
        """Word by word; a word that is not in it stays as it is."""
        found = [self.words.get(word.lower(), word) for word in words(text)]
        joined = CLOSING.sub(r"\1", " ".join(found))
        return joined[:1].upper() + joined[1:]


def words(text: str) -> list[str]:
    """Words and marks."""
    return WORD.findall(text)


def numbered(texts: Sequence[Sequence[str]]) -> tuple[list[np.ndarray], list[str]]:
    """Texts as numbers of words, and the words."""
    number: dict[str, int] = {}
    found = [np.array([number.setdefault(word, len(number)) for word in text], np.int64) for text in texts]
    return found, list(number)
