"""The check's parts: drivers beside the learner's code, the ladder's order, processes without fork."""

import sys

import numpy as np
import pytest
import torch

from gradschool.classroom.check.compare import Tolerance, close, same_kinds
from gradschool.classroom.check.job import Job
from gradschool.classroom.check.ladder import Case, Ladder
from gradschool.classroom.check.remote import Local
from gradschool.classroom.check.report import Failure, Result, first_lines, lines
from gradschool.classroom.exercise.manifest import find_exercise
from gradschool.classroom.workspace.layout import text_for

EXACT = Tolerance(0, 0, "whole numbers")
CHECKS = """
from gradschool.classroom.check.ladder import Case, Ladder, Tolerance

def drive(mine, start):
    import itertools
    return list(itertools.islice((mine(start + k, 1, 1) for k in itertools.count()), 3))

def double(ladder):
    ladder.agrees([Case("three calls from 4", (4,))], lambda s: [2 * s, 2 * s + 2, 2 * s + 4],
                  Tolerance(0, 0, "whole numbers"), through=drive)
"""


def failure_of(function, *arguments):
    with pytest.raises(Failure) as caught:
        function(*arguments)
    return caught.value


@pytest.mark.skipif(sys.platform != "linux", reason="the forked server runs on Linux")
@pytest.mark.parametrize(("body", "outcome"), [("2 * w", "pass"), ("w", "wrong_value"), ("1 / 0", "crash")])
def test_driver_runs_beside_the_learners_function(server, tmp_path, body, outcome):
    folder = tmp_path / "01-neurons"
    folder.mkdir()
    chapter, _ = find_exercise("perceptron-update")
    text = (chapter.folder / "exercises.toml").read_text().replace('"perceptron-update"', '"double"')
    (folder / "exercises.toml").write_text(text)
    (folder / "checks.py").write_text(CHECKS)
    mine = f"def update(w, x, target, learning_rate=1.0):\n    return {body}\n"
    result = server.check(Job("double", str(folder), str(tmp_path / "mine.py"), mine))
    assert result.outcome == outcome, lines(result)


@pytest.mark.long
@pytest.mark.parametrize(("solved", "outcome"), [(True, "pass"), (False, "not_attempted")])
def test_without_fork_the_verdict_is_the_same(tmp_path, solved, outcome):
    from gradschool.classroom.check.spawn import run_spawned

    chapter, exercise = find_exercise("attend")
    file = tmp_path / "attend.py"
    file.write_text(text_for(chapter, exercise, solved), encoding="utf-8")
    assert run_spawned(Job.of(chapter, exercise, file)).outcome == outcome


@pytest.mark.long
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("__import__('os')._exit(0)", "import"),
        ("print('begun')\nwhile True: pass", "timeout"),
        ("a = []\nwhile True: a.append(bytearray(10**7))", "memory"),
    ],
)
def test_without_fork_tricks_end_the_same_way(tmp_path, body, outcome):
    from gradschool.classroom.check.spawn import run_spawned

    chapter, exercise = find_exercise("perceptron-update")
    text = f"{body}\ndef update(w, x, target, learning_rate=1.0): ...\n"
    result = run_spawned(Job(exercise.id, str(chapter.folder), "mine.py", text, 2.0, 2**28))
    assert result.outcome == outcome, lines(result)
    assert result.printed == ("begun" if outcome == "timeout" else "")


@pytest.mark.parametrize(
    ("got", "want", "outcome"),
    [
        ([1.0], (1.0,), "wrong_type"),
        (np.ones(3), torch.ones(3), "wrong_type"),
        ((1.0, 2.0), (1.0,), "wrong_type"),
        ({"a": 1}, {"b": 1}, "wrong_type"),
        (np.ones((3, 1)), np.ones(3), "wrong_shape"),
        (np.ones(3, np.float32), np.ones(3), "wrong_dtype"),
        (torch.ones(3), torch.ones(3).double(), "wrong_dtype"),
        (np.array([1.0, np.nan]), np.ones(2), "wrong_value"),
        (np.array([1.0, np.inf]), np.ones(2), "wrong_value"),
        ("no", "yes", "wrong_value"),
        ((1, [2, 3]), (1, [2, 4]), "wrong_value"),
    ],
)  # fmt: skip
def test_first_difference_decides_the_outcome(got, want, outcome):
    ladder = Ladder(Local(lambda: got))
    assert failure_of(ladder.agrees, [Case("nothing", ())], lambda: want, EXACT).outcome == outcome


