"""What every set of examples is to a run, whatever its examples are: three parts that can be counted, cut and
named; pictures, lines of text and series each have a record of their own.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.errors import UserError


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


@runtime_checkable
class Joinable(Protocol):
    """Examples with names, which can be put together from parts that were cut anew."""

    def joined(self, others: Sequence[Any], classes: Sequence[str] | None) -> Any:
        """These and the others as one part; labels count `classes`, its own where they are None."""
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
    classes = getattr(splits.train, "classes", None)
    return {"name": splits.name, "parts": parts} | ({} if classes is None else {"classes": list(classes)})


def named(inventory: dict[str, Any]) -> dict[str, str]:
    """Every example of an inventory with its hash, whatever its part; {} where they have no names."""
    return {
        each: digest
        for part in inventory.get("parts", {}).values()
        for each, digest in part["examples"].items()
    }


def sha_of(inventory: dict[str, Any], part: str) -> str:
    """The hash of a part, "" where there is no such part."""
    return str(inventory["parts"].get(part, {"sha256": ""})["sha256"])


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """In sentences, how two inventories differ; empty where they hold the same."""
    was, has = named(before), named(now)
    told = {
        "new": [each for each in has if each not in was],
        "gone": [each for each in was if each not in has],
        "other content": [each for each in has if each in was and has[each] != was[each]],
    }
    counts = [f"{len(each):,} {word} (first: {each[0]})" for word, each in told.items() if each]
    if was and counts:
        other = [name for name, part in before["parts"].items() if part["sha256"] != sha_of(now, name)]
        return [f"The {' and the '.join(other)} part is not what the run had: {', '.join(counts)}."]
    found = []
    for name, old in before.get("parts", {}).items():
        if old["sha256"] != sha_of(now, name):
            count = now["parts"].get(name, {"count": 0})["count"]
            what = f"{old['count']:,} examples then, {count:,} now, or other content"
            found.append(f"The {name} part is not what the run had: {what}.")
    return found


def as_it_was(splits: Splits[Any], before: dict[str, Any], classes: Sequence[str] | None) -> Splits[Any]:
    """The parts of an earlier inventory, of the examples that are still the same; nothing new, nothing moved.

    A set that has grown is cut anew when it is opened, so what was trained on may lie in its test part: a run
    must be looked at with its own parts.

    Args:
        splits: opened now.
        before: the inventory of the run.
        classes: of the run, in label order; None for examples without.

    Raises:
        UserError: none of its training or test examples is left; or examples have no names, and there are not
            as many as there were, so that nobody knows which is which.
    """
    told, parts = changes(before, inventory(splits)), splits.parts
    if not told:
        return splits
    first, *rest = parts.values()
    advice = "Name the data it was trained on with --data PATH, or train again."
    if not (named(before) and isinstance(first, Joinable) and all(part.names for part in parts.values())):
        counts = {name: part["count"] for name, part in before.get("parts", {}).items()}
        if counts != {name: len(part) for name, part in parts.items()}:
            raise UserError(" ".join(told).rstrip("."), "the data of the run", advice)
        return replace(splits, notes=[*splits.notes, *told])
    # 1. All examples together, and which of them the run had.
    pool, has = first.joined(rest, classes), named(inventory(splits))
    place = {name: index for index, name in enumerate(pool.names)}
    found = {}
    for name, part in before["parts"].items():
        same = [place[each] for each, digest in part["examples"].items() if has.get(each) == digest]
        found[name] = pool.take(torch.tensor(same, dtype=torch.int64)) if same else None
    if lost := next((name for name in ("train", "test") if found.get(name) is None), None):
        raise UserError(
            f"{told[0].rstrip('.')}, and nothing of its {lost} part is left", "the data of the run", advice
        )
    # 2. The run's own parts.
    kept = ", ".join(
        f"{len(part):,} of {before['parts'][name]['count']:,} {name}" for name, part in found.items() if part
    )
    notes = [*splits.notes, *told, f"Used is what is left of its own parts: {kept}; nothing new is."]
    return Splits(splits.name, found["train"], found.get("val"), found["test"], splits.skipped, notes)
