"""A series, and a part of it as examples: windows, each an input (the history) and a target (the horizon).

Parts are cut in time, never at random: neighbouring windows share most of their values, so a random split
would show the test part to the training part. Source: Tashman 2000 (forecasts from a rolling origin).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jaxtyping import Float64, Int64
from torch import Tensor, arange

from gradschool.data.series.calendar import Step
from gradschool.errors import UserError


@dataclass(frozen=True)
class Series:
    """Values at regular times.

    Args:
        name: what is measured.
        values: one for each time.
        times: rising, a step apart.
        step: between neighbours.
        period: steps in a season, >= 1.
        unit: of the values, for people; "" where nobody knows.
    """

    name: str
    values: Float64[Tensor, " t"]
    times: Sequence[datetime]
    step: Step
    period: int
    unit: str = ""

    def __len__(self) -> int:
        return len(self.values)

    def label(self, index: int) -> str:
        """The time of a value; behind the end, the time that it will have."""
        beyond = max(0, index - len(self) + 1)
        return self.step.label(self.step.after(self.times[index - beyond], beyond))

    def upto(self, end: int) -> "Series":
        """The first `end` values."""
        return replace(self, values=self.values[:end], times=self.times[:end])


@dataclass(frozen=True)
class Windows:
    """One part of a series as examples: all windows whose target lies in it.

    Args:
        series: all values that the part may see, its own and those before it.
        rows: each an input and the target behind it; cut from a series they are a view of its values.
        origins: index in `series` of the first value of each target.
        history: values of an input.
    """

    series: Series
    rows: Float64[Tensor, "n both"]
    origins: Int64[Tensor, " n"]
    history: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def inputs(self) -> Float64[Tensor, "n history"]:
        """What is known when the forecast is made."""
        return self.rows[:, : self.history]

    @property
    def targets(self) -> Float64[Tensor, "n horizon"]:
        """What is forecast."""
        return self.rows[:, self.history :]

    @property
    def names(self) -> Sequence[str]:
        """Each window by the time at which its target begins."""
        return [self.series.label(origin) for origin in self.origins.tolist()]

    def take(self, index: Int64[Tensor, " k"]) -> "Windows":
        """The windows at `index`, in that order."""
        return replace(self, rows=self.rows[index], origins=self.origins[index])

    def content(self) -> Sequence[bytes]:
        """The values of each window."""
        return [row.numpy().tobytes() for row in self.rows]


def windows(series: Series, first: int, end: int, history: int, horizon: int) -> Windows | None:
    """All windows whose target lies between two places of a series; None where none fits.

    Args:
        series: what they are cut from.
        first: index of the first value that may be forecast; inputs may lie before it.
        end: index behind the last.
        history: values of an input, >= 1.
        horizon: values of a target, >= 1.
    """
    # 1. The first target needs a whole input before it.
    origin = max(first, history)
    if end - origin < horizon:
        return None
    # 2. A view: neighbouring rows share all values but one.
    rows = series.values[origin - history : end].unfold(0, history + horizon, 1)
    return Windows(series.upto(end), rows, arange(origin, origin + len(rows)), history)


def cut_in_time(
    series: Series, history: int, horizon: int, val: float, test: float
) -> tuple[Windows, Windows | None, Windows]:
    """Training, validation and test part, one after the other in time.

    Args:
        series: all of it.
        history: values of an input, >= 1.
        horizon: values of a target, >= 1.
        val: share of what is not tested on, at its end, that is chosen by, 0 to below 1; 0: none.
        test: share of the series, at its end, that is tested on, above 0, below 1.

    Raises:
        UserError: a part is too short for a single window.
    """
    # 1. Where the parts end.
    total = len(series)
    trained = total - round(total * test)
    known = trained - round(trained * val)
    # 2. The target of a window lies in its own part; only the input may reach into the part before.
    train = windows(series, 0, known, history, horizon)
    held = windows(series, known, trained, history, horizon) if val else None
    tested = windows(series, trained, total, history, horizon)
    # 3. Each needs one window at least.
    if train is None:
        advice = "Use a smaller --set history=... or horizon=..., or a longer series."
        raise UserError(f"the training part has {known} values", f"{history + horizon} or more", advice)
    if held is None and val:
        raise too_short("val", trained - known, horizon)
    if tested is None:
        raise too_short("test", total - trained, horizon)
    return train, held, tested


def too_short(share: str, size: int, horizon: int) -> UserError:
    """The sentence about a part that is shorter than a forecast."""
    advice = f"Use a larger --set {share}=... or a smaller --set horizon=..."
    return UserError(f"the {share} part has {size} values", f"a horizon of {horizon} or more", advice)