@pytest.mark.parametrize(
    "value", [1.5, True, None, "word", (1, [2.0]), np.eye(2), torch.ones(2, 3), {"a": torch.ones(1)}]
)
def test_equal_results_pass(value):
    ladder = Ladder(Local(lambda: value))
    ladder.agrees([Case("nothing", ())], lambda: value, EXACT)
    ladder.finish()
    assert ladder.passed == ["shape", "dtype", "value"]


def test_number_and_array_without_axes_are_the_same():
    same_kinds("it", np.array(2.0), 2.0, None)
    close("wrong_value", "", np.array(2.0), 2, EXACT, None)


def test_check_that_climbs_down_is_a_fault_of_the_course():
    ladder = Ladder(Local(lambda: 1))
    ladder.holds("it holds", True)
    with pytest.raises(ValueError, match="goes down"):
        ladder.agrees([Case("nothing", ())], lambda: 1, EXACT)


def test_missing_gradient_is_told():
    ladder = Ladder(Local(lambda x: x.detach() * 2))
    case = Case("ones", (torch.ones(3),))
    assert failure_of(ladder.gradients, [case], lambda x: x * 2, EXACT).outcome == "wrong_gradient"


def test_report_never_exceeds_six_lines_and_never_cuts_the_next_step():
    result = Result("a", "wrong_value", "value", "word " * 400, "why " * 100, "do this")
    told = lines(result, 60)
    assert len(told) <= 6
    assert told[-1].strip() == "next: do this"
    assert max(map(len, told)) <= 60


@pytest.mark.parametrize(
    ("got", "want", "words"),
    [
        ({"most": 0.5}, {"most": 0.25}, "0.25 was expected for 'most', 0.5 came"),
        ([1, 2], [1, 3], "3 was expected at [1], 2 came"),
        ({"rows": [[1, 2]]}, {"rows": [[1, 3]]}, "3 was expected at [0][1] of 'rows', 2 came"),
        ({"w": np.eye(3)}, {"w": np.ones((3, 3))}, "at [0, 1] of 'w' 1 was expected, 0 came; 6 of 9 differ"),
        (np.eye(3), np.ones((3, 3)), "at [0, 1] 1 was expected, 0 came; 6 of 9 differ"),
        ({"w": np.ones(2)}, {"w": np.ones(3)}, "shape (3,) of 'w' was expected, (2,) came"),
        ({"w": 1, "b": 2}, {"w": 1, "c": 2}, "parts 'w', 'c' were expected, 'w', 'b' came"),
        ({"w": None}, {"w": 1.0}, "a number was expected for 'w', None came"),
        (np.array(0.123456), np.array(0.5), "0.5 was expected, 0.1235 came"),
        (np.array([1.0, 2.00001]), np.array([1.0, 2.0]), "(1, 2) was expected, (1, 2.00001) came"),
        (1 / 3, 0.333333, "0.333333 was expected, 0.333333333 came"),
    ],
)
def test_first_differing_place_is_told_in_words(got, want, words):
    failure = failure_of(Ladder(Local(lambda: got)).agrees, [Case("it", ())], lambda: want, EXACT)
    assert words in failure.said


def test_printing_stands_below_the_verdict_and_is_cut():
    result = Result(
        "a", "pass", printed=first_lines("".join(f"{i} \x1b[31m{'y' * 200}\n" for i in range(1234)))
    )
    told = lines(result, 60)
    assert told[1:3] == ["   printed:", "   | 0  [31m" + "y" * 43 + " ..."]
    assert told[-1] == "   | (and 1,229 more lines, from all calls together)"
    assert len(told) == 8
    assert max(map(len, told)) <= 60
    assert lines(Result("a", "pass", printed=first_lines("")), 60) == lines(Result("a", "pass"), 60)
