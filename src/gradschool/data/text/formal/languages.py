"""The formal languages by name."""

from collections.abc import Callable
from typing import Literal

from gradschool.data.text.formal.counting import Counting, counting_machine
from gradschool.data.text.formal.grammar import embedded_reber, reber
from gradschool.data.text.formal.language import Language
from gradschool.data.text.formal.words import parity, s5
from gradschool.errors import UserError


def anbn() -> Counting:
    """Some a, then as many b."""
    return Counting("a^n b^n", counting_machine((1, 1), 10), (1, 1), 10)


def anb2n() -> Counting:
    """Some a, then twice as many b."""
    return Counting("a^n b^2n", counting_machine((1, 2), 8), (1, 2), 8)


def anbncn() -> Counting:
    """Some a, then as many b, then as many c."""
    return Counting("a^n b^n c^n", counting_machine((1, 1, 1), 8), (1, 1, 1), 8)


Name = Literal["reber", "embedded_reber", "anbn", "anb2n", "anbncn", "parity", "s5"]
LANGUAGES: dict[str, Callable[[], Language]] = {
    "reber": reber, "embedded_reber": embedded_reber, "anbn": anbn, "anb2n": anb2n, "anbncn": anbncn,
    "parity": parity, "s5": s5,
}  # fmt: skip


def find_language(name: str) -> Language:
    """A language by its name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in LANGUAGES:
        raise UserError(f"there is no formal language {name!r}", f"one of {', '.join(LANGUAGES)}", "")
    return LANGUAGES[name]()
