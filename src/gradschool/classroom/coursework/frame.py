"""What all courseworks share: the words of the command, figures as files on one page, marks with a sentence.

A mark is given to what was handed in: files that are loaded and asked in another process, numbers that were
measured here. What the learner's code prints or claims is never read.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from jaxtyping import UInt8
from markupsafe import Markup
from matplotlib.figure import Figure

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.pictures import enlarged
from gradschool.evals.report import html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Facts, Material, SectionOf
from gradschool.evals.report.page import write_report
from gradschool.evals.report.samples import sheet

Say = Callable[[str], None]
Pixels = UInt8[np.ndarray, "height width 3"]
DOTS = 110  # an inch, of charts


@dataclass(frozen=True)
class Shown:
    """A figure that was asked for.

    Args:
        name: of its file, without .png.
        title: its heading.
        reading: how to read it, and what is to be seen, in a sentence or two.
        picture: a sheet of pixels, or a chart.
        enlarge: a sheet's pixels become squares of so many.
        notes: tables or paragraphs that go below it.
    """

    name: str
    title: str
    reading: str
    picture: Pixels | Figure
    enlarge: int = 2
    notes: Sequence[Markup] = ()

    def save(self, folder: Path) -> Path:
        """Write the PNG."""
        path = folder / f"{self.name}.png"
        if isinstance(self.picture, Figure):
            self.picture.savefig(path, dpi=DOTS, facecolor="white", metadata={"Software": None})
        else:
            enlarged(self.picture, self.enlarge).save(path)
        return path


@dataclass(frozen=True)
class Mark:
    """Points for one line of a mark scheme.

    Args:
        item: its number there, e.g. "2.1a".
        asked: what is wanted, in a few words.
        points: given; negative for a deduction.
        of: at most; 0 for a deduction.
        told: one sentence: what was found, and what it is judged by.
    """

    item: str
    asked: str
    points: float
    of: float
    told: str


class Lost(Exception):
    """What was handed in does not do what an item asks: the sentence says how."""


def marked(item: str, asked: str, of: float, check: Callable[[], tuple[float, str]]) -> Mark:
    """The mark of one item: a hand-in that breaks in it loses this item and no other.

    Args:
        item: its number in the scheme.
        asked: what is wanted, in a few words.
        of: points at most; a negative number is a deduction, 0 at best.
        check: returns the share of the points (0 to 1) and the sentence, or raises `Lost`.
    """
    try:
        share, told = check()
    except Lost as lost:
        share, told = 0.0, str(lost)
    if of < 0:
        return Mark(item, asked, of * (1 - share) + 0.0, 0.0, told)  # + 0.0: never -0
    return Mark(item, asked, round(of * share, 1), of, told)


@dataclass(frozen=True)
class Outcome:
    """All that a coursework makes.

    Args:
        shown: figures in the order of the scheme.
        marks: in the order of the scheme.
        by_hand: items that a person marks, with what to look at: (item, asked, points, where).
        facts: numbers to keep beside the marks, with their n.
        warnings: sentences to put on top of the page.
    """

    shown: Sequence[Shown]
    marks: Sequence[Mark] = ()
    by_hand: Sequence[tuple[str, str, float, str]] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()

    @property
    def points(self) -> tuple[float, float]:
        """Given, and at most."""
        return max(0.0, sum(m.points for m in self.marks)), sum(m.of for m in self.marks)


@dataclass(frozen=True)
class Desk:
    """Where a coursework is done.

    Args:
        folder: for all that is written; it is there.
        say: told the few sentences a person should read.
        mine: the learner's functions that are in force, as runs record them.
    """

    folder: Path
    say: Say = print
    mine: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Coursework:
    """The words of the command that every coursework has; a coursework adds its own and says what is done."""

    out: Path | None = None
    """Folder for figures, page and marks; the next free one under runs/ if not given."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = field(default=(), metadata={})
    """Change a setting of a run: --set vae.epochs=2 (again for more)."""
    seed: int = 0
    """Of training and of every noise."""
    device: str = "auto"
    """cpu, cuda, cuda:1 or mps."""
    quick: bool = False
    """A short training: all figures in minutes, with fewer points for quality."""
    mine: bool = False
    """Train with the functions you have written."""
    dir: Path | None = None
    """Your folder, for --mine; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""

    def work(self, desk: Desk) -> Outcome:
        """Train what was not brought along, draw what is asked, mark what is handed in.

        Raises:
            UserError: what was given does not fit; before any training.
            WorkFailed: training did not come to its end.
        """
        raise NotImplementedError

    def settings_of(self, part: str, parts: Sequence[str]) -> tuple[str, ...]:
        """The words of --set that belong to one of the runs, without its name.

        Raises:
            UserError: a word names no run of this coursework.
        """
        for word in self.set:
            if word.partition(".")[0] not in parts:
                examples = " or ".join(f"--set {name}.epochs=2" for name in parts)
                raise UserError(f"--set got {word!r}", f"the name of a run before it: {examples}", "")
        return tuple(word.partition(".")[2] for word in self.set if word.startswith(f"{part}."))


def written(outcome: Outcome, folder: Path, name: str) -> Path:
    """Write every figure, marks.json and the page; returns the page."""
    # 1. Files.
    files = [shown.save(folder) for shown in outcome.shown]
    got, most = outcome.points
    record = {"coursework": name, "points": got, "of": most, "marks": [asdict(m) for m in outcome.marks]}
    record |= {"by_hand": [list(each) for each in outcome.by_hand], "facts": outcome.facts}
    RunFolder(folder).write("marks.json", record)
    # 2. The page.
    sections = [marks_of(outcome)] if outcome.marks or outcome.by_hand else []
    sections += [figure_of(shown, file) for shown, file in zip(outcome.shown, files, strict=True)]

    def made(_: Material[Any], section: Section) -> Section:
        return section

    pieces: list[SectionOf] = [partial(made, section=section) for section in sections]
    return write_report(folder, Facts(warnings=outcome.warnings), pieces)


def figure_of(shown: Shown, file: Path) -> Section:
    """A figure's section of the page."""
    width = 900 if isinstance(shown.picture, Figure) else 720
    return Section(shown.title, shown.reading, html.join([sheet(file, shown.title, width), *shown.notes]))


def marks_of(outcome: Outcome) -> Section:
    """The marks' section of the page."""
    got, most = outcome.points
    rows = [(m.item, wide(m.asked), wide(m.told), f"{m.points:g}", f"{m.of:g}") for m in outcome.marks]
    parts = [html.table(("item", "asked", "found", "points", "of"), rows, f"{got:g} of {most:g} points", 3)]
    if outcome.by_hand:
        left = [(item, wide(asked), wide(where), f"{of:g}") for item, asked, of, where in outcome.by_hand]
        parts.append(html.table(("item", "asked", "look at", "points"), left, "Marked by a person", 3))
    reading = "Each mark comes from files that another process has loaded, or from a measurement made here."
    return Section("Marks", reading, html.join(parts))


def wide(text: str) -> Markup:
    """A table cell in which a sentence may wrap."""
    style = "display:inline-block;white-space:normal;min-width:11rem;max-width:24rem;text-align:left"
    return Markup('<span style="{}">{}</span>').format(style, text)


def in_lines(outcome: Outcome) -> list[str]:
    """The marks for a terminal."""
    lines = [f" {m.item:<6} {m.points:>4g} / {m.of:<3g} {m.asked}: {m.told}" for m in outcome.marks]
    got, most = outcome.points
    total = [f" marks    {got:g} of {most:g} points"] if outcome.marks else []
    return [*lines, *total]
