"""Contrastive learning: two views of one picture are to be alike, and unlike the views of all other pictures.

z: projections; u: their directions, of length 1; s: similarities over the temperature; n: pictures.
Sources: Chen et al. 2020 (SimCLR); Chen and He 2021, section 4.1 (the spread that shows a collapse).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.activation import log_softmax
from gradschool.ops.switch import op


@op
def directions(z: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
    """Vectors divided by their length; a vector of zeros has no direction, stays 0 and gets no gradient.

    Args:
        z: vectors of any length. Half precision is computed and returned in float32.
    """
    # 1. Squares overflow and underflow where lengths do not: scale by the largest number, a constant.
    z = z.to(torch.promote_types(z.dtype, torch.float32))
    largest = z.detach().abs().amax(-1, keepdim=True)
    z = z / torch.where(largest > 0, largest, 1)
    # 2. Divide by the length.
    length = z.square().sum(-1, keepdim=True)
    return torch.where(length > 0, z * torch.where(length > 0, length, 1).rsqrt(), 0)


@op
def nt_xent(views: Float[Tensor, "2 n d"], temperature: float = 0.5) -> Float[Tensor, ""]:
    """NT-Xent, the normalised temperature-scaled cross-entropy: which of the others is the other view of me?

    Each of the 2n views is classified into the 2n - 1 others: its **positive** is the second view of the same
    picture, the 2n - 2 views of other pictures are its **negatives**. So the loss of a batch is not the mean
    of the losses of its parts: a part has fewer negatives.

    Args:
        views: z, projections of two views of n >= 2 pictures; views[0, i] and views[1, i] show picture i.
        temperature: tau > 0, divides cosines; the smaller, the more the nearest negatives count.

    Returns:
        The mean over all 2n views in nats, float32 at least; log(2n - 1) where all views are equal.

    Source: Chen et al. 2020, eq. 1 and algorithm 1.
    """
    # 1. s_ij = cos(z_i, z_j) / tau for all pairs of the 2n views.
    u = directions(views).flatten(0, 1)
    s = u @ u.T / temperature
    # 2. Nobody is compared with himself.
    count = u.shape[0]
    s = s.masked_fill(torch.eye(count, dtype=torch.bool, device=s.device), -torch.inf)
    # 3. The positive of view i stands n places on, round the end.
    positive = torch.arange(count, device=s.device).roll(count // 2)
    # 4. l_i = -log of the softmax at the positive.
    return -log_softmax(s, 1).gather(1, positive[:, None]).mean()


@op
def spread(z: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """How widely the directions of n vectors are spread: a number that is 0 after a collapse.

    Args:
        z: vectors, n >= 2.

    Returns:
        The standard deviation of each number of the directions over the vectors, averaged over the d numbers,
        times sqrt(d): 0 where all directions are equal, about 1 where they are spread evenly over the sphere.

    Source: Chen and He 2021, section 4.1.
    """
    u = directions(z)
    return u.std(0, correction=0).mean() * u.shape[1] ** 0.5
