"""Baselines and measures against scikit-learn and the airline series' own numbers."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from gradschool.data.examples import Splits
from gradschool.data.series.open import open_series
from gradschool.data.series.scaling import Scaling
from gradschool.data.series.series import cut_in_time
from gradschool.errors import UserError
from gradschool.evals.series.answers import Forecast, csv_files
from gradschool.evals.series.compare import PENALTIES, USUAL, compare, forecast, verdict
from gradschool.evals.series.measures import MEASURES, NAIVE, NETWORK, RIDGE, ROWS, measured, metrics
from gradschool.models.series.seasonal_mlp import seasonal_linear

VALUES = open_series("airline").series.values.numpy()


def airline(val=0.2):
    splits = Splits("airline", *cut_in_time(open_series("airline").series, 24, 12, val, 1 / 6))
    return splits, Scaling.learn(splits.train, log=True)


def by_hand(first, end):
    """Pasts and futures of all windows whose future lies in [first, end)."""
    origins = range(max(first, 24), end - 11)
    return np.array([VALUES[o - 24 : o] for o in origins]), np.array([VALUES[o : o + 12] for o in origins])


def test_the_baselines_are_what_numpy_and_scikit_learn_say():
    splits, scaling = airline()
    found = compare(seasonal_linear(24, 12, 12), splits, scaling)
    # 1. The naive forecast: the last twelve months; a fresh network says the same.
    (x, y), (x_val, y_val), (x_test, y_test) = by_hand(0, 96), by_hand(96, 120), by_hand(120, 144)
    np.testing.assert_allclose(found.truth, y_test)
    np.testing.assert_allclose(found.forecasts[NAIVE], x_test[:, 12:])
    np.testing.assert_allclose(found.forecasts[NETWORK], x_test[:, 12:], rtol=1e-6)  # through float32
    # 2. Ridge regression of the scaled logarithms, its penalty chosen on the validation part.
    log = np.log(VALUES[:96])
    into, back = (
        (lambda v: (np.log(v) - log.mean()) / log.std()),
        (lambda z: np.exp(z * log.std() + log.mean())),
    )
    peers = {p: Ridge(p, solver="svd").fit(into(x), into(y)) for p in PENALTIES}
    errors = {p: mean_absolute_error(y_val, back(peer.predict(into(x_val)))) for p, peer in peers.items()}
    assert found.penalty == min(errors, key=errors.get)
    wanted = back(peers[found.penalty].predict(into(x_test)))
    np.testing.assert_allclose(found.forecasts[RIDGE], wanted, rtol=1e-6)  # two ways to solve, small penalty
    # 3. All scores.
    scores = found.scores()
    scale = np.abs(VALUES[12:96] - VALUES[:84]).mean()
    for row, said in ((NAIVE, x_test[:, 12:]), (RIDGE, wanted)):
        name = f"test_{ROWS[row]}"
        assert scores[f"{name}mae"] == pytest.approx(mean_absolute_error(y_test, said), rel=1e-6)
        assert scores[f"{name}mase"] == pytest.approx(mean_absolute_error(y_test, said) / scale, rel=1e-6)
        wanted_rmse = root_mean_squared_error(y_test.ravel(), said.ravel())
        assert scores[f"{name}rmse"] == pytest.approx(wanted_rmse, rel=1e-6)
    assert len(scores) == 12 and scores["test_mae"] == pytest.approx(scores["test_naive_mae"], rel=1e-6)


def test_without_a_validation_part_the_penalty_is_the_usual_one():
    splits, scaling = airline(val=0.0)
    assert splits.val is None and compare(seasonal_linear(24, 12, 12), splits, scaling).penalty == USUAL


def test_what_is_fitted_does_not_depend_on_the_test_part():
    splits, scaling = airline()
    before = compare(seasonal_linear(24, 12, 12), splits, scaling)
    splits.test.series.values[132:] *= 3  # the windows are views of it
    after = compare(seasonal_linear(24, 12, 12), splits, scaling)
    assert after.penalty == before.penalty and after.scale == before.scale
    # The input of the first window ends in 1958.
    torch.testing.assert_close(after.forecasts[RIDGE][0], before.forecasts[RIDGE][0])


def test_a_perfect_forecast_has_no_error():
    truth = torch.rand(3, 12, dtype=torch.float64)
    found = measured(truth, truth, torch.tensor(2.0, dtype=torch.float64))
    assert found == {each.name: 0.0 for each in MEASURES}


def test_the_model_has_its_mode_back():
    splits, scaling = airline()
    model = seasonal_linear(24, 12, 12).train()
    assert forecast(model, splits.test, scaling).dtype == torch.float64 and model.training


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        ((10, 40, 20), "The network is better: its MAE is 50 % lower than that of ridge regression."),
        (
            (10, 20, 40),
            "The network is better: its MAE is 50 % lower than that of the seasonal naive forecast.",
        ),
        ((20, 40, 10), "Ridge regression is better: its MAE is 50 % lower than that of the network."),
        ((20, 15, 40), "Seasonal naive is better: its MAE is 25 % lower than that of the network."),
        ((20, 20, 40), "The network is as good as seasonal naive: the MAE is the same."),
        ((0, 0, 0), "The network is as good as seasonal naive: the MAE is the same."),
    ],
)
def test_the_verdict_says_plainly_who_is_better(errors, sentence):
    names = ("test_mae", "test_naive_mae", "test_ridge_mae")
    assert verdict(dict(zip(names, errors, strict=True))) == sentence


def test_metrics_have_unit_and_direction():
    known = {each.name: each for each in metrics("cars")}
    assert len(known) == 13 and all(each.better == "lower" for each in known.values())
    assert known["mae"].shown(12.345) == "12.35 cars" and known["ridge_rmse"].unit == "cars"
    assert known["smape"].shown(2.5) == "2.5 %" and known["naive_mase"].unit == ""
    assert known["naive_mae"].title == "MAE of seasonal naive"


def test_files_and_answers(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).touch()
    assert csv_files([tmp_path, tmp_path / "c.txt", tmp_path / "a.csv"]) == [
        tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "c.txt",
    ]  # fmt: skip
    with pytest.raises(UserError, match="nowhere does not exist; wanted: a CSV file"):
        csv_files([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no CSV file in .*empty"):
        csv_files([tmp_path / "empty"])
    row = Forecast(tmp_path / "a.csv", "1961-01", 1234.5, "cars", is_alone=False)
    assert row.line() == f"{tmp_path / 'a.csv'}  1961-01  1,234 cars" and row.facts()["value"] == 1234.5
    assert Forecast(tmp_path, "1961-01", 0.12345).line() == "1961-01  0.1235"
