"""Languages that count: a^n b^n, a^n b^2n, a^n b^n c^n, written one string after the other without a pause.

Source: Wiles and Elman 1995; Rodriguez, Wiles and Elman 1999. While n is bounded each is a finite machine; a
network that has learnt the rule goes on where the machine of training ends.
"""

from dataclasses import dataclass

import torch

from gradschool.data.text.formal.language import Language, Strings, encode, next_symbols
from gradschool.data.text.formal.machine import Machine, machine, walk


@dataclass(frozen=True)
class Counting(Language):
    """Blocks of letters whose lengths are in fixed ratios.

    Args:
        powers: letters of each block are n times this: (1, 2) is a^n b^2n.
        highest: n of training is uniform from 1 to this.
        steps: symbols of a drawn stream; the last string may be cut.
    """

    powers: tuple[int, ...] = (1, 1)
    highest: int = 10
    steps: int = 48

    @property
    def within(self) -> str:
        """The lengths of training, in words."""
        return f"n from 1 to {self.highest}"

    @property
    def beyond(self) -> str:
        """The lengths of `longer`, in words."""
        return f"n from {self.highest + 1} to {2 * self.highest}"

    def draw(self, n: int, generator: torch.Generator) -> Strings:
        """Streams of strings; judged where the next symbol is determined."""
        drawn = walk(self.machine, n, generator, self.steps + 1)
        return next_symbols(self.machine, *drawn, only_determined=True)

    def longer(self, n: int, generator: torch.Generator) -> Strings:
        """Each n beyond training once, whatever is asked for."""
        return self.each(self.highest + 1, 2 * self.highest)

    def block(self, n: int) -> str:
        """One string, e.g. aaabbb."""
        return "".join(letter * n * power for letter, power in zip(self.symbols, self.powers, strict=True))

    def each(self, first: int, last: int) -> Strings:
        """A row for each n: its string twice, and the letter that starts a third.

        It is judged from the second letter's first symbol on: what is left of the string is determined, and
        so is the start of the next.
        """
        wide = counting_machine(self.powers, last + 1)
        texts = [2 * self.block(n) + self.symbols[0] for n in range(first, last + 1)]
        return next_symbols(wide, *encode(wide, texts), only_determined=True)


def counting_machine(powers: tuple[int, ...], highest: int) -> Machine:
    """The machine of strings with n uniform from 1 to `highest`.

    Its states count: a3 is after three a; b2 has two b to come, and b2/5 knows besides that n is 5.
    """
    letters, last = "abc"[: len(powers)], len(powers) - 1

    def later(place: int, count: int, n: int) -> str:
        return f"{letters[place]}{count}" + ("" if place == last else f"/{n}")

    def following(state: object) -> dict[str, tuple[float, object]]:
        letter, count, n = str(state)[0], *map(int, f"{str(state)[1:]}/0".split("/")[:2])
        place, next_a = letters.index(letter), f"a{count + 1}" if letter == "a" else "a1"
        # 1. Within a later letter: as many as are to come, then the next letter, or the next string.
        if letter != "a" and count:
            return {letter: (1.0, later(place, count - 1, n))}
        if place == last or str(state) == "a0":
            return {"a": (1.0, next_a)}
        if letter != "a":
            return {letters[place + 1]: (1.0, later(place + 1, powers[place + 1] * n - 1, n))}
        # 2. After n times a: n ends here with probability 1 / (values that are left), or grows.
        ends = 1 / (highest - count + 1)
        found: dict[str, tuple[float, object]] = {"b": (ends, later(1, powers[1] * count - 1, count))}
        return found | ({"a": (1 - ends, next_a)} if count < highest else {})

    return machine(letters, "a0", following)
