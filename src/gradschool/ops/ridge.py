"""Ridge regression: the linear map with the smallest squared error, its weights held small, in one formula.

Source: Hoerl and Kennard 1970, eq. 2.3.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op


@op
def ridge(
    x: Float[Tensor, "n i"], y: Float[Tensor, "n o"], penalty: float
) -> tuple[Float[Tensor, "o i"], Float[Tensor, " o"]]:
    """The weight W and the bias b that minimise |x W^T + b - y|^2 + penalty |W|^2; the bias is free.

    Args:
        x: one example a row.
        y: what is wanted of each.
        penalty: of a squared weight, above 0.

    Returns:
        W and b, as `linear` takes them.

    Raises:
        ValueError: the penalty is not above 0.
    """
    if not penalty > 0:
        raise ValueError(f"the penalty is {penalty}, a number above 0 was wanted")
    # 1. Around their means the bias drops out.
    x_mean, y_mean = x.mean(0), y.mean(0)
    x, y = x - x_mean, y - y_mean
    # 2. Where the gradient is 0: (x^T x + penalty) W^T = x^T y.
    gram = x.T @ x + penalty * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    weight = torch.linalg.solve(gram, x.T @ y).T
    # 3. The bias brings the means back.
    return weight, y_mean - weight @ x_mean
