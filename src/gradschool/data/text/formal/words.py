"""Word problems: multiply the elements of a group as they come, and say the product after each.

Parity is the group of two elements; S5, the permutations of five things, is the smallest symmetric group that
cannot be solved, so that no circuit of constant depth is expected to compute it.
Sources: Barrington 1989; Merrill, Petty and Sabharwal 2024.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from gradschool.data.text.formal.language import Language, Strings
from gradschool.data.text.formal.machine import Machine, machine, walk

Permutation = tuple[int, ...]


@dataclass(frozen=True)
class WordProblem(Language):
    """A group, and the elements that words are made of.

    Args:
        longest: symbols of a word of training; `longer` has four times as many.
    """

    longest: int = 16

    @property
    def answers(self) -> tuple[str, ...]:
        """The elements of the group."""
        return self.machine.names

    @property
    def within(self) -> str:
        """The lengths of training, in words."""
        return f"words of {self.longest} symbols"

    @property
    def beyond(self) -> str:
        """The lengths of `longer`, in words."""
        return f"the last {self.longest} of {4 * self.longest} symbols"

    def draw(self, n: int, generator: torch.Generator) -> Strings:
        """Words of the length of training; every product is judged."""
        symbols, states = walk(self.machine, n, generator, self.longest)
        truth, every = F.one_hot(states, len(self.answers)).float(), torch.ones_like(states, dtype=torch.bool)
        return Strings(symbols, states, states, truth, every, every)

    def longer(self, n: int, generator: torch.Generator) -> Strings:
        """Words four times as long; the products of the last quarter are judged."""
        words = replace(self, longest=4 * self.longest).draw(n, generator)
        late = torch.arange(4 * self.longest) >= 3 * self.longest
        return replace(words, judged=words.asked & late)


def group(generators: Mapping[str, Permutation]) -> Machine:
    """The machine whose state is the product of all permutations read so far, each equally probable.

    Args:
        generators: symbol -> permutation p, which takes thing i to place p[i].
    """
    size = len(next(iter(generators.values())))

    def following(state: object) -> dict[str, tuple[float, object]]:
        so_far = [int(digit) for digit in str(state)]
        return {
            symbol: (1 / len(generators), "".join(str(so_far[i]) for i in p))
            for symbol, p in generators.items()
        }

    return machine("".join(generators), "".join(map(str, range(size))), following)


def parity() -> WordProblem:
    """Is the number of ones so far even or odd?"""
    bits = group({"0": (0, 1), "1": (1, 0)})
    return WordProblem("parity", replace(bits, names=("even", "odd")))


def s5() -> WordProblem:
    """Products of two permutations of five things that generate all 120: a swap and a turn."""
    return WordProblem("products in S5", group({"s": (1, 0, 2, 3, 4), "t": (1, 2, 3, 4, 0)}))
