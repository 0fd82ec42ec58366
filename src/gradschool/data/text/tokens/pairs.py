"""Byte-pair encoding in its plainest form: count neighbours, merge the most frequent pair, begin again.

Sources: Gage 1994; Sennrich et al. 2016, algorithm 1; bytes: Radford et al. 2019. Parts are numbered: 0 to
255 are the bytes, and 256 + k is what merge k makes. `training.py` does the same with counts that it keeps.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from gradschool.data.text.tokens.alphabet import ALPHABET

Pair = tuple[int, int]
Ties = Literal["rustbpe", "hf", "cs336"]
BYTES = 256  # the parts that are no merges
POSITION = {byte: position for position, byte in enumerate(ALPHABET)}


def pair_counts(words: Mapping[tuple[int, ...], int]) -> Counter[Pair]:
    """How often each pair of neighbours occurs.

    Args:
        words: sequences of parts, each with the number of times that it occurs.

    Returns:
        A count for each pair (left, right) that occurs; in a a a, the pair a a occurs twice.
    """
    # 1. A word that occurs n times has each of its pairs n times.
    counts: Counter[Pair] = Counter()
    for word, times in words.items():
        for i in range(len(word) - 1):
            counts[word[i], word[i + 1]] += times
    return counts


def merged(word: Sequence[int], pair: Pair, new: int) -> list[int]:
    """Replace a pair wherever it occurs, from left to right: of a a a, merging a a leaves aa a.

    Args:
        word: parts; it stays as it is.
        pair: the two parts that are replaced.
        new: what stands for them; neither of the two.

    Returns:
        A new list of parts.
    """
    # 1. Where the pair begins, write the new part and step over both.
    out, i = [], 0
    while i < len(word):
        if tuple(word[i : i + 2]) == pair:
            out.append(new)
            i += 2
        # 2. Anything else stays.
        else:
            out.append(word[i])
            i += 1
    return out


def tie_rule(ties: Ties) -> Callable[[int, bytes], Any]:
    """What decides between pairs that are equally frequent: the pair whose keys are smallest is merged first.

    Three programs that are often compared break ties in three ways, so their merges differ though each is
    right: rustbpe by the numbers of the parts, Hugging Face tokenizers by the same numbers with the bytes in
    the order of their printable alphabet, Stanford's CS336 by the bytes themselves, the greatest first.

    Args:
        ties: "rustbpe", "hf" or "cs336".

    Returns:
        A function of a part's number and its bytes that returns its key. For "hf" a byte's key is its place
        in `POSITION`, and a merge, which has the number 256 or more, has its number. For "cs336" the greater
        of two texts is the one that Python's comparison of bytes calls greater: b"b" > b"ab" > b"a".
    """
    # 1. By number, as the parts were made.
    if ties == "rustbpe":
        return lambda number, _: number
    # 2. By number, the bytes in another order.
    if ties == "hf":
        return lambda number, _: POSITION.get(number, number)
    # 3. The greatest bytes first: each byte is turned round, and the end, which makes a text the smaller one,
    #    becomes the greatest sign.
    return lambda _, text: "".join(chr(255 - byte) for byte in text) + chr(256)


def most_frequent(counts: Mapping[Pair, int], keys: Sequence[Any]) -> Pair:
    """The pair that is merged next: the most frequent, and where several are, the one of the smallest keys.

    Args:
        counts: how often each pair occurs; not empty.
        keys: of every part, from `tie_rule`.
    """
    # 1. Compare counts first, then the keys of the first part, then those of the second.
    return min(counts, key=lambda pair: (-counts[pair], keys[pair[0]], keys[pair[1]]))


def encode_by_merges(word: Sequence[int], ranks: Mapping[Pair, int]) -> list[int]:
    """Apply merges to a sequence in the order in which they were learnt.

    The order matters: to merge from left to right, or the longest first, gives other tokens than the
    training saw.

    Args:
        word: parts, at first the bytes; it stays as it is.
        ranks: of each pair the number of its merge, from 0; the result of merge k is part 256 + k.

    Returns:
        A new list of parts, of which no two neighbours are a pair of `ranks`.
    """
    # 1. Of all pairs of neighbours, the one that was learnt first.
    parts = list(word)
    while len(parts) > 1:
        pair = min(pairwise(parts), key=lambda each: ranks.get(each, len(ranks)))
        # 2. No pair was ever merged: done.
        if pair not in ranks:
            break
        # 3. Merge it everywhere.
        parts = merged(parts, pair, BYTES + ranks[pair])
    return parts
