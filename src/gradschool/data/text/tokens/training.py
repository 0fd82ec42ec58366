"""Train byte-pair encoding on millions of characters in a second: keep the counts of pairs, and know where each is.

Each different chunk is stored once with its count. A merge visits only the chunks that hold its pair, an inverted
index; the next pair comes from a heap whose entries are corrected when they reach the top. The merges
are exactly those of the plain algorithm in `pairs.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from heapq import heapify, heappop, heappush
from itertools import pairwise

from gradschool.data.text.tokens.pairs import BYTES, Pair, Ties, tie_rule


class PairIndex:
    """Words as lists of parts, how often each pair of neighbours occurs, and in which words.

    Args:
        words: each different word with the number of times that it occurs.
    """

    def __init__(self, words: Iterable[tuple[list[int], int]]) -> None:
        self.words: list[list[int]] = []
        self.times: list[int] = []
        self.counts: dict[Pair, int] = defaultdict(int)
        self.where: dict[Pair, set[int]] = defaultdict(set)
        for i, (word, times) in enumerate(words):
            self.words.append(word)
            self.times.append(times)
            for pair in pairwise(word):
                self.counts[pair] += times
                self.where[pair].add(i)

    def merge(self, pair: Pair, new: int) -> tuple[int, set[Pair]]:
        """Replace a pair in every word, from left to right, and bring the counts up to date.

        Args:
            pair: the two parts; afterwards it occurs nowhere.
            new: the part that stands for them, which occurred nowhere before.

        Returns:
            How many times it was replaced, and the pairs that came about.
        """
        first, second = pair
        counts, where, total = self.counts, self.where, 0
        fresh: set[Pair] = set()
        for i in where.pop(pair, ()):
            word, times, at = self.words[i], self.times[i], 0
            # 1. The next place in this word where the first part stands; the index may be out of date.
            while first in (rest := word[at:]):
                at += rest.index(first)
                if word[at + 1 : at + 2] == [second]:
                    # 2. The two become one.
                    word[at : at + 2] = [new]
                    total += times
                    # 3. Its neighbours are in other pairs now.
                    if at:
                        left = word[at - 1]
                        counts[left, first] -= times
                        counts[left, new] += times
                        where[left, new].add(i)
                        fresh.add((left, new))
                    if at + 1 < len(word):
                        right = word[at + 1]
                        counts[second, right] -= times
                        counts[new, right] += times
                        where[new, right].add(i)
                        fresh.add((new, right))
                at += 1
        counts.pop(pair, None)
        return total, fresh


def train_merges(chunks: Mapping[str, int], merges: int, ties: Ties = "rustbpe") -> list[Pair]:
    """The merges of byte-pair encoding, in the order in which they are learnt.

    Args:
        chunks: how often each chunk of the text occurs; no merge crosses the end of a chunk.
        merges: how many are wanted; fewer come back if no pair is left.
        ties: which of equally frequent pairs is first, see `tie_rule`.

    Returns:
        Pairs of parts: 0 to 255 are the bytes, and 256 + k is the result of merge k.
    """
    # 1. Words of bytes, and a key for every part that decides ties.
    index = PairIndex((list(chunk.encode("utf-8", "surrogateescape")), n) for chunk, n in chunks.items())
    counts, key_of = index.counts, tie_rule(ties)
    texts = [bytes([byte]) for byte in range(BYTES)]
    keys = [key_of(byte, text) for byte, text in enumerate(texts)]
    heap = [(-count, keys[a], keys[b], (a, b)) for (a, b), count in counts.items()]
    heapify(heap)
    learnt: list[Pair] = []
    while heap and len(learnt) < merges:
        # 2. The top of the heap. A count that has fallen since goes back with what it is now.
        count, first, second, pair = heappop(heap)
        if -count != (now := counts.get(pair, 0)):
            if now:
                heappush(heap, (-now, first, second, pair))
            continue
        # 3. The new part.
        new = BYTES + len(learnt)
        learnt.append(pair)
        texts.append(texts[pair[0]] + texts[pair[1]])
        keys.append(key_of(new, texts[new]))
        # 4. Merge, and enter the pairs that came about: only those can be new.
        for a, b in index.merge(pair, new)[1]:
            if counts[a, b]:
                heappush(heap, (-counts[a, b], keys[a], keys[b], (a, b)))
    return learnt
