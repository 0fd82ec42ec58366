"""What a check has called and what came of it: the evidence by which a known mistake is recognised."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradschool.classroom.check.compare import Tolerance, leaves, numbers, spelt


@dataclass(frozen=True)
class Crash:
    """An exception in the function under test: its class and its text, without addresses."""

    name: str
    text: str

    @staticmethod
    def of(name: str, text: str) -> "Crash":
        """The same crash in another process has other addresses."""
        return Crash(name, re.sub(r"0x[0-9a-fA-F]+", "0x", " ".join(text[:300].split())))


@dataclass(frozen=True)
class Call:
    """One call, or one run of a driver.

    Args:
        about: what was called, in words, as they follow "For".
        came: what it gave back, or a Crash.
        faults: what it did besides, as sentence and value.
    """

    about: str
    came: Any
    faults: tuple[tuple[str, Any], ...] = ()


def described(args: Sequence[Any], kwargs: dict[str, Any]) -> str:
    """A call's arguments in a few words: "the arguments 3x4 numbers, 0.5"."""
    words = [*map(short, args), *(f"{name} = {short(value)}" for name, value in kwargs.items())]
    return f"the arguments {', '.join(words)}" if words else "a call without arguments"


def short(value: Any) -> str:
    """One argument in a few words."""
    value = numbers(value)
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"{'x'.join(map(str, value.shape))} numbers"
    if isinstance(value, np.ndarray | float | np.number):
        return spelt(value)
    if isinstance(value, list | tuple | dict) and len(str(value)) > 40:
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value)[:40]


def same_calls(ours: Sequence[Call], theirs: Sequence[Call], tolerance: Tolerance) -> bool:
    """Whether both gave the same for every call, to the tolerance."""
    return len(ours) == len(theirs) and all(
        same(a.came, b.came, tolerance) and same_faults(a, b, tolerance)
        for a, b in zip(ours, theirs, strict=True)
    )


def same_faults(a: Call, b: Call, tolerance: Tolerance) -> bool:
    """Whether two calls did the same besides."""
    return [said for said, _ in a.faults] == [said for said, _ in b.faults] and all(
        same(x, y, tolerance) for (_, x), (_, y) in zip(a.faults, b.faults, strict=True)
    )


def same(a: Any, b: Any, tolerance: Tolerance) -> bool:
    """Whether two results are the same: crashes by class and text, numbers to the tolerance."""
    if isinstance(a, Crash) or isinstance(b, Crash):
        return isinstance(a, Crash) and isinstance(b, Crash) and a == b
    ours, theirs = list(leaves(a)), list(leaves(b))
    if [path for path, _ in ours] != [path for path, _ in theirs]:
        return False
    for (_, x), (_, y) in zip(ours, theirs, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        if x.shape != y.shape or x.dtype.kind in "OUS" or y.dtype.kind in "OUS":
            if not np.array_equal(x, y):
                return False
        elif not np.allclose(x, y, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True):
            return False
    return True


def weight(came: Call, truth: Call | None, tolerance: Tolerance) -> int:
    """How much one call says about a mistake: nothing where the right answer gives the same; 1 for a crash or
    where no finite number differs, which many mistakes have in common; 2 for numbers.
    """
    if truth is not None and same(came.came, truth.came, tolerance):
        return 2 if came.faults else 0
    if isinstance(came.came, Crash):
        return 1
    arrays = [np.asarray(leaf) for _, leaf in leaves(came.came)]
    found = [each for each in arrays if each.dtype.kind in "biufc" and each.size]
    return 2 if any(np.isfinite(each).any() for each in found) else 1
