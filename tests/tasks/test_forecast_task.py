"""The forecasting task's numbers against scikit-learn's, whatever the batches."""

import pytest
import torch
from sklearn.metrics import mean_absolute_error, mean_squared_error
from torch import nn

from gradschool.tasks.forecast import Forecast


@pytest.mark.parametrize("size", [1, 4, 10])
def test_scores_are_means_over_windows_and_steps(size):
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(10, 24, generator=g), torch.randn(10, 12, generator=g)
    model = nn.Linear(24, 12)
    task = Forecast(model, lambda scaled: (2 * scaled.double() + 1).exp(), "test")
    batches = ((x[i : i + size], y[i : i + size]) for i in range(0, 10, size))
    with torch.inference_mode():
        found, said = task.evaluate(batches), model(x)
    assert found["test_loss"] == pytest.approx(mean_squared_error(y, said), rel=1e-5)  # float32 sums
    real = [(2 * each.double() + 1).exp() for each in (y, said)]
    assert found["test_mae"] == pytest.approx(mean_absolute_error(*real), rel=1e-5)


def test_the_loss_is_the_squared_error():
    x, y = torch.randn(3, 24), torch.randn(3, 12)
    task = Forecast(nn.Linear(24, 12), lambda scaled: scaled)
    said = task.parts["model"](x)
    torch.testing.assert_close(task.loss((x, y))["loss"], nn.functional.mse_loss(said, y))
    stepped = task.step((x, y), lambda part, batch, loss_of: {"part": part, **loss_of(batch)})
    assert stepped["part"] == "model" and stepped["loss"] == task.loss((x, y))["loss"]
