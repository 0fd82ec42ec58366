"""How far every pixel between cells is from the nearest cell and from the second nearest.

Cells are the connected parts of a mask's foreground. Each cell's distances are taken in a window around it
only: farther than `reach` everything counts as `reach`, where the weights of Ronneberger et al. are 0 anyway.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray


def two_nearest(
    inside: Bool[np.ndarray, "h w"], reach: int
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """Distances in pixels to the nearest and to the second nearest cell; 0 to the nearest inside of one.

    Args:
        inside: True in cells.
        reach: the largest distance that is told apart, in pixels.
    """
    from scipy import ndimage

    cells, _ = ndimage.label(inside)
    first = np.full(inside.shape, float(reach), np.float32)
    second = first.copy()
    for number, box in enumerate(ndimage.find_objects(cells), start=1):
        # 1. The window around the cell.
        around = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in box)
        # 2. Distances to this cell, and the two smallest so far.
        far: NDArray[np.float32] = ndimage.distance_transform_edt(cells[around] != number).clip(max=reach)
        near = first[around]
        second[around] = np.minimum(second[around], np.maximum(near, far))
        first[around] = np.minimum(near, far)
    return first, second
