"""Sections of a forecaster's report: forecast and series, scores, error by step ahead, residuals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jaxtyping import Float64
from markupsafe import Markup
from torch import Tensor

from gradschool.data.series.series import Windows
from gradschool.evals.metric import metric_of
from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.series.compare import Comparison, verdict
from gradschool.evals.series.measures import MEASURES, NAIVE, NETWORK, RIDGE, ROWS

COLOURS = {NETWORK: charts.SERIES[0], NAIVE: charts.SERIES[1], RIDGE: charts.SERIES[2]}
DASHES = {NETWORK: "--", NAIVE: ":", RIDGE: "-."}
MEASURED = "measured"
PARTS = {"val": "validation", "test": "test"}
Line = tuple[Sequence[datetime], Sequence[float]]


@dataclass(frozen=True)
class SeriesFacts(Facts):
    """What is known of a forecaster's run beyond any run.

    Args:
        comparison: the forecasts of the test part; None of an unfinished run.
    """

    comparison: Comparison | None = None

    def on_top(self) -> list[Figure]:
        """The mean absolute error of each row, in the unit of the series."""
        if self.comparison is None or self.splits is None:
            return []
        unit, found = self.splits.test.series.unit, self.comparison.scores()
        return [
            Figure(f"{found[f'test_{before}mae']:.4g}", f"MAE, {row}", unit) for row, before in ROWS.items()
        ]


def forecast(m: Material[SeriesFacts]) -> Section | None:
    """The whole series with its parts, and the test part with the forecasts."""
    found, splits = m.facts.comparison, m.facts.splits
    if found is None or splits is None:
        return None
    # 1. Forecasts that follow each other without overlap, as long as a whole horizon fits.
    test: Windows = splits.test
    series, horizon = test.series, test.targets.shape[1]
    said = {row: end_to_end(test, values) for row, values in found.forecasts.items()}
    # 2. All of the series, with a line where each part begins; then the test part alone.
    later = {name: part for name, part in splits.parts.items() if name in PARTS}
    starts = {PARTS[name]: series.times[int(part.origins[0])] for name, part in later.items()}
    title = series.unit or series.name
    whole = {MEASURED: (series.times, series.values.tolist()), NETWORK: said[NETWORK]}
    first = int(test.origins[0])
    tested = {MEASURED: (series.times[first:], series.values[first:].tolist()), **said}
    drawn = [over_time(whole, title, starts), over_time(tested, f"{title}: the test part")]
    reading = (
        f"Each forecast covers {horizon} {series.step.name}s and starts where the one before it ends. The "
        "lines mark where the later parts begin; the network was trained on what comes before the first line."
    )
    return Section("Forecast", reading, html.charts(drawn))


def scores(m: Material[SeriesFacts]) -> Section | None:
    """Three rows, four measures, the best of each marked."""
    found, splits = m.facts.comparison, m.facts.splits
    if found is None or splits is None:
        return None
    # 1. A column a measure; the best of it is bold, with a mark.
    numbers = found.scores()
    columns = {
        each.name: {row: numbers[f"test_{before}{each.name}"] for row, before in ROWS.items()}
        for each in MEASURES
    }
    rows = [(row, *(marked(column, row) for column in columns.values())) for row in ROWS]
    known = [metric_of(m.result, f"test_{each.name}") for each in MEASURES]
    head = ("forecast", *(f"{each.title}, {each.unit}" if each.unit else each.title for each in known))
    # 2. What the columns mean, and what follows.
    words = "; ".join(f"{each.title}: {each.note}" for each in MEASURES)
    origins = f"{len(found.truth)} origins of the test part"
    body = html.join([html.table(head, rows, f"Errors over {origins}; ✓ is the best"),
                      html.paragraph(verdict(numbers)), html.paragraph(f"{words}.")])  # fmt: skip
    reading = (
        "Smaller is better. All three see the same inputs; the baselines are fitted in milliseconds. "
        f"The penalty of ridge regression is {found.penalty:g}."
    )
    return Section("Scores", reading, body)


def by_step(m: Material[SeriesFacts]) -> Section | None:
    """The mean absolute error at each step ahead."""
    found, splits = m.facts.comparison, m.facts.splits
    if found is None or splits is None:
        return None
    steps = [float(step) for step in range(1, found.truth.shape[1] + 1)]
    series = {
        row: (steps, (found.truth - values).abs().mean(0).tolist()) for row, values in found.forecasts.items()
    }
    step = splits.test.series.step.name
    drawn = charts.curves(series, "MAE", f"{step}s ahead")
    reading = (
        "Errors usually grow with the distance. The seasonal naive forecast repeats the last season at every "
        "distance, so its error hardly changes within a season."
    )
    return Section("Error by step ahead", reading, html.charts([drawn]))


def residuals(m: Material[SeriesFacts]) -> Section | None:
    """Measured minus forecast values: their mean, their spread, their course."""
    found, splits = m.facts.comparison, m.facts.splits
    if found is None or splits is None:
        return None
    # 1. Mean and spread of each row.
    wrong = {row: found.truth - values for row, values in found.forecasts.items()}
    rows = [(row, f"{each.mean():.4g}", f"{each.std(correction=0):.4g}") for row, each in wrong.items()]
    table = html.table(("forecast", "mean", "deviation"), rows, "Residuals: measured minus forecast")
    # 2. Their distribution, and how they follow each other.
    course = {row: end_to_end(splits.test, each) for row, each in wrong.items()}
    groups = {row: each.flatten().numpy() for row, each in wrong.items()}
    drawn = [over_time(course, "residual"), charts.histogram(groups, "residual", "residuals")]
    reading = (
        "A mean far from 0 is bias: above 0 the forecast is too low. Residuals that come in waves show a "
        "pattern that the forecast has missed."
    )
    return Section("Residuals", reading, html.join([table, html.charts(drawn)]))


def end_to_end(part: Windows, values: Float64[Tensor, "n horizon"]) -> Line:
    """Rows of windows that follow each other without overlap, as one line over time."""
    horizon = values.shape[1]
    rows = range(0, len(part), horizon)
    places = [int(part.origins[row]) + step for row in rows for step in range(horizon)]
    return [part.series.times[place] for place in places], values[::horizon].flatten().tolist()


def marked(column: Mapping[str, float], row: str) -> Markup:
    """A number of a column; the smallest with a mark."""
    shown = f"{column[row]:.3g}" if column[row] < 100 else f"{column[row]:,.0f}"
    if column[row] > min(column.values()):
        return Markup("{}").format(shown)
    return Markup('<b class="good">✓ {}</b>').format(shown)


def over_time(lines: Mapping[str, Line], title: str, starts: Mapping[str, datetime] | None = None) -> Markup:
    """Lines over dates, measured values in ink, and a named line where each later part begins."""
    with charts.style():
        from matplotlib import dates

        figure, ax = charts.panel(4.8, 3.0)
        for name, (times, values) in lines.items():
            colour, dash = COLOURS.get(name, charts.INK), DASHES.get(name, "-")
            ax.plot(days(times), values, dash, color=colour, label=name, linewidth=1.4)
        ends = ax.get_xlim()
        for name, time in (starts or {}).items():
            (day,) = days([time])
            beside = day + 0.01 * (ends[1] - ends[0])
            ax.axvline(day, color=charts.INK, linewidth=0.8, alpha=0.6)
            ax.text(beside, 1, name, transform=ax.get_xaxis_transform(), va="top", fontsize=9)
        locator = dates.AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        ax.set(title=title)
        figure.legend(
            loc="outside lower center", ncols=len(lines), fontsize=9, handlelength=1.6, columnspacing=1
        )
        told = "; ".join(
            f"{name} from {values[0]:.4g} to {values[-1]:.4g}" for name, (_, values) in lines.items()
        )
        return charts.svg(figure, f"{title} over time: {told}")


def days(times: Sequence[datetime]) -> list[float]:
    """Days since 1970, which is how matplotlib counts dates."""
    return [(time - datetime(1970, 1, 1)).total_seconds() / 86400 for time in times]
