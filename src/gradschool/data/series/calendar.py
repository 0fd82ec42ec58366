"""Dates of a series: read from text, checked to come at equal distances, continued into the future.

Months differ in length, so a step is a number of whole months or a fixed time. Texts are dates of ISO 8601
or a year and a month (1949-01). Deviation: no calendars of working days.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from gradschool.errors import UserError

MONTH = re.compile(r"\d{4}-\d{2}")
DAY = 24 * 3600
NAMES = {(1, 0): "month", (3, 0): "quarter", (12, 0): "year",
         (0, 7 * DAY): "week", (0, DAY): "day", (0, 3600): "hour", (0, 60): "minute"}  # fmt: skip
SEASONS = {(0, 7 * DAY): 52, (0, DAY): 7}  # a year of weeks, a week of days


@dataclass(frozen=True)
class Step:
    """The distance from one value to the next; one of the two is 0.

    Args:
        months: whole months.
        seconds: a fixed time.
    """

    months: int = 0
    seconds: int = 0

    @property
    def name(self) -> str:
        """What one step is called: "month", "day", "900 seconds" ..."""
        other = f"{self.months} months" if self.months else f"{self.seconds} seconds"
        return NAMES.get((self.months, self.seconds), other)

    @property
    def season(self) -> int:
        """Steps in the usual season: a year, of days a week, of shorter steps a day; 1 where none fits."""
        length, step = (12, self.months) if self.months else (DAY, self.seconds)
        usual = length // step if length % step == 0 else 1
        return SEASONS.get((self.months, self.seconds), usual)

    def after(self, time: datetime, count: int) -> datetime:
        """The time so many steps later."""
        if not self.months:
            return time + count * timedelta(seconds=self.seconds)
        years, month = divmod(12 * time.year + time.month - 1 + count * self.months, 12)
        return time.replace(year=years, month=month + 1)

    def label(self, time: datetime) -> str:
        """A time as people write it in a series of this step."""
        if self.months:
            return f"{time:%Y-%m}"
        return f"{time:%Y-%m-%d}" if self.seconds % DAY == 0 else f"{time:%Y-%m-%d %H:%M}"


def read_date(text: str) -> datetime | None:
    """The time that a text names, in UTC where it names a zone; None where it is no date."""
    text = text.strip()
    try:
        found = datetime.fromisoformat(f"{text}-01" if MONTH.fullmatch(text) else text)
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def regular(times: Sequence[datetime], where: str) -> tuple[Step, list[datetime]]:
    """The step between rising times, and the times; those of months are put on the first of the month.

    Args:
        times: two or more, in order.
        where: they were read, for sentences.

    Raises:
        UserError: there are too few, a time comes twice, or one is missing.
    """
    if len(times) < 2:
        raise UserError(f"{where} has {len(times)} dated values", "two or more", "Check the file.")
    for a, b in pairwise(times):
        if a == b:
            raise UserError(f"{where} has {a:%Y-%m-%d %H:%M} twice", "one value for each", "Leave one out.")
    # 1. Whole months, if all times are on the same day of a month, or all on the last, at the same hour.
    is_daily = len({time.time() for time in times}) == 1
    is_last = all((time + timedelta(days=1)).day == 1 for time in times)
    is_monthly = is_daily and (is_last or len({time.day for time in times}) == 1)
    found = [time.replace(day=1) for time in times] if is_monthly else list(times)
    # 2. The smallest distance is the step.
    distances = [between(a, b, is_monthly) for a, b in pairwise(found)]
    smallest = min(distances)
    step = Step(months=smallest) if is_monthly else Step(seconds=smallest)
    # 3. All others must be equal to it.
    for (a, b), distance in zip(pairwise(found), distances, strict=True):
        if distance != smallest:
            advice = "Fill the gap, for example with the mean of its neighbours, or cut the file there."
            gap = f"{where} has no value between {step.label(a)} and {step.label(b)}"
            raise UserError(gap, f"one for every {step.name}", advice)
    return step, found


def between(a: datetime, b: datetime, in_months: bool) -> int:
    """The distance of two times, in months or in seconds."""
    if in_months:
        return 12 * (b.year - a.year) + b.month - a.month
    return round((b - a).total_seconds())
