"""Forecasts without a network, and how wrong a forecast is on a scale that series of all sizes share.

Symbols: y_1 ... y_t is a series, m the number of steps in a season, h the horizon.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

X = Float[Tensor, "..."]


@op
def seasonal_naive(y: Float[Tensor, "... t"], m: int, h: int) -> Float[Tensor, "... h"]:
    """Repeat the last season: next July is like last July.

    Args:
        y: the past, any number of axes before time.
        m: steps in a season, 1 to t; 1 repeats the last value.
        h: steps ahead.

    Raises:
        ValueError: the past is shorter than a season.

    Source: Hyndman and Athanasopoulos 2021, section 5.2.
    """
    if not 1 <= m <= y.shape[-1]:
        raise ValueError(f"the past has {y.shape[-1]} steps, a season of {m} needs at least as many")
    # 1. The last season, m values.
    season = y[..., -m:]
    # 2. Step k ahead is like step k of the season; after its end the season starts again.
    return season[..., torch.arange(h, device=y.device) % m]


@op
def seasonal_error(y: Float[Tensor, " t"], m: int) -> Float[Tensor, ""]:
    """The mean of |y_i - y_(i-m)|: how far the seasonal naive forecast is off, one season ahead.

    Raises:
        ValueError: there are no two values a season apart.
    """
    if not 1 <= m < len(y):
        raise ValueError(f"the series has {len(y)} steps, a season of {m} needs at least one more")
    return (y[m:] - y[:-m]).abs().mean()


@op
def scaled_error(forecast: X, y: X, scale: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """MASE: the mean of |y - forecast| in units of `scale`, the seasonal error of the training part.

    Below 1 the forecast is better than the seasonal naive one was on the training part. No error is 0 on any
    scale, even on that of a series which repeats itself exactly. Source: Hyndman and Koehler 2006, section 3.
    """
    error = (y - forecast).abs().mean()
    return torch.where(error > 0, error / scale, 0.0)


@op
def symmetric_error(forecast: X, y: X) -> Float[Tensor, ""]:
    """SMAPE: the mean of 200 |y - forecast| / (|y| + |forecast|), in percent, 0 to 200.

    Where both are 0 the forecast is right, and the error 0. Source: Makridakis 1993.
    """
    # 1. Size of both together; a 0 there would make 0 / 0.
    size = y.abs() + forecast.abs()
    wrong = (y - forecast).abs() / torch.where(size > 0, size, 1)
    # 2. In percent.
    return 200 * wrong.mean()


@op
def ridge(
    x: Float[Tensor, "n i"], y: Float[Tensor, "n o"], penalty: float
) -> tuple[Float[Tensor, "o i"], Float[Tensor, " o"]]:
    """Ridge regression: the weight W and bias b that minimise |x W^T + b - y|^2 + penalty |W|^2; b is free.

    Source: Hoerl and Kennard 1970, eq. 2.3.

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
