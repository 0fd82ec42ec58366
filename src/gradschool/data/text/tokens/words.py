"""Words as tokens: short sequences with a meaning each, and no token for a word that was not seen.

A rare word teaches a model nothing, so words below a minimum count share one token with all unknown ones. Case and
the spaces between words are not kept.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gradschool.data.text.tokens.split import splitter
from gradschool.data.text.tokens.tokeniser import all_different, in_range
from gradschool.errors import UserError

PATTERN = r"\p{L}+(?:['’]\p{L}+)*|\p{N}+|\s+|[^\s\p{L}\p{N}]"  # words with apostrophes, numbers, single signs
UNKNOWN, SHOWN = 0, "<unk>"


def words_of(text: str, lower: bool = True) -> list[str]:
    """The words, numbers and punctuation signs of a text, without spaces.

    Args:
        text: any.
        lower: whether capitals become small letters.
    """
    found = splitter(PATTERN)(text.lower() if lower else text)
    return [word for word in found if not word.isspace()]


@dataclass(frozen=True)
class Words:
    """One token a word; token 0 is for every word that is not in the vocabulary.

    Args:
        words: tokens 1, 2, ... in this order.
        lower: whether capitals become small letters.

    Raises:
        UserError: a word occurs twice.
    """

    words: Sequence[str]
    lower: bool = True

    def __post_init__(self) -> None:
        all_different(self.words, "word")

    @classmethod
    def train(
        cls, texts: Iterable[str], size: int | None = None, least: int = 1, lower: bool = True
    ) -> "Words":
        """The words of some texts, the most frequent first, equally frequent ones in alphabetical order.

        Args:
            texts: read once.
            size: of the vocabulary with the unknown token, >= 1; None for all words.
            least: how often a word has to occur, >= 1.
            lower: whether capitals become small letters.

        Raises:
            UserError: the size has no room for the unknown token.
        """
        if size is not None and size < 1:
            raise UserError(f"the size of the vocabulary is {size}", "1 or more")
        # 1. Count.
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(words_of(text, lower))
        # 2. Frequent ones first.
        kept = [word for word, count in counts.items() if count >= least]
        kept.sort(key=lambda word: (-counts[word], word))
        return cls(kept if size is None else kept[: size - 1], lower)

    def __len__(self) -> int:
        return len(self.words) + 1

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The token of every word."""
        return {word: number for number, word in enumerate(self.words, 1)}

    def encode(self, text: str) -> list[int]:
        """The token of every word, 0 for one that is unknown."""
        return [self.numbers.get(word, UNKNOWN) for word in words_of(text, self.lower)]

    def unknown(self, text: str) -> float:
        """The share of a text's words that have no token of their own, 0 to 1; 0 for a text without words."""
        tokens = self.encode(text)
        return tokens.count(UNKNOWN) / max(len(tokens), 1)

    def decode(self, ids: Iterable[int]) -> str:
        """The words with a space between them: not the text that was encoded, but one that reads alike.

        Raises:
            UserError: an id is not in the vocabulary.
        """
        return " ".join(self.shown(token) for token in in_range(ids, len(self)))

    def shown(self, token: int) -> str:
        """The word, or <unk>."""
        return SHOWN if token == UNKNOWN else self.words[in_range([token], len(self))[0] - 1]

    def facts(self) -> dict[str, Any]:
        """The words."""
        return {"kind": "words", "words": list(self.words), "lower": self.lower}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Words":
        """The tokeniser that wrote `facts`."""
        return cls(facts["words"], facts["lower"])
