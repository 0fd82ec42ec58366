"""The airline passengers of Box and Jenkins: two years of months in, the next year out."""

from gradschool.models.series.seasonal_mlp import seasonal_mlp
from gradschool.runs.series.run import ForecastRun


def airline() -> ForecastRun:
    """MLP forecast of airline passengers, a year ahead (8 s, MAE 16.7 k; seasonal naive 51.5, ridge 10.8)."""
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
