"""A perceptron that corrects the seasonal naive forecast, all steps of the horizon at once.

Sources: Rumelhart, Hinton and Williams 1986 (hidden layers); Zeng et al. 2023, section 4 (NLinear: take the
level of each window off, since a series with a trend leaves the range it was trained on).
Deviation: the level is the mean of the last season, so that it does not depend on the month.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from gradschool import nn
from gradschool.nn.inputs import WrongInput
from gradschool.ops.forecast import seasonal_naive


class SeasonalMLP(nn.Module):
    """The seasonal naive forecast plus a correction: a perceptron of the input minus its own level.

    Args:
        history: values of an input.
        horizon: values of a forecast.
        period: steps in a season, at most `history`.
        hidden: units of each hidden layer; none: a linear map.
        dropout: probability with which a hidden unit is silent in training.
    """

    def __init__(
        self, history: int, horizon: int, period: int, hidden: Sequence[int], dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.history, self.horizon, self.period = history, horizon, period
        # 1. Hidden layers, each with an activation and dropout.
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise([history, *hidden]):
            layers += [nn.Linear(fan_in, fan_out), nn.GELU(), nn.Dropout(dropout)]
        # 2. The correction starts at zero: before the first step the forecast is the naive one.
        last = nn.Linear(hidden[-1] if hidden else history, horizon)
        for parameter in last.parameters():
            parameter.data.zero_()
        self.layers = nn.Sequential(*layers, last)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 2 or x.shape[1] != self.history:
            raise WrongInput(f"input has shape {tuple(x.shape)}, (batch, {self.history}) was wanted")
        level = x[:, -self.period :].mean(1, keepdim=True)
        return seasonal_naive(x, self.period, self.horizon) + self.layers(x - level)


def seasonal_mlp(
    history: int, horizon: int, period: int, hidden: Sequence[int] = (256,), dropout: float = 0.5
) -> SeasonalMLP:
    """One hidden layer: 9,484 parameters for two years of months and a year ahead."""
    return SeasonalMLP(history, horizon, period, hidden, dropout)


def seasonal_linear(history: int, horizon: int, period: int) -> SeasonalMLP:
    """No hidden layer: a linear map beside the seasonal naive forecast."""
    return SeasonalMLP(history, horizon, period, ())
