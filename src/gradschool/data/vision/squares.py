"""Pictures whose causes are known: one bright square, its place and its size, each combination once.

Made for asking whether numbers of a code stand for single causes; after dSprites (Matthey et al. 2017).
"""

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from gradschool.data.examples import Splits
from gradschool.data.splits import stratified
from gradschool.data.vision.images import Images

SIDE = 16
SIZES = (2, 3, 4, 5, 6)
PLACES = 11  # along each axis; the largest square still fits at the last


def squares() -> tuple[UInt8[Tensor, "n 1 h w"], Int64[Tensor, "n 3"]]:
    """All pictures, and what each was made from: column, row and number of the size."""
    factors = torch.cartesian_prod(*(torch.arange(k) for k in (PLACES, PLACES, len(SIZES))))
    column, row = factors[:, 0, None], factors[:, 1, None]
    size = torch.tensor(SIZES)[factors[:, 2], None]
    along = torch.arange(SIDE)
    across = (along >= column) & (along < column + size)
    down = (along >= row) & (along < row + size)
    pixels = (down[:, :, None] & across[:, None, :]).to(torch.uint8) * 255
    return pixels[:, None], factors


def square_splits(seed: int = 0, share: float = 0.2) -> Splits[Images]:
    """The squares as a set whose class is the size.

    Args:
        seed: of which pictures are the test part.
        share: of the test part.
    """
    pixels, factors = squares()
    labels, names = factors[:, 2].contiguous(), tuple(f"{size} pixels" for size in SIZES)
    images = Images(pixels, labels, names)
    train, test = stratified(labels, share, seed)
    return Splits("squares", images.take(train), None, images.take(test))
