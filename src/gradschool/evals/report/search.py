"""Sections of a report about a search for settings: its course, which settings matter, slices, all trials."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gradschool.evals.report import charts, html
from gradschool.evals.report.html import Bar, Section
from gradschool.evals.report.material import Facts, Figure, Material
from gradschool.evals.report.numbers import duration
from gradschool.phrases import as_called, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLICES = 12  # settings that get a chart
GOOD = 0.25  # share of the trials that is drawn strongly in the parallel coordinates


@dataclass(frozen=True)
class Tried:
    """One trial as the report shows it; score and seconds are None where there are none."""

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any]
    seconds: float | None
    why: str
    folder: str


@dataclass(frozen=True)
class Axis:
    """One setting that was searched: its name, its values if it is a list, and whether its scale is log."""

    name: str
    choices: Sequence[str] = ()
    log: bool = False

    def place(self, value: Any) -> float:
        """Where a value is on the axis."""
        return float(self.choices.index(str(value))) if self.choices else float(value)


@dataclass(frozen=True)
class SearchFacts(Facts):
    """What is shown of a search.

    Args:
        trials: all of them by number.
        axes: the settings that were searched.
        score: title of what is optimised.
        shown: a score as people write it.
        higher_is_better: its direction.
        best: the best trial; None where none went to its end.
        test: the best trial's test score for people; "" for none.
        progress: (trials, best score so far).
        importance: share of the score's variance that each setting explains.
        asked: what the search was started with.
        command: what trains the best trial again.
    """

    trials: Sequence[Tried] = ()
    axes: Sequence[Axis] = ()
    score: str = "score"
    shown: Callable[[float], str] = str
    higher_is_better: bool = True
    best: Tried | None = None
    test: str = ""
    progress: Sequence[tuple[int, float]] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""

    def ended(self, state: str = "done") -> list[Tried]:
        """The trials that ended so and have a score."""
        return [each for each in self.trials if each.state == state and each.value is not None]

    def on_top(self) -> list[Figure]:
        """The best score, its test score, and how many trials there were."""
        figures = []
        if self.best is not None and self.best.value is not None:
            note = f"of trial {self.best.number}, on the validation part"
            figures.append(Figure(self.shown(self.best.value), f"best {self.score}", note))
        if self.test:
            figures.append(Figure(self.test, f"test {self.score}", "of the best trial alone"))
        counts = [(state, sum(each.state == state for each in self.trials)) for state in ("pruned", "failed")]
        note = ", ".join(f"{count} {state}" for state, count in counts if count)
        figures.append(Figure(str(len(self.trials)), "trials", note))
        return figures


def scores(trials: Sequence[Tried]) -> list[float]:
    """Their scores, where they have one."""
    return [each.value for each in trials if each.value is not None]


def best(m: Material[SearchFacts]) -> Section | None:
    """The best trial's settings, and the command that trains it again."""
    if m.facts.best is None:
        return None
    again = Markup("<h3>Train it again</h3><pre>{}</pre>").format(as_called(m.facts.command))
    reading = (
        "The best of many noisy scores is too high by chance: judge by the test score, or by the validation "
        "score of other seeds."
    )
    body = html.join([html.pairs(m.facts.best.params), *([again] if m.facts.command else [])])
    return Section("Best trial", reading, body)


def course(m: Material[SearchFacts]) -> Section | None:
    """Every trial's score, and the best so far."""
    done = m.facts.ended()
    if not done:
        return None
    with charts.style():
        figure, ax = charts.panel(6.4, 3.2)
        for group, mark, label in ((done, "o", "a trial"), (m.facts.ended("pruned"), "x", "pruned")):
            if group:
                numbers = [each.number + 1 for each in group]
                ax.plot(
                    numbers, scores(group), mark, color=charts.SERIES[0], markersize=4, alpha=0.7, label=label
                )
        counts, heights = zip(*m.facts.progress, strict=True)
        ax.step(counts, heights, where="post", color=charts.SERIES[1], linewidth=1.6, label="best so far")
        ax.set(xlabel="trials", title=f"validation {m.facts.score}")
        ax.legend(loc="best")
        low, high = min(scores(done)), max(scores(done))
        alt = f"Validation {m.facts.score} by trial, from {low:.3g} to {high:.3g}, and the best so far"
        drawn = charts.svg(figure, alt)
    reading = "A line that has been flat for long says that more trials of this space will bring little."
    return Section("Course of the search", reading, html.charts([drawn]))


def importance(m: Material[SearchFacts]) -> Section | None:
    """How much of the score's variance each setting explains."""
    if not m.facts.importance:
        return None
    rows = [(name, Bar(share)) for name, share in m.facts.importance.items()]
    reading = (
        "Share of the variance of the score over the searched space that a setting explains alone or with "
        "others (fANOVA, a random forest fitted to the finished trials). It says nothing outside the space."
    )
    return Section(
        "Importance", reading, html.table(("setting", "importance, %"), rows, "Most important first")
    )


