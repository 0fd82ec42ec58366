"""Fill holes in pictures smoothly from what is around them: a network for thin holes has to beat it.

Laplace's equation in the holes by Jacobi's method (Varga 1962, chapter 3); inpainting proper goes further
(Bertalmio et al. 2000).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Images = Float[Tensor, "n c h w"]
Mask = Bool[Tensor, "n 1 h w"]


def smooth_filling(damaged: Images, mask: Mask, rounds: int = 200) -> Images:
    """Every hidden pixel becomes the mean of its four neighbours, again and again, known ones staying.

    Args:
        damaged: pictures with holes.
        mask: True where a pixel is hidden.
        rounds: how often; a hole of k pixels across wants about k^2.
    """
    # 1. Begin with the mean of what is known.
    known = (~mask).expand_as(damaged)
    mean = (damaged * known).sum((2, 3), keepdim=True) / known.sum((2, 3), keepdim=True).clamp_min(1)
    filled = torch.where(mask, mean, damaged)
    # 2. Beyond the border lies what is at the border.
    for _ in range(rounds):
        padded = torch.nn.functional.pad(filled, (1, 1, 1, 1), mode="replicate")
        around = (
            padded[..., 1:-1, 2:] + padded[..., 1:-1, :-2] + padded[..., 2:, 1:-1] + padded[..., :-2, 1:-1]
        )
        filled = torch.where(mask, around / 4, filled)
    return filled
