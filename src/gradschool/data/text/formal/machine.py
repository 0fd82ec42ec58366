"""A finite machine that writes strings: states, the symbols that may follow in each, and their probabilities.

Drawing a string is a random walk on the machine, for a whole batch at once. A language that counts (a^n b^n)
is such a machine as well while n is bounded.
Source: Hopcroft and Ullman 1979, chapter 2 (deterministic finite automata).
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from gradschool.errors import UserError
from gradschool.ops.language import inverse_cdf

NOWHERE = -1  # the state that an illegal symbol leads to


@dataclass(frozen=True)
class Machine:
    """A deterministic machine; state 0 is where every string starts.

    Args:
        symbols: one character each.
        names: of the states, for people.
        to: the state that a symbol leads to, (states, symbols); NOWHERE where the symbol is illegal.
        chance: true probability of each next symbol, (states, symbols); a row of 0 ends a string.
    """

    symbols: str
    names: tuple[str, ...]
    to: Int64[Tensor, "s k"] = field(repr=False)
    chance: Float32[Tensor, "s k"] = field(repr=False)

    def path(self, text: str) -> list[int]:
        """The state after each symbol of a text.

        Raises:
            UserError: a symbol is illegal where it stands.
        """
        to, at, found = self.to.tolist(), 0, []
        for place, symbol in enumerate(text):
            known = self.symbols.find(symbol)
            if known < 0 or to[at][known] == NOWHERE:
                wanted = " or ".join(self.following(text[:place])) or "the end"
                what = f"{symbol!r} stands at place {place} of {text!r}"
                raise UserError(what, wanted, "Only prefixes of legal strings have a state.")
            at = to[at][known]
            found.append(at)
        return found

    def following(self, prefix: str) -> dict[str, float]:
        """The legal next symbols after a prefix and their true probabilities; {} where a string ends."""
        state = [0, *self.path(prefix)][-1]
        row = self.chance[state].tolist()
        return {symbol: p for symbol, p in zip(self.symbols, row, strict=True) if p > 0}


def machine(
    symbols: str, start: object, following: Callable[[object], Mapping[str, tuple[float, object]]]
) -> Machine:
    """Number the states that can be reached.

    Args:
        symbols: one character each.
        start: the first state, anything that can be a key.
        following: state -> {symbol: (probability, next state)}; {} ends a string.
    """
    # 1. All states, in the order in which a search in breadth meets them.
    number: dict[object, int] = {start: 0}
    waiting, rows = deque([start]), []
    while waiting:
        row = following(waiting.popleft())
        rows.append(row)
        for _, state in row.values():
            if state not in number:
                number[state] = len(number)
                waiting.append(state)
    # 2. Tables.
    to = torch.full((len(number), len(symbols)), NOWHERE)
    chance = torch.zeros(len(number), len(symbols))
    for i, row in enumerate(rows):
        for symbol, (p, state) in row.items():
            to[i, symbols.index(symbol)], chance[i, symbols.index(symbol)] = number[state], p
    return Machine(symbols, tuple(map(str, number)), to, chance)


def walk(
    machine: Machine, n: int, generator: torch.Generator, steps: int
) -> tuple[Int64[Tensor, "n t"], Int64[Tensor, "n t"]]:
    """Draw strings: symbols and the states after them; NOWHERE after the end of a string.

    Args:
        machine: what writes them.
        n: how many.
        generator: of the draws.
        steps: symbols at most; a walk that has not come to an end is cut there.
    """
    at, symbols, states = torch.zeros(n, dtype=torch.int64), [], []
    # 1. One symbol for every string at a time.
    uniform = torch.rand(steps, n, generator=generator)
    for u in uniform:
        going = (at >= 0) & (machine.chance[at].sum(1) > 0)
        if not going.any():
            break
        drawn = inverse_cdf(machine.chance[at] + ~going[:, None], u).clamp(max=len(machine.symbols) - 1)
        symbols.append(drawn.masked_fill(~going, NOWHERE))
        at = torch.where(going, machine.to[at, drawn], at)
        states.append(at.masked_fill(~going, NOWHERE))
    return torch.stack(symbols, 1), torch.stack(states, 1)