def slices(m: Material[SearchFacts]) -> Section | None:
    """The score against each setting alone."""
    done = m.facts.ended()
    if len(done) < 2:
        return None
    drawn = []
    for axis in m.facts.axes[:SLICES]:
        with charts.style():
            figure, ax = charts.panel(3.6, 2.7)
            xs = [axis.place(each.params[axis.name]) for each in done]
            ax.plot(xs, scores(done), "o", color=charts.SERIES[0], markersize=4, alpha=0.7)
            if (top := m.facts.best) is not None and top.value is not None:
                place = axis.place(top.params[axis.name])
                ax.plot([place], [top.value], "*", color=charts.SERIES[1], markersize=11)
            ax.set(xlabel=axis.name, title=m.facts.score, **({"xscale": "log"} if axis.log else {}))
            if axis.choices:
                ax.set_xticks(range(len(axis.choices)), axis.choices)
                ax.set_xlim(-0.5, len(axis.choices) - 0.5)
            drawn.append(charts.svg(figure, f"{m.facts.score} against {axis.name}, a point for each trial"))
    left = len(m.facts.axes) - len(drawn)
    more = f" {counted(left, 'setting')} more are not drawn." if left > 0 else ""
    reading = f"Each point is a finished trial, the star the best. Other settings vary as well.{more}"
    return Section("Slices", reading, html.charts(drawn))


def parallel(m: Material[SearchFacts]) -> Section | None:
    """Every trial as a line over all settings to its score."""
    done = sorted(m.facts.ended(), key=lambda each: each.value or 0.0, reverse=not m.facts.higher_is_better)
    if len(done) < 2 or len(m.facts.axes) < 2:
        return None
    scales = [Scale.of([axis.place(each.params[axis.name]) for each in done], axis) for axis in m.facts.axes]
    scales.append(Scale.of(scores(done), Axis(m.facts.score)))
    good = max(1, round(GOOD * len(done)))
    with charts.style():
        figure, ax = charts.panel(max(6.4, 1.5 * len(scales)), 3.4)
        for rank, _ in enumerate(done):
            is_good = rank >= len(done) - good
            colour, width = (charts.SERIES[1], 1.5) if is_good else (charts.SERIES[0], 0.7)
            heights = [float(scale.heights[rank]) for scale in scales]
            ax.plot(range(len(scales)), heights, color=colour, linewidth=width, alpha=0.9 if is_good else 0.4)
        for column, scale in enumerate(scales):
            scale.draw(ax, column)
        ax.set_xticks(range(len(scales)), [scale.axis.name for scale in scales])
        ax.set(yticks=[], ylim=(-0.06, 1.06), xlim=(-0.2, len(scales) - 0.4))
        ax.grid(False)
        ax.spines["left"].set_visible(False)
        drawn = charts.svg(
            figure, "Parallel coordinates: a line for each trial over its settings to its score"
        )
    told = f"The best {counted(good, 'trial')} in the second colour"
    reading = f"{told}: where their lines lie close together, the setting matters."
    return Section("Parallel coordinates", reading, Markup('<div class="wide">{}</div>').format(drawn))


@dataclass(frozen=True)
class Scale:
    """One upright axis of the parallel coordinates: heights from 0 to 1, and the marks beside it."""

    axis: Axis
    heights: Sequence[float]
    marks: Sequence[tuple[float, str]]

    @classmethod
    def of(cls, values: Sequence[float], axis: Axis) -> "Scale":
        """The axis that the values span; a list's has a place for each of its values."""
        found = np.log(values) if axis.log else np.asarray(values, float)
        low, high = (0.0, len(axis.choices) - 1.0) if axis.choices else (found.min(), found.max())
        span = high - low if high > low else 1.0
        marks = [(i / span, name) for i, name in enumerate(axis.choices)]
        ends = [(0.0, f"{min(values):.3g}"), (1.0, f"{max(values):.3g}")]
        return cls(axis, [float(each) for each in (found - low) / span], marks or ends)

    def draw(self, ax: "Axes", column: int) -> None:
        """The line and its marks."""
        ax.axvline(column, color=charts.FAINT, linewidth=0.8)
        for height, text in self.marks:
            ax.annotate(text, (column, height), (4, 0), textcoords="offset points", va="center", fontsize=8)


def trials(m: Material[SearchFacts]) -> Section | None:
    """All trials, the best first."""
    if not m.facts.trials:
        return None
    sign = -1 if m.facts.higher_is_better else 1

    def order(each: Tried) -> tuple[bool, float, int]:
        return each.state != "done", sign * (each.value or 0.0), each.number

    names = [axis.name for axis in m.facts.axes]
    rows = []
    for each in sorted(m.facts.trials, key=order):
        value = "–" if each.value is None or each.state == "failed" else m.facts.shown(each.value)
        cells = [_short(each.params.get(name)) for name in names]
        took = "–" if each.seconds is None else duration(each.seconds)
        rows.append((each.number, each.state, value, *cells, took, each.folder))
    head = ("trial", "state", f"validation {m.facts.score}", *names, "time", "folder")
    body = [html.table(head, rows, "The best first", words=2)]
    failed = [each for each in m.facts.trials if each.why]
    if failed:
        told = Markup("").join(
            Markup("<p>Trial {} failed: {}</p>").format(each.number, each.why) for each in failed
        )
        body.append(html.details("Why trials failed", told))
    reading = (
        "Each trial is a run folder: report, predict and compare take it. The test score of the best trial "
        "alone is shown, because choosing by test scores would spoil them."
    )
    return Section("Trials", reading, html.join(body))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "–" if value is None else str(value)


def study(m: Material[SearchFacts]) -> Section | None:
    """What the search was started with."""
    if not m.facts.asked:
        return None
    return Section("Study", "What is needed to search again.", html.pairs(m.facts.asked))


SECTIONS = (best, course, importance, slices, parallel, trials, study)
