"""Three-way merge of texts by lines: what only one side changed is taken, what both changed is a conflict.

Source: Khanna, Kunal and Pierce 2007, A Formal Investigation of Diff3, section 2.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

Lines = list[str]


@dataclass(frozen=True)
class Merged:
    """The merged text, and how many places both sides changed differently; those show both, marked."""

    text: str
    conflicts: int


def merge3(base: str, mine: str, theirs: str) -> Merged:
    """Merge two texts that both began as `base`.

    Args:
        base: the common beginning.
        mine: the learner's; first in a conflict.
        theirs: the course's new version.
    """
    merged: Lines = []
    conflicts = 0
    o, a, b = (text.splitlines(keepends=True) for text in (base, mine, theirs))
    for old, ours, new in chunks(o, a, b):
        if ours in (old, new):
            merged += new
        elif old == new:
            merged += ours
        else:
            conflicts += 1
            merged += ["<<<<<<< yours\n", *ended(ours), "=======\n", *ended(new), ">>>>>>> the course\n"]
    return Merged("".join(merged), conflicts)


def chunks(o: Lines, a: Lines, b: Lines) -> Iterator[tuple[Lines, Lines, Lines]]:
    """The three texts cut at the lines that all have in common, which come as chunks of their own."""
    # 1. For each line of the base, the line it became on either side.
    to_a, to_b = (matches(o, side) for side in (a, b))
    i = j = k = 0
    # 2. From one common line to the next: what lies between is a chunk.
    for at in range(len(o)):
        if at in to_a and at in to_b:
            if at > i or to_a[at] > j or to_b[at] > k:
                yield o[i:at], a[j : to_a[at]], b[k : to_b[at]]
            yield o[at : at + 1], o[at : at + 1], o[at : at + 1]
            i, j, k = at + 1, to_a[at] + 1, to_b[at] + 1
    yield o[i:], a[j:], b[k:]


def matches(o: Lines, side: Lines) -> dict[int, int]:
    """Line of the base to the same line on one side, in order."""
    blocks = difflib.SequenceMatcher(None, o, side, autojunk=False).get_matching_blocks()
    return {block.a + n: block.b + n for block in blocks for n in range(block.size)}


def ended(lines: Lines) -> Lines:
    """Lines of which the last ends, too, so that a marker can follow."""
    return [*lines[:-1], lines[-1].rstrip("\n") + "\n"] if lines else []
