r"""The syntax of regular expressions: a pattern as a tree of choices, sequences and repetitions.

A part of Python's: characters, `.`, classes such as `[^a-z\d]`, `\d \w \s` (ASCII), groups, `|`, `*`, `+`,
`?` and `{m,n}`. A pattern matches a whole text. What looks around, refers back or is lazy is no regular
language, or changes nothing about which texts match, and is refused.
"""

from dataclasses import dataclass
from typing import NoReturn

from gradschool.errors import UserError

LAST = 0x10FFFF  # of Unicode
Ranges = tuple[tuple[int, int], ...]  # code points, first and last of each, ascending


@dataclass(frozen=True)
class Characters:
    """One character of these ranges."""

    ranges: Ranges


@dataclass(frozen=True)
class Sequence:
    """One part after the other; none of them is the empty text."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Choice:
    """One of several."""

    options: tuple["Node", ...]


@dataclass(frozen=True)
class Repeat:
    """A part again and again, `least` to `most` times; None: without an end."""

    part: "Node"
    least: int
    most: int | None


Node = Characters | Sequence | Choice | Repeat


def joined(ranges: list[tuple[int, int]]) -> Ranges:
    """Ranges in order, without overlaps."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return tuple(found)


def others(ranges: Ranges) -> Ranges:
    """All characters that are not in the ranges."""
    edges = [-1, *(edge for pair in ranges for edge in pair), LAST + 1]
    return tuple((a + 1, b - 1) for a, b in zip(edges[::2], edges[1::2], strict=True) if a + 1 <= b - 1)


def of(characters: str) -> Ranges:
    """Ranges of single characters."""
    return joined([(ord(c), ord(c)) for c in characters])


DIGITS: Ranges = ((48, 57),)
WORD = joined([(48, 57), (65, 90), (95, 95), (97, 122)])
SPACE = of(" \t\n\r\f\v")
CLASSES = {"d": DIGITS, "D": others(DIGITS), "w": WORD, "W": others(WORD), "s": SPACE, "S": others(SPACE)}
SIGNS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
WIDTHS = {"x": 2, "u": 4, "U": 8}  # digits of an escape


class Parser:
    """Reads a pattern from left to right.

    Args:
        pattern: to read.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern, self.at = pattern, 0

    def wrong(self, what: str, wanted: str) -> NoReturn:
        """Refuse the pattern, and say where."""
        raise UserError(f"the pattern {self.pattern!r} has {what} at place {self.at}", wanted)

    def peek(self) -> str:
        """The next character; "" at the end."""
        return self.pattern[self.at : self.at + 1]

    def take(self, text: str) -> bool:
        """Read a text if it comes next."""
        if here := self.pattern.startswith(text, self.at):
            self.at += len(text)
        return here

    def whole(self) -> Node:
        """The whole pattern."""
        node = self.choice()
        if self.peek():
            self.wrong("a ')' too many", r"one for each '('; write \) for the character")
        return node

    def choice(self) -> Node:
        """Options between bars."""
        options = [self.sequence()]
        while self.take("|"):
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self) -> Node:
        """Parts up to a bar or the end of a group."""
        parts = []
        while self.peek() and self.peek() not in "|)":
            parts.append(self.repeated())
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self) -> Node:
        """A part and how often it comes."""
        node = self.atom()
        while (sign := self.peek()) and sign in "*+?{":
            self.at += 1
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign) or self.counts()
            node = Repeat(node, least, most)
            if self.peek() in ("?", "+"):
                self.wrong("a lazy or possessive repetition", "a plain one, which matches the same texts")
        return node

    def counts(self) -> tuple[int, int | None]:
        """The numbers of {m}, {m,} or {m,n}."""
        inside, bracket, rest = self.pattern[self.at :].partition("}")
        first, comma, second = inside.partition(",")
        if not bracket or not first.isdigit() or not (second.isdigit() or not second):
            self.wrong("an unknown repetition", r"{m}, {m,} or {m,n}; write \{ for the character")
        most = int(second) if second else None if comma else int(first)
        if most is not None and most < int(first):
            self.wrong(f"{{{inside}}}", "the smaller number first")
        self.at = len(self.pattern) - len(rest)
        return int(first), most

    def atom(self) -> Node:
        """One character, a class, or a group."""
        if self.take("("):
            if not self.take("?:") and self.peek() == "?":
                self.wrong("a group with a '?'", "(...) or (?:...)")
            node = self.choice()
            if not self.take(")"):
                self.wrong("no ')'", "one for each '('")
            return node
        if self.take("["):
            return Characters(self.members())
        if self.take("."):
            return Characters(others(of("\n")))
        if self.peek() in ("^", "$"):
            self.wrong(repr(self.peek()), "a pattern for the whole text, without anchors")
        if self.peek() in ("*", "+", "?", "{"):
            self.wrong("nothing to repeat", rf"a part before it; write \{self.peek()} for the character")
        return Characters(self.member())

    def member(self) -> Ranges:
        """One character, or an escape that may stand for several."""
        sign = self.peek()
        self.at += 1
        if sign != "\\":
            return of(sign)
        letter = self.peek()
        self.at += 1
        if letter in CLASSES and letter:
            return CLASSES[letter]
        if letter in WIDTHS:
            digits = self.pattern[self.at : self.at + WIDTHS[letter]]
            self.at += WIDTHS[letter]
            try:
                return ((int(digits, 16), int(digits, 16)),)
            except ValueError:
                self.wrong(rf"\{letter}{digits}", "hexadecimal digits")
        if letter in SIGNS:
            return of(SIGNS[letter])
        if not letter or letter.isalnum():
            self.at -= 1
            self.wrong(f"\\{letter}", r"\d \w \s \n \t, or a sign that is no letter")
        return of(letter)

    def members(self) -> Ranges:
        """What stands in square brackets."""
        found: list[tuple[int, int]] = []
        negative, first = self.take("^"), True
        while first or self.peek() != "]":
            first = False
            if not self.peek():
                self.wrong("no ']'", "one for each '['")
            low = self.member()
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.member()
                if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] < low[0][0]:
                    self.wrong("a range that is none", "two characters in their order, such as a-z")
                low = ((low[0][0], high[0][1]),)
            found += low
        self.at += 1
        ranges = joined(found)
        return others(ranges) if negative else ranges


def parsed(pattern: str) -> Node:
    """The tree of a pattern.

    Raises:
        UserError: it is wrong, or uses what is refused.
    """
    return Parser(pattern).whole()
