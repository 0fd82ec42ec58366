"""What every tokeniser can do, and the sentences that all of them share."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

from gradschool.errors import UserError

SIGNS = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"})
REPLACEMENT = "\ufffd"  # Unicode's sign for what cannot be read


@runtime_checkable
class Tokeniser(Protocol):
    """Turns a text into token ids, whole numbers from 0 to `len(tokeniser) - 1`, and back."""

    def encode(self, text: str) -> list[int]:
        """The token ids of a text."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some token ids."""
        ...

    def __len__(self) -> int:
        """The size of the vocabulary."""
        ...

    def shown(self, token: int) -> str:
        """One token for people: spaces and ends of lines as signs that can be seen."""
        ...

    def facts(self) -> dict[str, Any]:
        """What a JSON file keeps; `tokeniser_of` rebuilds the tokeniser from it."""
        ...


def in_range(ids: Iterable[int], size: int) -> list[int]:
    """The ids as a list.

    Raises:
        UserError: one is below 0 or not below `size`; a negative one would silently count from the end.
    """
    listed = list(ids)
    if listed and not 0 <= min(listed) <= max(listed) < size:
        wrong = next(token for token in listed if not 0 <= token < size)
        raise UserError(f"the token id {wrong} is not in the vocabulary", f"0 to {size - 1}")
    return listed


def all_different(tokens: Sequence[Any], what: str) -> None:
    """Refuse a vocabulary that holds something twice.

    Raises:
        UserError: names the first that occurs again.
    """
    seen: set[Any] = set()
    for token in tokens:
        if token in seen:
            raise UserError(f"the {what} {token!r} occurs twice in the vocabulary", "every one once")
        seen.add(token)


def visible(text: str) -> str:
    """A text with its spaces and ends of lines as signs."""
    return text.translate(SIGNS)
