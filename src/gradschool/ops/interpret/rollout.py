"""What reaches an output through all layers of attention: their weights multiplied, residual paths counted.

Source: Abnar and Zuidema 2020, section 3 (attention rollout).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op


@op
def rollout(layers: Sequence[Float[Tensor, "b h n n"]]) -> Float[Tensor, "b n n"]:
    """How much of each input position is in each output position; rows sum to 1.

    Args:
        layers: weights of each query (rows) on each key, the first layer first; at least one.

    Returns:
        Row i says from where output i comes, as shares.
    """
    whole = torch.eye(layers[0].shape[-1], dtype=layers[0].dtype, device=layers[0].device)
    for weights in layers:
        # 1. The mean over the heads, half of it: the other half comes through the residual path.
        a = 0.5 * weights.mean(1) + 0.5 * torch.eye(weights.shape[-1]).to(weights)
        # 2. What the layers before have mixed already.
        whole = a @ whole
    return whole
