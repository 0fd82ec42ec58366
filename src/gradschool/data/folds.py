"""k folds of what a set brings to train on: each example is in the validation part of exactly one fold.

Classes keep their shares in every fold, and examples of one group (copies of a picture, pictures of one
patient) are never in two. Training and validation part are cut anew together; the test part stays as it is.
Source: Stone 1974 (cross-validation); scikit-learn does the cutting.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from torch import Tensor

from gradschool.data.examples import Joinable, Splits
from gradschool.data.splits import Labelled
from gradschool.errors import UserError
from gradschool.phrases import counted

SMALL = 0.01  # share of all examples up to which a group cannot upset the size of a fold
EXAMPLE = "Example: --set fold=2/5"


@runtime_checkable
class Grouped(Protocol):
    """Examples some of which belong together."""

    @property
    def groups(self) -> Int64[Tensor, " n"]:
        """A number for each example; those that belong together have the same."""
        ...


def parsed(fold: str) -> tuple[int, int]:
    """The number of a fold, from 1, and how many there are: "2/5" is (2, 5).

    Raises:
        UserError: it says no such two numbers.
    """
    number, slash, count = fold.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and len(fold) < 12):
        raise UserError(f"fold is {fold!r}", "the number of a fold and how many there are, 2/5", EXAMPLE)
    if int(count) < 2:
        raise UserError(f"{count} folds", "2 or more", EXAMPLE)
    if not 1 <= int(number) <= int(count):
        raise UserError(f"fold is {fold}", f"one of 1/{count} to {count}/{count}", EXAMPLE)
    return int(number), int(count)


def pooled(splits: Splits[Any]) -> Splits[Any]:
    """Training and validation part as one, and nothing held out of it.

    Raises:
        UserError: the examples have no classes, or cannot be put together.
    """
    train = splits.train
    if not isinstance(train, Labelled):
        raise UserError(f"{splits.name} has no classes", "examples with a class each, for folds")
    if splits.val is None:
        return splits
    if not isinstance(train, Joinable):
        raise UserError(
            f"{splits.name} brings a validation part", "a set whose parts can be joined, for folds"
        )
    return replace(splits, train=train.joined([splits.val], None), val=None)


def folds(
    labels: Int64[Tensor, " n"], groups: Int64[Tensor, " n"] | None, count: int, seed: int,
    classes: Sequence[str] = (),
) -> Int64[Tensor, " n"]:  # fmt: skip
    """The fold of each example, from 0.

    Args:
        labels: the class of each example.
        groups: a number for each; those of one group are in one fold. None: each is by itself.
        count: how many folds, >= 2, at most the examples (the groups) of the smallest class.
        seed: of the order in which examples are dealt out.
        classes: names for messages.

    Raises:
        UserError: a class has fewer examples, or groups of them, than there are folds.
    """
    y = labels.numpy()
    together = None if groups is None or len(torch.unique(groups)) == len(groups) else groups.numpy()
    # 1. No fold may lack a class.
    for label in np.unique(y):
        own = y == label
        size = int(own.sum()) if together is None else len(np.unique(together[own]))
        if size < count:
            name = classes[label] if len(classes) else str(label)
            kind = ("example",) if together is None else ("group of examples", "groups of examples")
            what = f"{count} folds, and the class {name} has {counted(size, *kind)}"
            wanted = f"2 to {size} folds" if size > 1 else "two or more of each class to train on"
            raise UserError(what, wanted, "Take fewer folds, or bring more examples.")
    # 2. Deal out: one example for each of many small groups, whole groups where they are large or mixed.
    if together is not None:
        _, first, group, sizes = np.unique(
            together, return_index=True, return_inverse=True, return_counts=True
        )
        if sizes.max() > SMALL * len(y) or (y != y[first][group]).any():
            whole = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
            return numbered(whole.split(y, y, together), len(y))
        return folds(labels[torch.from_numpy(first)], None, count, seed, classes)[torch.from_numpy(group)]
    return numbered(StratifiedKFold(count, shuffle=True, random_state=seed).split(y, y), len(y))


def numbered(cuts: Iterable[tuple[Any, Any]], size: int) -> Int64[Tensor, " n"]:
    """The fold of each of so many examples, from the (kept, held) places of each fold."""
    found = torch.empty(size, dtype=torch.int64)
    for number, (_, held) in enumerate(cuts):
        found[torch.from_numpy(held)] = number
    return found


def cut(splits: Splits[Any], count: int, seed: int) -> Int64[Tensor, " n"]:
    """The fold of each example of the training part, from 0; arguments and errors as of `folds`."""
    train = splits.train
    groups = train.groups if isinstance(train, Grouped) else None
    return folds(train.labels, groups, count, seed, train.classes)


def fold_of(splits: Splits[Any], fold: str, seed: int) -> Splits[Any]:
    """The parts with one fold as the validation part and all others as the training part.

    Args:
        splits: of labelled examples.
        fold: such as "2/5".
        seed: of the folds; the same for all of them.

    Raises:
        UserError: there is no such fold, or a class is too small.
    """
    number, count = parsed(fold)
    whole = pooled(splits)
    where = cut(whole, count, seed)
    held = (where == number - 1).nonzero().flatten()
    kept = (where != number - 1).nonzero().flatten()
    return replace(whole, train=whole.train.take(kept), val=whole.train.take(held))
