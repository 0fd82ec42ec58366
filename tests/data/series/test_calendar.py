"""Dates and steps against pandas-free arithmetic of datetime, and against NumPy's calendar."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.data.series.calendar import Step, read_date, regular
from gradschool.errors import UserError


def months(first: str, count: int) -> list[datetime]:
    """By NumPy's calendar."""
    rising = np.datetime64(first, "M") + np.arange(count)
    return [each.item() for each in rising.astype("datetime64[s]")]


@given(st.integers(1, 40), st.integers(2, 60), st.integers(1900, 2100), st.integers(1, 12))
def test_months_are_found_and_continued(months_a_step, count, year, month):
    times = months(f"{year}-{month:02d}", count * months_a_step)[::months_a_step]
    step, found = regular(times, "a file")
    assert step == Step(months=months_a_step) and found == times
    assert step.after(times[0], count - 1) == times[-1] and step.after(times[-1], 1 - count) == times[0]
    assert step.label(times[0]) == f"{year}-{month:02d}"


@given(st.integers(1, 10**6), st.integers(2, 60))
def test_a_fixed_step_is_found_and_continued(seconds, count):
    times = [datetime(2000, 1, 31, 7, 1, 2) + i * timedelta(seconds=seconds) for i in range(count)]
    step, found = regular(times, "a file")
    assert step == Step(seconds=seconds) and found == times and step.after(times[0], count - 1) == times[-1]


def test_ends_of_months_are_months():
    times = [time - timedelta(days=1) for time in months("1949-02", 30)]
    step, found = regular(times, "a file")
    assert step == Step(months=1) and found == months("1949-01", 30)


@pytest.mark.parametrize(
    ("step", "name", "season"),
    [
        (Step(months=1), "month", 12), (Step(months=3), "quarter", 4), (Step(months=12), "year", 1),
        (Step(seconds=7 * 86400), "week", 52), (Step(seconds=86400), "day", 7),
        (Step(seconds=3600), "hour", 24), (Step(seconds=900), "900 seconds", 96),
        (Step(months=5), "5 months", 1),
    ],
)  # fmt: skip
def test_steps_have_names_and_seasons(step, name, season):
    assert (step.name, step.season) == (name, season)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1949-01", datetime(1949, 1, 1)), (" 1949-01-31 ", datetime(1949, 1, 31)),
        ("2016-07-01 05:30:00", datetime(2016, 7, 1, 5, 30)),
        ("2016-07-01T05:30:00+02:00", datetime(2016, 7, 1, 3, 30)),
        ("1949-13", None), ("1949", None), ("Jan 1949", None), ("", None), ("112", None),
    ],
)  # fmt: skip
def test_dates_are_iso_or_a_month(text, time):
    assert read_date(text) == time


def test_gaps_and_doubles_are_sentences():
    times = months("1949-01", 12)
    with pytest.raises(UserError, match="no value between 1949-03 and 1949-05; wanted: one for every month"):
        regular(times[:3] + times[4:], "a file")
    with pytest.raises(UserError, match="a file has 1949-03-01 00:00 twice"):
        regular(sorted([*times, times[2]]), "a file")
    with pytest.raises(UserError, match="a file has 1 dated values; wanted: two or more"):
        regular(times[:1], "a file")
    days = [datetime(2020, 1, 3), datetime(2020, 1, 6), datetime(2020, 1, 7)]
    with pytest.raises(
        UserError, match="no value between 2020-01-03 and 2020-01-06; wanted: one for every day"
    ):
        regular(days, "a file")
