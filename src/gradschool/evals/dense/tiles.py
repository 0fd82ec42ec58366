"""A network on pictures of any size: in tiles that overlap, blended so that no seam is seen.

Source: the overlap-tile strategy of Ronneberger et al. 2015, figure 2. Deviation: answers are blended by
weights that fall towards a tile's edge, where the network sees least, in place of keeping the middle only.
"""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

Network = Callable[[Tensor], Tensor]


def starts(size: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along one side: evenly spread, at least `overlap` in common, the last at the end."""
    if size <= tile:
        return [0]
    count = -(-(size - overlap) // (tile - overlap))
    return [round(i * (size - tile) / (count - 1)) for i in range(count)]


def ramp(size: int, overlap: int) -> Float[Tensor, " n"]:
    """Weights along a tile: from nearly 0 at its edges to 1 after `overlap` pixels."""
    steps = torch.arange(1, size + 1, dtype=torch.float32)
    return (torch.minimum(steps, steps.flip(0)) / (overlap + 1)).clamp(max=1)


def tiled(
    network: Network, x: Float[Tensor, "b c h w"], tile: int = 256, overlap: int = 32, at_once: int = 8
) -> Float[Tensor, "b k h w"]:
    """Run a network on large images tile by tile and blend the overlapping predictions.

    Args:
        network: images (n, c, h, w) to scores (n, k, h, w), for sizes up to `tile`.
        x: images; they may be smaller than a tile.
        tile: side of a tile, in pixels.
        overlap: pixels that neighbouring tiles share at least, 0 to tile - 1.
        at_once: tiles in a batch.

    Returns:
        For each pixel the weighted mean of the scores of all tiles that contain it; the weight falls towards
        the edges of a tile.

    Raises:
        ValueError: overlap is not smaller than tile.
    """
    if not 0 <= overlap < tile:
        raise ValueError(
            f"overlap is {overlap}, 0 to {tile - 1} was wanted; take about an eighth of the tile"
        )
    # 1. The size of a tile, the positions (image, top, left) of all tiles, and the weight of each pixel of a
    #    tile: the outer product of two ramps.
    height, width = (min(tile, side) for side in x.shape[2:])
    places = [
        (i, top, left)
        for i in range(len(x))
        for top in starts(x.shape[2], tile, overlap)
        for left in starts(x.shape[3], tile, overlap)
    ]
    weight = (ramp(height, overlap)[:, None] * ramp(width, overlap)).to(x.device)
    # 2. Add up scores times weights, and the weights, at the position of each tile; divide.
    total, weights = None, x.new_zeros(len(x), 1, *x.shape[2:])
    for (i, top, left), answer in answers(network, x, places, (height, width), at_once):
        if total is None:
            total = answer.new_zeros(len(x), len(answer), *x.shape[2:])
        there = slice(top, top + height), slice(left, left + width)
        total[i][:, *there] += answer * weight
        weights[i][:, *there] += weight
    assert total is not None, "there is at least one tile"
    return total / weights


def answers(
    network: Network, x: Tensor, places: list[tuple[int, int, int]], size: tuple[int, int], at_once: int
) -> Iterator[tuple[tuple[int, int, int], Tensor]]:
    """Each place (picture, top, left) with the network's float32 answer there, batch by batch."""
    height, width = size
    for start in range(0, len(places), at_once):
        part = places[start : start + at_once]
        cut = torch.stack([x[i, :, top : top + height, left : left + width] for i, top, left in part])
        yield from zip(part, network(cut).float(), strict=True)
