"""Characters as tokens: every character of a list has a number, and so has the end of a line."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, takewhile

from gradschool.errors import UserError

END = 0  # the end token: it ends every line, and stands before its first character
SHOWN = "↵"  # how the end token is written for people
LISTED = 60  # characters that an error lists


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that a model knows: the end token is 0, the characters are 1, 2, ... in their order.

    Args:
        characters: all of them, each once.
    """

    characters: str

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Vocabulary":
        """The characters that occur in some texts, in the order of their code points."""
        return cls("".join(sorted(set(chain.from_iterable(texts)))))

    def __len__(self) -> int:
        """How many tokens there are, the end token among them."""
        return len(self.characters) + 1

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The token of every character."""
        return {character: number for number, character in enumerate(self.characters, 1)}

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, without the end token.

        Raises:
            UserError: a character has no token.
        """
        unknown = next((character for character in text if character not in self.numbers), None)
        if unknown is not None:
            listed = "".join(filter(str.isprintable, self.characters))
            listed = listed if len(listed) < LISTED else f"{listed[:LISTED]}..."
            raise UserError(f"{text!r} holds {unknown!r}", f"only characters of the training data ({listed})")
        return [self.numbers[character] for character in text]

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of some tokens, up to the first end token."""
        return "".join(self.characters[token - 1] for token in takewhile(lambda t: t != END, tokens))

    def shown(self, token: int) -> str:
        """A single token for people: the end and a space as signs that can be seen."""
        return SHOWN if token == END else self.decode([token]).replace(" ", "␣")
