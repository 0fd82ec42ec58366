"""Some classes of a set: to learn what one kind of thing looks like."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.errors import UserError
from gradschool.phrases import did_you_mean, nearest


def names(value: Any) -> list[str]:
    """One name, several with commas, or a list of them; a class may be called 3."""
    parts = value if isinstance(value, list | tuple) else str(value).split(",")
    return [str(part).strip() for part in parts]


def chosen(splits: Splits[Images], classes: Sequence[str]) -> Splits[Images]:
    """The pictures of these classes alone, in all three parts; labels count them in the order given.

    Raises:
        UserError: there is no such class, or one is named twice, or has nothing to train on or to test on.
    """
    # 1. Each name is a class of the set, once.
    have = splits.train.classes
    for name in classes:
        if name not in have:
            guess = did_you_mean(nearest(name, have))
            raise UserError(f"{splits.name} has no class {name!r}", f"one of {', '.join(have)}", guess)
    if len(set(classes)) < len(classes):
        raise UserError(f"only is {', '.join(classes)}", "each class once", "")
    # 2. Their pictures, part by part.
    parts = {"training": splits.train, "validation": splits.val, "test": splits.test}
    kept = {name: None if part is None else some(part, classes) for name, part in parts.items()}
    train, val, test = kept.values()
    if not train or not test:
        part = "test" if train else "training"
        what = f"the {part} part has no picture of {', '.join(classes)}"
        raise UserError(what, "two or more pictures of a class", "")
    return replace(splits, train=train, val=val or None, test=test)


def some(images: Images, classes: Sequence[str]) -> Images:
    """The images of these classes, relabelled by their place in `classes`."""
    place = torch.full((len(images.classes),), -1)
    for i, name in enumerate(classes):
        place[images.classes.index(name)] = i
    labels = place[images.labels]
    index = (labels >= 0).nonzero().flatten()
    return replace(images.take(index), labels=labels[index], classes=tuple(classes))
