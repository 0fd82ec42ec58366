"""Characters as tokens: the smallest vocabulary that can write any text of its kind, and the longest sequences.

It wraps the vocabulary of lines: id 0 is the end token, which separates texts, and the characters follow in
the order of their code points. Tiny Shakespeare has 65 characters, so 66 tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gradschool.data.text.tokens.tokeniser import all_different, in_range, visible
from gradschool.data.text.vocabulary import END, Vocabulary


@dataclass(frozen=True)
class Characters:
    """One token a character.

    Args:
        vocabulary: the characters; its end token is token 0 here as well.

    Raises:
        UserError: a character occurs twice.
    """

    vocabulary: Vocabulary

    def __post_init__(self) -> None:
        all_different(self.vocabulary.characters, "character")

    @classmethod
    def train(cls, texts: Iterable[str]) -> "Characters":
        """The characters that occur in some texts."""
        return cls(Vocabulary.of(texts))

    def __len__(self) -> int:
        return len(self.vocabulary)

    def encode(self, text: str) -> list[int]:
        """The token of every character.

        Raises:
            UserError: a character has no token; it is named with the text around it.
        """
        numbers = self.vocabulary.numbers
        try:
            return [numbers[character] for character in text]
        except KeyError as missing:
            at = text.index(missing.args[0])
            return self.vocabulary.encode(text[max(at - 20, 0) : at + 20])  # says what is missing

    def decode(self, ids: Iterable[int]) -> str:
        """The characters of some tokens; the end token writes nothing.

        Raises:
            UserError: an id is not in the vocabulary.
        """
        characters = self.vocabulary.characters
        return "".join([characters[token - 1] for token in in_range(ids, len(self)) if token != END])

    def shown(self, token: int) -> str:
        """The character, or <end>."""
        return "<end>" if token == END else visible(self.decode([token]))

    def facts(self) -> dict[str, Any]:
        """The characters."""
        return {"kind": "characters", "characters": self.vocabulary.characters}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "Characters":
        """The tokeniser that wrote `facts`."""
        return cls(Vocabulary(facts["characters"]))
