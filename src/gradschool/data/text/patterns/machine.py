"""From a pattern to a deterministic automaton over bytes: which byte may come next, and where a text may end.

Tokens are bytes and may end within a character, so characters are written as sequences of UTF-8 bytes first.
Sources: Thompson 1968 (from a pattern to an automaton); Rabin and Scott 1959 (sets of states as states).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int

from gradschool.data.text.patterns.syntax import Characters, Choice, Node, Ranges, Repeat, Sequence, parsed
from gradschool.errors import UserError

NOWHERE = -1
BYTES = 256
MOST = 20_000  # states, and characters that a pattern has written out; one that needs more is refused
WIDTHS = (0x7F, 0x7FF, 0xFFFF, 0x10FFFF)  # last code points of 1, 2, 3 and 4 bytes
HALVES = (0xD800, 0xDFFF)  # surrogates, which are no characters


@dataclass(frozen=True)
class ByteMachine:
    """A deterministic automaton; state 0 is the start.

    Every state can still reach an end: what leads to nothing is left out.

    Args:
        to: the state that a byte leads to, (states, 256), NOWHERE for none.
        accepting: states in which a text may end.
    """

    to: Int[np.ndarray, "s 256"] = field(repr=False)
    accepting: Bool[np.ndarray, " s"] = field(repr=False)

    def after(self, text: bytes, state: int = 0) -> int:
        """The state after some bytes."""
        for byte in text:
            if state == NOWHERE:
                break
            state = int(self.to[state, byte])
        return state

    def accepts(self, text: str) -> bool:
        """Whether the whole text matches."""
        state = self.after(text.encode())
        return state != NOWHERE and bool(self.accepting[state])


def utf8(ranges: Ranges) -> Iterator[list[tuple[int, int]]]:
    """Sequences of byte ranges that together are exactly the characters of some ranges."""
    for low, high in ranges:
        # 1. Without surrogates, and one number of bytes at a time.
        for first, last in ((low, min(high, HALVES[0] - 1)), (max(low, HALVES[1] + 1), high)):
            start = first
            for end in WIDTHS:
                if start <= min(last, end):
                    yield from cut(start, min(last, end))
                start = max(start, end + 1)


def cut(low: int, high: int) -> Iterator[list[tuple[int, int]]]:
    """Cut a range of characters of equally many bytes where its bytes are no product of ranges."""
    for bits in (6, 12, 18):
        rest = (1 << bits) - 1
        if low >> bits != high >> bits:
            # 1. Ends that do not fill their leading byte are ranges of their own.
            if low & rest:
                yield from cut(low, low | rest)
                yield from cut((low | rest) + 1, high)
                return
            if high & rest != rest:
                yield from cut(low, (high & ~rest) - 1)
                yield from cut(high & ~rest, high)
                return
    yield list(zip(chr(low).encode(), chr(high).encode(), strict=True))


class Builder:
    """States with edges of byte ranges, and edges without a byte."""

    def __init__(self) -> None:
        self.edges: list[list[tuple[int, int, int]]] = []
        self.free: list[list[int]] = []

    def state(self) -> int:
        """A new state."""
        self.edges.append([])
        self.free.append([])
        return len(self.edges) - 1

    def add(self, node: Node, start: int) -> int:
        """Add a part behind a state; the state after it."""
        if isinstance(node, Sequence):
            for part in node.parts:
                start = self.add(part, start)
            return start
        if isinstance(node, Repeat):
            return self.repeat(node, start)
        end = self.state()
        if isinstance(node, Choice):
            for option in node.options:
                begin = self.state()
                self.free[start].append(begin)
                self.free[self.add(option, begin)].append(end)
            return end
        self.characters(node, start, end)
        return end

    def characters(self, node: Characters, start: int, end: int) -> None:
        """One character between two states."""
        for steps in utf8(node.ranges):
            at = start
            for i, (low, high) in enumerate(steps):
                following = end if i == len(steps) - 1 else self.state()
                self.edges[at].append((low, high, following))
                at = following

    def repeat(self, node: Repeat, start: int) -> int:
        """A part as often as it has to come, and then as often as it may."""
        for _ in range(node.least):
            start = self.add(node.part, start)
        if node.most is None:
            loop = self.state()
            self.free[start].append(loop)
            self.free[self.add(node.part, loop)].append(loop)
            return loop
        end = self.state()
        self.free[start].append(end)
        for _ in range(node.most - node.least):
            start = self.add(node.part, start)
            self.free[start].append(end)
        return end

    def closed(self, states: frozenset[int]) -> frozenset[int]:
        """All states that are reached without a byte."""
        found, waiting = set(states), list(states)
        while waiting:
            for each in self.free[waiting.pop()]:
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return frozenset(found)


def size(node: Node) -> int:
    """How many characters a part has when its repetitions are written out."""
    if isinstance(node, Repeat):
        return size(node.part) * max(1, node.least + (node.most is None), node.most or 0)
    parts = node.parts if isinstance(node, Sequence) else node.options if isinstance(node, Choice) else ()
    return 1 + sum(map(size, parts))


def compiled(pattern: str) -> ByteMachine:
    """The automaton of a pattern.

    Raises:
        UserError: the pattern is wrong or too large, or matches no text.
    """
    tree, builder = parsed(pattern), Builder()
    if size(tree) > MOST:
        raise UserError(
            f"the pattern has {size(tree):,} parts and is too large", "fewer or smaller repetitions"
        )
    start = builder.state()
    end = builder.add(tree, start)
    # 1. Sets of states as states, in the order in which a search in breadth meets them.
    first = builder.closed(frozenset([start]))
    number, waiting, rows = {first: 0}, deque([first]), []
    while waiting:
        state = waiting.popleft()
        reached: list[set[int]] = [set() for _ in range(BYTES)]
        for low, high, to in (edge for each in state for edge in builder.edges[each]):
            for byte in range(low, high + 1):
                reached[byte].add(to)
        known: dict[frozenset[int], int] = {frozenset(): NOWHERE}
        row = []
        for targets in map(frozenset, reached):
            if targets not in known:
                whole = builder.closed(targets)
                if whole not in number:
                    number[whole] = len(number)
                    waiting.append(whole)
                known[targets] = number[whole]
            row.append(known[targets])
        rows.append(row)
        if len(number) > MOST:
            raise UserError(f"the pattern needs more than {MOST:,} states", "fewer or smaller repetitions")
    return without_dead_ends(np.array(rows), np.array([end in state for state in number]))


def alive(to: Int[np.ndarray, "s k"], accepting: Bool[np.ndarray, " s"]) -> Bool[np.ndarray, " s"]:
    """Which states can reach an accepting one."""
    found = accepting.copy()
    while True:
        more = found | (found[to] & (to != NOWHERE)).any(1)
        if (more == found).all():
            return found
        found = more


def without_dead_ends(to: Int[np.ndarray, "s k"], accepting: Bool[np.ndarray, " s"]) -> ByteMachine:
    """Without states from which no end can be reached.

    Raises:
        UserError: nothing is left.
    """
    kept = alive(to, accepting)
    if not kept[0]:
        raise UserError("the pattern matches no text", "one that matches a text")
    new = np.append(np.where(kept, np.cumsum(kept) - 1, NOWHERE), NOWHERE)  # NOWHERE looks up the last place
    return ByteMachine(new[to[kept]], accepting[kept])
