"""So many pictures of each class: what a classifier can learn from a few shots."""

import torch
from jaxtyping import Int64
from torch import Tensor

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
