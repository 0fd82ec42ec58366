"""Did the training text hold the test? Sequences of n words that both have in common.

Source: Brown et al. 2020, appendix C: n of 13 words in lower case without punctuation; Touvron et al. 2023,
appendix A.6 (the share of a text that is covered).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

WORDS = re.compile(r"\w+")
Gram = tuple[str, ...]


def words(text: str) -> list[str]:
    """Words in lower case, without punctuation."""
    return WORDS.findall(text.lower())


def grams(text: str, n: int) -> Iterator[Gram]:
    """Every n neighbouring words; a shorter text as a whole, if it has a word."""
    found = words(text)
    if found and len(found) < n:
        yield tuple(found)
    for i in range(len(found) - n + 1):
        yield tuple(found[i : i + n])


@dataclass(frozen=True)
class Overlap:
    """What a test text has in common with the training text.

    Args:
        words: of the test text.
        covered: of them, how many stand in a sequence of n words that the training text has too.
    """

    words: int
    covered: int

    @property
    def share(self) -> float:
        """Covered words over all."""
        return self.covered / self.words if self.words else 0.0

    @property
    def dirty(self) -> bool:
        """Whether any sequence is in common; Brown et al. leave such examples out."""
        return self.covered > 0


def overlaps(tests: Iterable[str], training: Iterable[str], n: int = 13) -> list[Overlap]:
    """Look for each test text in the training texts, which are read once.

    Args:
        tests: read once and held in memory, as their sequences are.
        training: any number of texts, as an iterator perhaps. A sequence does not cross from one to the
            next. A test text of fewer than n words is looked for as a whole.
        n: words of a sequence, >= 1.
    """
    # 1. All sequences that are wanted, by their length.
    texts = list(tests)
    wanted = {gram for text in texts for gram in grams(text, n)}
    lengths = sorted({len(gram) for gram in wanted})
    seen: set[Gram] = set()
    for text in training:
        found = words(text)
        for size in lengths:
            seen |= wanted & {tuple(found[i : i + size]) for i in range(len(found) - size + 1)}
    # 2. Which words they cover.
    results = []
    for text in texts:
        covered: set[int] = set()
        for start, gram in enumerate(grams(text, n)):
            if gram in seen:
                covered |= set(range(start, start + len(gram)))
        results.append(Overlap(len(words(text)), len(covered)))
    return results
