"""The gates that a chapter of any folder passes: its check has been seen to pass and to fail."""

import ast
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradschool.classroom.check.client import check
from gradschool.classroom.check.job import Job
from gradschool.classroom.check.mistakes import mutated
from gradschool.classroom.check.report import Result, lines
from gradschool.classroom.exercise.manifest import Chapter, Exercise, source_of
from gradschool.classroom.exercise.strip import blank, find, read_source, steps_of
from gradschool.classroom.workspace.layout import text_for
from gradschool.errors import UserError


@dataclass(frozen=True)
class Gate:
    """What one gate found; `fault` is "" where it holds."""

    exercise: str
    gate: str
    fault: str


def prove(chapter: Chapter, exercise: Exercise) -> Iterator[Gate]:
    """Try the gates of one exercise, one after the other."""
    # 1. The blank can be cut, and put back byte for byte.
    yield Gate(exercise.id, "steps and blank", faulty_blank(exercise))
    # 2. The reference passes, the blank is not attempted, every mistake falls where it should.
    right = judged(chapter, exercise, text_for(chapter, exercise, solved=True))
    yield Gate(exercise.id, "reference passes", "" if right.passed else told(right))
    empty = judged(chapter, exercise, text_for(chapter, exercise))
    yield Gate(exercise.id, "blank is not attempted", "" if empty.outcome == "not_attempted" else told(empty))
    for number, mutant in enumerate(exercise.mutants, 1):
        wrong = judged(chapter, exercise, text_for(chapter, exercise, True, mutated(exercise, mutant)))
        is_named = (wrong.stage, wrong.why) == (mutant.stage, mutant.why) and not wrong.passed
        fault = "" if is_named else f"{mutant.stage} was to stop it with its sentence: {told(wrong)}"
        yield Gate(exercise.id, f"mistake {number} falls", fault)


def faulty_blank(exercise: Exercise) -> str:
    """What is wrong with an exercise's steps or its blank, in a sentence; "" if nothing is."""
    source = read_source(source_of(exercise.target))
    try:
        function, _ = find(ast.parse(source), exercise.function)
        steps_of(source, function)
        cut = blank(source, exercise.function, exercise.steps)
    except UserError as error:
        return str(error)
    return "" if cut.restored() == source else "the blank and what was taken out do not give the source"


def judged(chapter: Chapter, exercise: Exercise, text: str) -> Result:
    """The verdict on a text as the learner's file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{exercise.slug}.py"
        file.write_text(text, encoding="utf-8")
        return check(Job.of(chapter, exercise, file))


def told(result: Result) -> str:
    """A verdict on one line."""
    return " ".join(" ".join(lines(result, 100)).split())
