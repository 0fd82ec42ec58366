"""What every set of examples is to a run, whatever its examples are: three parts that can be counted, cut and
named; pictures, lines of text and series each have a record of their own.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from jaxtyping import Int64
from torch import Tensor

from gradschool.phrases import counted


@runtime_checkable
class Examples(Protocol):
    """One part of a set."""

    @property
    def names(self) -> Sequence[str]:
        """Where each example came from, e.g. a file's name; empty where nobody knows."""
        ...

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def take(self, index: Int64[Tensor, " k"]) -> Any:
        """The examples at `index`, in that order, as a part of the same kind."""
        ...

    def content(self) -> Sequence[bytes | memoryview]:
        """Each example as bytes that tell it from every other; where examples have no names, all of them in
        one piece will do.
        """
        ...


E = TypeVar("E", bound=Examples)


@dataclass(frozen=True)
class Splits(Generic[E]):
    """What a run trains on, chooses by and is tested on.

    Args:
        name: of the set.
        train: what is trained on.
        val: what is chosen by; None: nothing is.
        test: what is looked at once.
        skipped: (file, reason) of every example that was left out.
        notes: sentences that a person should read.
    """

    name: str
    train: E
    val: E | None
    test: E
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def parts(self) -> dict[str, E]:
        """The parts that there are, by name."""
        found = {"train": self.train, "val": self.val, "test": self.test}
        return {name: part for name, part in found.items() if part is not None}


def inventory(splits: Splits[Any]) -> dict[str, Any]:
    """What lies in each part, for the run's folder: counts, a hash of everything, and, where examples have
    names, each with a hash of its own.
    """
    parts = {}
    for name, part in splits.parts.items():
        digests = [hashlib.sha256(piece).hexdigest() for piece in part.content()]
        whole = hashlib.sha256("".join(digests).encode()).hexdigest()
        known = {each: digest[:16] for each, digest in zip(part.names, digests, strict=False)}
        parts[name] = {"count": len(part), "sha256": whole, "examples": known}
    return {"name": splits.name, "parts": parts}


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """In sentences, how two inventories differ; empty where they hold the same."""
    found = []
    for name, old in before.get("parts", {}).items():
        new = now["parts"].get(name, {"count": 0, "sha256": "", "examples": {}})
        if old["sha256"] == new["sha256"]:
            continue
        was, has = old["examples"], new["examples"]
        told = {
            "new": [each for each in has if each not in was],
            "gone": [each for each in was if each not in has],
            "other content": [each for each in has if each in was and has[each] != was[each]],
        }
        counts = [f"{len(each)} {word} (first: {each[0]})" for word, each in told.items() if each]
        what = (
            ", ".join(counts)
            or f"{counted(old['count'], 'example')} then, {new['count']} now, or other content"
        )
        found.append(f"The {name} part is not what the run had: {what}.")
    return found
