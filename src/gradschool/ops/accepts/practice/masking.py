"""What masked images refuse; see gradschool.ops.practice.masking."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import alike, axes, floating, looks_at_numbers, readable, shaped

PATCHES = "(pictures, patches, numbers)"


def positive(name: str, value: int) -> None:
    """Refuse what is no whole number from 1 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}, a whole number >= 1 was wanted")


def truths(hidden: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse what is no truth value for every patch."""
    if hidden.dtype != torch.bool:
        raise ValueError(f"hidden is of type {hidden.dtype}, bool was wanted: True for hidden patches")
    shaped("hidden", hidden, shape)


def cut_patches(x: Tensor, side: int) -> None:
    """Pictures that the patches fill."""
    floating(x=x)
    axes("x", x, "(batch, channels, height, width)", 4, 4)
    positive("side", side)
    if x.shape[2] % side or x.shape[3] % side:
        raise ValueError(
            f"x has shape {tuple(x.shape)}, height and width that are multiples of {side} were wanted"
        )


def join_patches(patches: Tensor, side: int, rows: int) -> None:
    """Patches that fill a grid, of whole channels."""
    floating(patches=patches)
    axes("patches", patches, PATCHES, 3, 3)
    positive("side", side)
    positive("rows", rows)
    if patches.shape[1] % rows or patches.shape[2] % side**2:
        raise ValueError(
            f"patches have shape {tuple(patches.shape)}, a multiple of {rows} patches (rows) "
            f"of a multiple of {side**2} numbers (pixels) was wanted"
        )


def random_patch_mask(draws: Tensor, share: float = 0.75) -> None:
    """Two patches or more, of which a share is hidden."""
    floating(draws=draws)
    axes("draws", draws, "(pictures, patches)", 2, 2)
    if draws.shape[1] < 2:
        raise ValueError(
            f"draws have shape {tuple(draws.shape)}, two patches or more were wanted: "
            "one is hidden and one is shown"
        )
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}, a number from 0 to 1 was wanted")


@looks_at_numbers
def shown_patches(x: Tensor, hidden: Tensor) -> None:
    """As many shown patches in every picture."""
    floating(x=x)
    axes("x", x, PATCHES, 3, 3)
    truths(hidden, tuple(x.shape[:2]))
    alike_shown(hidden)


def alike_shown(hidden: Tensor) -> int | None:
    """Refuse pictures that show different numbers of patches, where reading them is cheap; the number."""
    if not readable(hidden):
        return None
    shown = (~hidden).sum(1)
    if (shown != shown[0]).any():
        raise ValueError(
            f"pictures show {int(shown.min())} to {int(shown.max())} patches, the same number each was wanted"
        )
    return int(shown[0])


@looks_at_numbers
def with_mask_tokens(shown: Tensor, token: Tensor, hidden: Tensor) -> None:
    """Vectors for all shown patches, and one for the others."""
    floating(shown=shown, token=token)
    axes("shown", shown, PATCHES, 3, 3)
    shaped("token", token, shown.shape[2:])
    axes("hidden", hidden, "(pictures, patches)", 2, 2)
    truths(hidden, (shown.shape[0], hidden.shape[1]))
    count = alike_shown(hidden)
    if count is not None and count != shown.shape[1]:
        raise ValueError(
            f"shown has shape {tuple(shown.shape)} and hidden leaves {count} patches of a picture, "
            "a vector for each of these was wanted"
        )


@looks_at_numbers
def masked_patch_loss(prediction: Tensor, target: Tensor, hidden: Tensor, normalised: bool = True) -> None:
    """One shape, a truth value for each patch, at least one of them True."""
    floating(prediction=prediction, target=target)
    axes("prediction", prediction, PATCHES, 3, 3)
    alike(prediction, target)
    truths(hidden, tuple(prediction.shape[:2]))
    if normalised and prediction.shape[2] < 2:
        raise ValueError(
            f"patches have {prediction.shape[2]} numbers, two or more were wanted: one has no variance"
        )
    if hidden.numel() == 0 or (readable(hidden) and not hidden.any()):
        raise ValueError("no patch is hidden, one or more was wanted: the loss is about hidden patches")
