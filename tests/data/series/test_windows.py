"""Parts that follow each other in time: no part sees a later value, and windows are views."""

from datetime import datetime

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from gradschool.data.examples import Examples, Splits, changes, inventory
from gradschool.data.series.calendar import Step
from gradschool.data.series.scaling import Scaling, check_logarithm
from gradschool.data.series.series import Series, cut_in_time, windows
from gradschool.errors import UserError


def counting(length, period=12):
    """The value of a month is its index, so that a window says itself what it sees."""
    step, first = Step(months=1), datetime(1949, 1, 1)
    values = torch.arange(length, dtype=torch.float64)
    return Series("index", values, [step.after(first, i) for i in range(length)], step, period)


cuts = st.tuples(
    st.integers(10, 200), st.integers(1, 30), st.integers(1, 20), st.floats(0, 0.5), st.floats(0.05, 0.5)
)


@given(cuts)
def test_no_part_sees_a_later_one(cut):
    length, history, horizon, val, test = cut
    series = counting(length)
    try:
        train, held, tested = cut_in_time(series, history, horizon, val, test)
    except UserError:
        assume(False)
    # 1. Every window is consecutive months, past and future.
    for part in filter(None, (train, held, tested)):
        assert (part.rows.diff(dim=1) == 1).all() and part.rows.shape[1] == history + horizon
        assert torch.equal(part.origins.double(), part.targets[:, 0])
    # 2. The futures of the parts follow each other; the training part sees nothing of later parts at all.
    starts = [part.targets.min() for part in filter(None, (held, tested))]
    assert train.rows.max() < starts[0] and float(train.series.values[-1]) < starts[0]
    assert held is None or held.rows.max() < tested.targets.min()
    # 3. Every value behind the training part is forecast; the last window ends where the series does.
    assert tested.targets.max() == length - 1
    assert set(tested.targets.unique().tolist()) == set(range(int(tested.targets.min()), length))


@given(cuts)
def test_windows_are_as_many_as_fit(cut):
    length, history, horizon, val, test = cut
    tested = round(length * test)
    chosen = round((length - tested) * val)
    trained = length - tested - chosen
    counts = [trained - history - horizon + 1, chosen - horizon + 1, tested - horizon + 1]
    needed = counts if val else [counts[0], counts[2]]
    if min(needed) < 1:
        with pytest.raises(UserError, match=r"part has \d+ values; wanted: "):
            cut_in_time(counting(length), history, horizon, val, test)
    else:
        parts = cut_in_time(counting(length), history, horizon, val, test)
        assert [len(part) for part in parts if part is not None] == needed


def test_windows_are_a_view_of_the_values_as_numpy_cuts_them():
    series = counting(60)
    part = windows(series, 0, 50, 24, 12)
    assert part.rows.data_ptr() == series.values.data_ptr() and part.rows.stride() == (1, 1)
    np.testing.assert_array_equal(
        part.rows, np.lib.stride_tricks.sliding_window_view(series.values.numpy()[:50], 36)
    )
    assert windows(series, 50, 61, 24, 12) is None


def test_a_part_is_examples_with_names_and_content():
    train, held, tested = cut_in_time(counting(144), 24, 12, 0.2, 1 / 6)
    assert isinstance(train, Examples)
    assert (train.names[0], held.names[0], tested.names[0]) == ("1951-01", "1957-01", "1959-01")
    some = tested.take(torch.tensor([3, 0]))
    assert some.names == ["1959-04", "1959-01"] and torch.equal(some.inputs[1], tested.inputs[0])
    before = inventory(Splits("index", train, held, tested))
    series = counting(144)
    series.values[-1] = 0
    now = inventory(Splits("index", *cut_in_time(series, 24, 12, 0.2, 1 / 6)))
    assert changes(before, now) == [
        "The test part is not what the run had: 1 other content (first: 1960-01)."
    ]


def test_labels_go_on_behind_the_end():
    series = counting(24)
    assert [series.label(i) for i in (0, 23, 24, 36)] == ["1949-01", "1950-12", "1951-01", "1952-01"]


@given(st.booleans(), st.integers(0, 99))
def test_scaling_is_learnt_from_the_training_part_and_undone(log, seed):
    random = np.random.default_rng(seed)
    values = random.uniform(1, 100, 80)
    series = Series("x", torch.from_numpy(values), counting(80).times, Step(months=1), 12)
    train, _, tested = cut_in_time(series, 12, 6, 0.0, 0.25)
    scaling = Scaling.learn(train, log)
    known = np.log(values[:60]) if log else values[:60]
    np.testing.assert_allclose((scaling.mean, scaling.deviation), (known.mean(), known.std()), rtol=1e-12)
    np.testing.assert_allclose(scaling.back(scaling.scaled(tested.rows)), tested.rows, rtol=1e-12)
    x, y = scaling.columns(tested)
    assert x.shape == (len(tested), 12) and y.shape == (len(tested), 6) and x.dtype == torch.float32


def test_a_flat_series_is_not_divided_by_zero():
    series = counting(40)
    series.values[:] = 3.0
    train, _, _ = cut_in_time(series, 12, 6, 0.0, 0.25)
    assert Scaling.learn(train, log=False).scaled(train.rows).abs().max() == 0


def test_what_has_no_logarithm_is_a_sentence():
    series = counting(40)
    with pytest.raises(UserError, match=r"index is 0 at 1949-01, which has no logarithm.*log=false"):
        check_logarithm(series)
    series.values[0] = 1
    check_logarithm(series)
