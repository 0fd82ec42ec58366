"""Answers that once got the wrong verdict: right ones pass, wrong ones fall, and each for its own reason."""

import ast
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from gradschool.classroom.check.report import lines
from gradschool.classroom.exercise.manifest import find_exercise
from gradschool.classroom.exercise.strip import RAISE, find
from gradschool.classroom.workspace.layout import text_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the forked server runs on Linux")
ANSWERS = tomllib.loads((Path(__file__).parent / "answers.toml").read_text(encoding="utf-8"))["answer"]


def filled_in(name, code):
    """The file of an exercise with this body from the first blank on."""
    chapter, exercise = find_exercise(name)
    text = text_for(chapter, exercise)
    function, _ = find(ast.parse(text), exercise.function)
    rows = text.splitlines()
    start = next(n for n in range(function.lineno - 1, function.end_lineno) if rows[n].strip() == RAISE)
    indent = rows[start][: -len(RAISE)]
    body = textwrap.indent(code.strip("\n"), indent).splitlines()
    return "\n".join([*rows[:start], *body, *rows[function.end_lineno :]]) + "\n"


@pytest.mark.long
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda each: f"{each['exercise']}: {each['why'][:40]}")
def test_an_answer_gets_the_verdict_that_it_deserves(verdict, answer):
    result = verdict(answer["exercise"], filled_in(answer["exercise"], answer["code"]))
    told = "\n".join(lines(result, 100))
    assert result.passed == answer["right"], told
    assert result.outcome not in ("infra_error", "timeout", "syntax", "import"), told


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("masked-mean", "A call changed its argument x"),
        ("receptive-field", "A call changed its argument layers"),
    ],
)
def test_a_changed_argument_is_told_as_what_it_is(verdict, name, said):
    code = next(each["code"] for each in ANSWERS if each["exercise"] == name)
    assert said in verdict(name, filled_in(name, code)).said


def test_blanks_of_torch_import_torch():
    for name in ("min-gru", "keep-probability", "split-heads", "squashed-gaussian"):
        assert "\nimport torch\n" in text_for(*find_exercise(name))
    assert "import torch" not in text_for(*find_exercise("merge"))
