"""Sparse codes of activations: many features, few of which are active at a time.

Sources: Makhzani and Frey 2014 (the k largest); Gao et al. 2024, section 2.3 (for activations of language
models); Cunningham et al. 2023, section 4 (how well directions are found).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op


@op
def keep_largest(f: Float[Tensor, "*b m"], k: int) -> Float[Tensor, "*b m"]:
    """Keep the k largest of m numbers, and of them those above 0; all others become 0.

    Of equal numbers it keeps any, but never more than k in all.

    Args:
        f: what each feature says.
        k: features that may be active at a time, 1 to m.
    """
    best = f.topk(k, -1)
    return torch.zeros_like(f).scatter(-1, best.indices, best.values.clamp(min=0))


@op
def explained_variance(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """How much of the variance of x is in y: 1 for all of it, 0 if y is the mean, below 0 if it is worse."""
    return 1 - (x - y).square().sum() / (x - x.mean(0)).square().sum()


@op
def best_cosines(found: Float[Tensor, "m d"], wanted: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """For each direction that is wanted, the largest cosine with one that was found.

    Args:
        found: m directions, not 0.
        wanted: n directions, not 0.
    """
    rows = [x / x.norm(dim=1, keepdim=True) for x in (wanted, found)]
    return (rows[0] @ rows[1].T).amax(1)
