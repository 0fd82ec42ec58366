"""What a run costs, and what the command says of it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.cli.main import main
from gradschool.cli.practice.plan import size
from gradschool.ops.practice.cost import break_even_hours, energy_kwh, rent
from gradschool.practice.plan.pace import Pace


def test_energy_and_rent_are_products():
    assert energy_kwh(1000.0, 3600.0) == 1.0 and energy_kwh(250.0, 7200.0) == 0.5
    assert rent(2.5, 7200.0) == 5.0


def test_a_machine_pays_when_its_price_is_saved():
    # 2,000 for a machine; an hour saves 1.20 of rent less 0.5 kWh at 0.40.
    assert break_even_hours(2000.0, 1.2, 500.0, 0.4) == pytest.approx(2000)
    assert break_even_hours(2000.0, 0.2, 500.0, 0.4) == math.inf  # energy alone costs as much
    assert break_even_hours(0.0, 1.0) == 0.0


@given(st.floats(1, 1e5), st.floats(0.1, 50), st.floats(0, 2000), st.floats(0, 1))
def test_at_the_break_even_both_cost_the_same(buy, price, watts, kwh):
    hours = break_even_hours(buy, price, watts, kwh)
    if math.isfinite(hours):
        ours = buy + energy_kwh(watts, 3600 * hours) * kwh
        assert ours == pytest.approx(rent(price, 3600 * hours), rel=1e-6)
    else:
        assert energy_kwh(watts, 3600.0) * kwh >= price


def test_a_run_takes_its_steps_and_its_evaluations():
    assert Pace(0.5, 12, 100, 64, 2.0, 3).seconds == 56.0


def test_sizes_are_told_in_units_that_fit():
    assert size(12_345_678) == "12.3 MB" and size(2.5e9) == "2.50 GB"


def call(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_a_plan_has_memory_time_and_money(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prices = ["--price", "2", "--buy", "3000", "--watts", "400", "--kwh", "0.3"]
    words = ["plan", "names_mlp", "--steps", "30", *prices, "--json"]
    code, out, err = call(capsys, *words)
    assert code == 0, err
    told = json.loads(out.splitlines()[-1])
    parts = {name: value for name, value in told["memory"].items() if name != "peak"}
    assert told["memory"]["peak"] == sum(parts.values()) > 0 and told["fits"]
    assert told["seconds"] >= told["steps"] * told["step_seconds"] > 0
    assert told["rent"] == pytest.approx(2 * told["seconds"] / 3600)
    assert told["energy"] == pytest.approx(0.3 * told["kwh"])
    assert told["break_even_hours"] == pytest.approx(3000 / (2 - 0.4 * 0.3))
    assert {"accumulate=2", "recompute=true"} <= {each["set"] for each in told["rungs"]}
    assert "pays from 1,596 hours of training on" in out and list(tmp_path.iterdir()) == []


def test_missing_prices_are_named_and_what_does_not_fit_gets_a_rung(capsys):
    words = ["plan", "names_mlp", "--memory", "0.001", "--no-timed", "--set", "batch_size=4096"]
    code, out, _ = call(capsys, *words)
    assert code == 0 and "which does not fit into 1.0 MB" in out and " to fit   " in out
    code, out, _ = call(capsys, "plan", "names_mlp", "--steps", "10", "--price", "1")
    shown = " ".join(out.split())
    assert code == 0 and "rent" in shown and "break-even add --buy, --watts, --kwh" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--price", "-1"], "price is -1; wanted: a number >= 0"),
        (["--memory", "0"], "memory is 0; wanted: a number above 0"),
        (["--steps", "0"], "steps is 0"),
        (["--watts", "nan"], "watts is nan"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(capsys, words, said):
    code, _, err = call(capsys, "plan", "digits", *words)
    assert code == 2 and said in err


def test_a_run_that_trains_itself_has_no_plan(capsys):
    code, _, err = call(capsys, "plan", "perceptron")
    assert code == 2 and "trains itself" in err
