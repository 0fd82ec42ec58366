"""The series that every textbook forecasts: two years of months in, the next year out."""

from gradschool.models.series.seasonal_mlp import seasonal_mlp
from gradschool.runs.series.run import ForecastRun


def airline() -> ForecastRun:
    """Monthly airline passengers a year ahead: MAE 16.7 thousand (seasonal naive 51.5, ridge 10.8) in 8 s."""
    return ForecastRun(
        data="airline",
        model=seasonal_mlp,
        val=0.2,  # of ten years: 1957 and 1958
        test=1 / 6,  # 1959 and 1960
        epochs=150,
        batch_size=16,
        learning_rate=1e-2,
        keep="best",
        ema=0.97,  # a steadier score to choose by
        evaluations=50,
    )
