"""Scores of sequences of labels: spans found, and what a table of words reaches.

A span is a run of words that belong together: with labels B-X and I-X one that begins with B-X, or with an
I-X that continues nothing; other labels are spans of one word each; O is no span. Source: Tjong Kim Sang
and De Meulder 2003, "Introduction to the CoNLL-2003 shared task", section 2.4 (a span is right if its
label and both ends are).
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from gradschool.data.text.labelled.tagged import OUTSIDE

Span = tuple[int, int, str]  # first word, the word behind the last, label


def spans(tags: Sequence[str]) -> set[Span]:
    """The spans of one sequence."""
    # 1. A word continues a span if it is I-X behind B-X or I-X.
    found: list[Span] = []
    for i, tag in enumerate(tags):
        kind, _, name = tag.partition("-")
        is_marked = kind in ("B", "I") and bool(name)
        continues = is_marked and kind == "I" and i > 0 and tags[i - 1] in (f"B-{name}", f"I-{name}")
        # 2. It makes that span longer; any other word but O begins one.
        if continues:
            start, _, label = found[-1]
            found[-1] = (start, i + 1, label)
        elif tag != OUTSIDE:
            found.append((i, i + 1, name if is_marked else tag))
    return set(found)


def span_f1(true: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> float:
    """F1 of all spans of all sequences together: 2 right / (true + said), 0 to 1; 1 where there are none
    at all.
    """
    right = truth = claimed = 0
    for one, other in zip(true, said, strict=True):
        a, b = spans(one), spans(other)
        right, truth, claimed = right + len(a & b), truth + len(a), claimed + len(b)
    return 2 * right / (truth + claimed) if truth + claimed else 1.0


class MostFrequent:
    """The most frequent label of each word; of a word that was never seen, the most frequent of all.

    Args:
        words: of training sequences.
        tags: as many for each.
    """

    def __init__(self, words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> None:
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for one, labels in zip(words, tags, strict=True):
            for word, tag in zip(one, labels, strict=True):
                counts[word][tag] += 1
        self.best = {word: count.most_common(1)[0][0] for word, count in counts.items()}
        self.usual = sum(counts.values(), Counter[str]()).most_common(1)[0][0]

    def __call__(self, words: Sequence[str]) -> list[str]:
        """The labels of a sequence."""
        return [self.best.get(word, self.usual) for word in words]


def token_accuracy(true: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> float:
    """The share of words with the right label, 0 to 1."""
    pairs = [(a, b) for one, other in zip(true, said, strict=True) for a, b in zip(one, other, strict=True)]
    return sum(a == b for a, b in pairs) / len(pairs)
