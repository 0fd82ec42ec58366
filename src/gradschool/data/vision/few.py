"""Parts of a training part: so many pictures of each class, or a share of its labels."""

import torch
from jaxtyping import Int64
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.errors import UserError
from gradschool.phrases import counted


def few(images: Images, shots: int, seed: int) -> Images:
    """So many images of each class, in the order in which they lie there.

    Args:
        images: to draw from.
        shots: of each class, 1 or more.
        seed: of the draw; smaller draws of the same seed are part of larger ones.

    Raises:
        UserError: a class has fewer.
    """
    return images.take(drawn(images.labels, images.classes, shots, seed))


def drawn(
    labels: Int64[Tensor, " n"], classes: tuple[str, ...], shots: int, seed: int
) -> Int64[Tensor, " k"]:
    """Places of `shots` examples of each class, ascending; arguments and errors as of `few`."""
    counts = labels.bincount(minlength=len(classes))
    if int(counts.min()) < shots:
        least = int(counts.argmin())
        what = f"shots is {shots}, and class {classes[least]} has {counted(int(counts[least]), 'picture')}"
        raise UserError(what, f"1 to {max(1, int(counts[least]))}", "Lower shots, or add pictures.")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    mixed = labels[order]
    chosen = [order[(mixed == label).nonzero().flatten()[:shots]] for label in range(len(classes))]
    return torch.cat(chosen).sort().values


def labelled(labels: Int64[Tensor, " n"], share: float, seed: int) -> Int64[Tensor, " k"]:
    """Which examples keep their label: the same share of every class, at least one of each.

    A smaller share of the same seed is a part of a larger one, so that two shares can be compared.

    Args:
        labels: the class of each example.
        share: above 0, up to 1; rounded for every class.
        seed: of the choice.

    Returns:
        Their places, ascending.
    """
    generator = torch.Generator().manual_seed(seed)
    kept = []
    for label in torch.unique(labels).tolist():
        places = (labels == label).nonzero().flatten()
        order = torch.randperm(len(places), generator=generator)
        kept.append(places[order[: max(1, round(share * len(places)))]])
    return torch.cat(kept).sort().values


def with_labels(splits: Splits[Images], share: float, seed: int) -> Splits[Images]:
    """The same parts, but for a training part of labelled pictures alone, and a sentence about it."""
    if share >= 1:
        return splits
    from_all = len(splits.train)
    train = splits.train.take(labelled(splits.train.labels, share, seed))
    note = f"labels={share:g}: {len(train):,} of {from_all:,} training pictures are labelled and trained on."
    return Splits(splits.name, train, splits.val, splits.test, splits.skipped, (*splits.notes, note))
