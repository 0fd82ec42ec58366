"""Words as tokens: those that occur often enough have a number each, all others share one.

A word is a run of letters and digits, in lower case, with an apostrophe inside it; a punctuation mark is a
word, and so is each sign of the scripts that write no spaces between words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol, runtime_checkable

PADDING, UNKNOWN, LISTED = 0, 1, 2  # what fills a batch, any word that is not listed, the first that is
SIGNS = "\u3040-\u30ff\u3400-\u9fff"  # Japanese and Chinese
TAGS = re.compile(r"<br\s*/?>", re.IGNORECASE)
WORD = re.compile(rf"[{SIGNS}]|[^\W{SIGNS}]+(?:['\u2019][^\W{SIGNS}]+)*|[^\w\s]")


def split(text: str) -> list[str]:
    """The words of a text; line breaks of HTML are spaces."""
    return WORD.findall(TAGS.sub(" ", text).lower())


@dataclass(frozen=True)
class WordList:
    """The words that a model knows; 0 is padding, 1 any other word, the listed ones follow.

    Args:
        words: each once, the most frequent first.
    """

    words: Sequence[str]

    @classmethod
    def of(
        cls, texts: Iterable[str], least: int = 2, most: int = 30_000, known: Iterable[str] = ()
    ) -> "WordList":
        """The most frequent words of some texts.

        Args:
            texts: of the training part.
            least: how often a word occurs at least.
            most: how many words are listed at most.
            known: where any are given, other words are not listed (they have a vector each, say).
        """
        return cls.of_words(map(split, texts), least, most, known)

    @classmethod
    def of_words(
        cls, texts: Iterable[Iterable[str]], least: int = 2, most: int = 30_000, known: Iterable[str] = ()
    ) -> "WordList":
        """The same of texts that are cut into words already."""
        counts = Counter(word for text in texts for word in text)
        allowed = frozenset(known)
        often = [w for w, n in counts.items() if n >= least and (not allowed or w in allowed)]
        return cls(tuple(sorted(often, key=lambda word: (-counts[word], word))[:most]))

    def __len__(self) -> int:
        """How many tokens there are."""
        return len(self.words) + LISTED

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The token of every listed word."""
        return {word: number for number, word in enumerate(self.words, LISTED)}

    def encode(self, text: str, longest: int | None = None) -> list[int]:
        """The tokens of a text, the first `longest` of them; a text without any word is one unknown word."""
        return self.encode_words(split(text)[:longest]) or [UNKNOWN]

    def encode_words(self, words: Iterable[str]) -> list[int]:
        """The tokens of words."""
        return [self.numbers.get(word, UNKNOWN) for word in words]


@runtime_checkable
class TextReading(Protocol):
    """How texts become tokens for a classifier: at most `longest` of them, of a sort that has a name."""

    @property
    def longest(self) -> int:
        """Tokens of a text that are read."""
        ...

    @property
    def sort(self) -> str:
        """What the tokens are called, in the plural, e.g. "words"."""
        ...

    def of(self, texts: Iterable[str]) -> list[list[int]]:
        """The tokens of each text, one or more."""
        ...

    def shown(self, text: str) -> list[str]:
        """All tokens of a text as people read them, those that are cut off as well."""
        ...


@dataclass(frozen=True)
class Reading:
    """How texts become tokens: the words that are known, and how many words of a text are read.

    Args:
        words: that are known.
        longest: words of a text that are read, >= 1.
    """

    words: WordList
    longest: int
    sort: ClassVar[str] = "words"

    def of(self, texts: Iterable[str]) -> list[list[int]]:
        """The tokens of each text, one or more."""
        return [self.words.encode(text, self.longest) for text in texts]

    def shown(self, text: str) -> list[str]:
        """All words of a text."""
        return split(text) or ["(no word)"]
