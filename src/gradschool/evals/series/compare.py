"""A network's forecasts beside those of two baselines: the seasonal naive one, and ridge regression.

All three forecast from every origin of the test part (a rolling origin) and see the same inputs; they learn
from the training part and choose by the validation part. Source: Tashman 2000.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor, nn

from gradschool.data.examples import Splits
from gradschool.data.series.scaling import Scaling
from gradschool.data.series.series import Windows
from gradschool.evals.inference import device_of, evaluating
from gradschool.evals.series.measures import NAIVE, NETWORK, RIDGE, ROWS, measured
from gradschool.ops.forecast import ridge, seasonal_error, seasonal_naive
from gradschool.ops.linear import linear
from gradschool.ops.loss import l1_loss

PENALTIES = tuple(10.0**power for power in range(-4, 4))
USUAL = 1.0  # the penalty where there is no validation part to choose it by

Targets = Float64[Tensor, "n horizon"]


@dataclass(frozen=True)
class Comparison:
    """The targets of the test part, and what each way of forecasting said.

    Args:
        truth: the targets, in the unit of the series.
        forecasts: of the network and of the baselines, by name.
        scale: of MASE.
        penalty: that ridge regression was given.
    """

    truth: Targets
    forecasts: Mapping[str, Targets]
    scale: Float64[Tensor, ""]
    penalty: float

    def scores(self) -> dict[str, float]:
        """All measures of all rows, by their names in result.json."""
        return {
            f"test_{ROWS[row]}{name}": value
            for row, forecast in self.forecasts.items()
            for name, value in measured(forecast, self.truth, self.scale).items()
        }


def compare(model: nn.Module, splits: Splits[Windows], scaling: Scaling) -> Comparison:
    """Forecast the test part in three ways."""
    train, test = splits.train, splits.test
    period, horizon = train.series.period, test.targets.shape[1]
    linear_map, penalty = fitted(splits, scaling)
    found = {
        NETWORK: forecast(model, test, scaling),
        NAIVE: seasonal_naive(test.inputs, period, horizon),
        RIDGE: by_ridge(linear_map, test, scaling),
    }
    return Comparison(test.targets, found, seasonal_error(train.series.values, period), penalty)


def forecast(model: nn.Module, part: Windows, scaling: Scaling) -> Targets:
    """A network's forecast of each window, in the unit of the series."""
    inputs, _ = scaling.columns(part)
    with evaluating(model), torch.inference_mode():
        return scaling.back(model(inputs.to(device_of(model))).cpu())


def fitted(splits: Splits[Windows], scaling: Scaling) -> tuple[tuple[Tensor, Tensor], float]:
    """Ridge regression from the scaled inputs to the scaled targets of the training part, and its penalty.

    The penalty is the power of ten with the smallest absolute error on the validation part, 1 without one.
    """
    x, y = scaling.scaled(splits.train.inputs), scaling.scaled(splits.train.targets)
    val = splits.val
    if val is None:
        return ridge(x, y, USUAL), USUAL
    maps = {penalty: ridge(x, y, penalty) for penalty in PENALTIES}
    errors = {
        each: l1_loss(by_ridge(found, val, scaling), val.targets).item() for each, found in maps.items()
    }
    best = min(errors, key=lambda each: errors[each])
    return maps[best], best


def by_ridge(linear_map: tuple[Tensor, Tensor], part: Windows, scaling: Scaling) -> Targets:
    """A linear map's forecast of each window, in the unit of the series."""
    return scaling.back(linear(scaling.scaled(part.inputs), *linear_map))


def verdict(scores: Mapping[str, float]) -> str:
    """Which forecast is best, in a sentence: that of the network, or that of a baseline.

    Args:
        scores: of a result.
    """
    # 1. The row with the smallest error, and the one to compare it with.
    errors = {row: scores[f"test_{before}mae"] for row, before in ROWS.items()}
    best = min(errors, key=lambda row: errors[row])
    rest = {row: error for row, error in errors.items() if row != best}
    other = NETWORK if best != NETWORK else min(rest, key=lambda row: rest[row])
    # 2. How far apart they are, if at all.
    gain = 1 - errors[best] / errors[other] if errors[other] else 0.0
    if gain == 0:
        return f"The {NETWORK} is as good as {other if best == NETWORK else best}: the MAE is the same."
    told = f"{best} is better: its MAE is {100 * gain:.0f} % lower than that of {the(other)}."
    return f"The {told}" if best == NETWORK else f"{told[0].upper()}{told[1:]}"


def the(row: str) -> str:
    """A row's name within a sentence."""
    return f"the {row} forecast" if row == NAIVE else f"the {row}" if row == NETWORK else row
