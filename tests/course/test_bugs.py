"""Faulty loops: every fault is put in where it says, runs, and shows what it is said to show."""

import json
import math
import re

import pytest

from gradschool.cli.main import main
from gradschool.course.lessons.bugs import FAULTS, curve_of, mark, right_loop, sheet, spoiled
from gradschool.course.lessons.small_loop import learn

LOG10 = math.log(10)
SIGNS = {  # of the last line of the curve, beside the right loop's
    "no_zero_grad": lambda a, b: a["loss"] > 2 * b["loss"],
    "step_first": lambda a, b: a["loss"] > 2 and a["accuracy"] < 0.35,
    "cleared_too_late": lambda a, b: a["loss"] > 2 and a["accuracy"] < 0.35,
    "softmax_twice": lambda a, b: a["loss"] > math.log(math.e + 9) - 1 and a["accuracy"] > 0.8,
    "softmax_over_batch": lambda a, b: a["loss"] > 1,
    "labels_apart": lambda a, b: abs(a["loss"] - LOG10) < 0.3 and a["accuracy"] < 0.3,
    "labels_off_by_one": lambda a, b: a["loss"] < 0.4 and a["accuracy"] < 0.05,
    "rate_too_large": lambda a, b: not a["loss"] < 5,
    "no_eval": lambda a, b: a["accuracy"] < b["accuracy"],
    "train_once": lambda a, b: a["loss"] < 0.6 * b["loss"],
    "trains_on_test": lambda a, b: a["accuracy"] >= b["accuracy"],
    "not_normalised": lambda a, b: a["loss"] == b["loss"] and a["accuracy"] < b["accuracy"] - 0.03,
    "own_statistics": lambda a, b: a["loss"] == b["loss"] and abs(a["accuracy"] - b["accuracy"]) < 0.02,
    "wrong_count": lambda a, b: a["accuracy"] < 0.26,
    "batch_means": lambda a, b: a["loss"] < b["loss"] / 40 and a["accuracy"] == b["accuracy"],
    "keeps_graph": lambda a, b: a["loss"] == pytest.approx(b["loss"], rel=1e-4),
    "last_layer_only": lambda a, b: a["loss"] > 1.3 * b["loss"],
    "rectified_logits": lambda a, b: a["loss"] > b["loss"],
}


@pytest.fixture(scope="module")
def right():
    return curve_of("\n".join(right_loop()))


def test_the_right_loop_is_the_librarys_and_learns(right):
    assert right == learn(0)
    assert right[-1]["accuracy"] > 0.95


def test_every_fault_has_its_sign():
    assert set(SIGNS) == set(FAULTS)


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_fault_shows(name, right):
    lines, places = spoiled(right_loop(), FAULTS[name])
    changed = [lines[n - 1].strip() for n in places]
    put = [line for line in FAULTS[name].put.split("\n") if line]
    assert changed == put or (not put and len(lines) == len(right_loop()) - 1)
    end = curve_of("\n".join(lines))[-1]
    assert SIGNS[name](end, right[-1]), (end, right[-1])


@pytest.mark.parametrize("seed", range(6))
def test_names_and_numbers_change_nothing_else(seed, right):
    given = sheet(seed, "batch_means")
    curve = curve_of(given.text)
    assert len(curve) == len(right)
    assert curve[-1]["accuracy"] > 0.9


def test_sheets_differ_and_come_again():
    sheets = [sheet(seed) for seed in range(60)]
    assert sheets == [sheet(seed) for seed in range(60)]
    assert len({s.fault for s in sheets}) > 12
    assert len({s.text for s in sheets}) > 50


def test_marking_names_the_mistake_in_its_line_only():
    given = sheet(3, "softmax_twice")
    (line,) = given.lines
    assert "softmax" in str(given).splitlines()[line - 1]
    assert mark(given, line).startswith("Yes. cross_entropy applies a softmax itself")
    assert mark(given, line + 1).startswith("Not in line")


def test_a_missing_line_is_between_two():
    given = sheet(3, "no_eval")
    before, after = given.lines
    assert after == before + 1
    assert "eval()" not in given.text
    assert "no_grad" in str(given).splitlines()[after - 1]


@pytest.mark.parametrize("number", range(300))
def test_no_sheet_leaves_a_last_batch_of_one(number):
    text = sheet(number).text
    start, size = (int(re.search(pattern, text)[1]) for pattern in (r"order\[(\d+):\]", r"split\((\d+)\)"))
    assert (1797 - start) % size != 1


@pytest.mark.parametrize("number", [7, 173, 257, 262])
def test_sheets_that_once_crashed_run(number):
    assert len(curve_of(sheet(number).text)) == 8


@pytest.mark.slow
@pytest.mark.parametrize("number", range(300))
def test_every_sheet_runs(number):
    assert len(curve_of(sheet(number).text)) == 8


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(["bugs", *words])
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


def test_the_command_shows_a_sheet_with_both_curves(capsys, right):
    code, out, _ = call(capsys, "7", "--json")
    assert code == 0
    assert out.startswith(f"{sheet(7)}\n")
    assert "gradschool bugs 7 LINE" in out
    told = json.loads(out.splitlines()[-1])
    assert told["right"] == right
    assert len(told["curve"]) == 8


def test_the_command_judges_a_guess(capsys):
    given = sheet(7)
    for line in range(1, len(given.text.splitlines()) + 1):
        code, out, _ = call(capsys, "7", str(line))
        assert code == 0
        assert out.startswith("Yes. ") is (line in given.lines)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["7", "99"], "the line is '99'; wanted: a whole number from 1 to "),
        (["7", "0"], "the line is '0'"),
        (["-1"], "the number of the sheet is '-1'; wanted: a whole number from 0 on"),
        (["x"], "the number of the sheet is 'x'"),
        (["9" * 40], "the number of the sheet is"),
        (["7", "x"], "the line is 'x'"),
    ],
)
def test_wrong_use_is_one_sentence(capsys, words, told):
    code, _, err = call(capsys, *words)
    assert code == 2
    assert told in err and len(err.splitlines()) == 1
