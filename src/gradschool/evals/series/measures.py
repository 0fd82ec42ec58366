"""How wrong forecasts are, in four numbers: MAE, RMSE, MASE and sMAPE, all on the original scale.

Source: Hyndman and Koehler 2006, who say which of them can be compared between series (MASE, sMAPE).
"""

from dataclasses import replace

from jaxtyping import Float64
from torch import Tensor

from gradschool.evals.metric import Metric
from gradschool.ops.forecast import scaled_error, symmetric_error
from gradschool.ops.loss import l1_loss, mse_loss

MEASURES = (
    Metric("mae", "MAE", note="mean absolute error"),
    Metric("rmse", "RMSE", note="root mean squared error"),
    Metric("mase", "MASE", note="MAE divided by that of the seasonal naive forecast on the training part"),
    Metric("smape", "sMAPE", "%", note="symmetric mean absolute percentage error"),
)
NETWORK, NAIVE, RIDGE = "network", "seasonal naive", "ridge regression"
ROWS = {NETWORK: "", NAIVE: "naive_", RIDGE: "ridge_"}  # what stands before a measure's name


def measured(
    forecast: Float64[Tensor, "n horizon"], truth: Float64[Tensor, "n horizon"], scale: Float64[Tensor, ""]
) -> dict[str, float]:
    """All four measures, by name.

    Args:
        forecast: of windows, in the unit of the series.
        truth: what was measured.
        scale: mean absolute error of the seasonal naive forecast on the training part, above 0.
    """
    found = {
        "mae": l1_loss(forecast, truth),
        "rmse": mse_loss(forecast, truth).sqrt(),
        "mase": scaled_error(forecast, truth, scale),
        "smape": symmetric_error(forecast, truth),
    }
    return {name: value.item() for name, value in found.items()}


def metrics(unit: str = "") -> tuple[Metric, ...]:
    """What every number of a forecaster's run means.

    Args:
        unit: of the series, which MAE and RMSE have as well.
    """
    # 1. The four measures in their units, of the network.
    four = [replace(each, unit=unit) if each.name in ("mae", "rmse") else each for each in MEASURES]
    # 2. The same of the baselines.
    beside = [
        replace(each, name=f"{ROWS[row]}{each.name}", title=f"{each.title} of {row}")
        for row in (NAIVE, RIDGE) for each in four
    ]  # fmt: skip
    return (*four, *beside, Metric("loss", "loss", note="squared error of scaled values"))
