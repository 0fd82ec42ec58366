"""Sheets of hand exercises: right answers pass in every variant, slips are told, replies carry over."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.cli.main import main
from gradschool.course.lessons import hand


def sheet(name, seed=0):
    return hand.SHEETS[name](np.random.default_rng(seed))


def by_hand(name, sheet):
    """A right answer to a sheet, from its own text."""
    if name == "literals":
        signs = np.array([-1 if part.startswith("not") else 1 for part in sheet.text[10:-1].split(", ")])
        no = (signs < 0).sum()
        return [[no - 0.5, *signs], [no - len(signs) + 0.5, *signs]]
    if name == "formula":
        clauses = sheet.text[len("A net for ") : -1].split(" and ")
        units = []
        for clause in clauses:
            signs = [(f"not {v}" in clause) * -2 + (v in clause) for v in "ABC"]
            units.append([signs.count(-1) - 0.5, *signs])
        return [*units, [0.5 - len(units), *[1] * len(units)]]
    if name == "shortcut":
        return [[-1.5, 1, 1], [0.5, -1, -1, 2] if "XNOR" in sheet.text else [-0.5, 1, 1, -2]]
    ones = int(sheet.text.split("; ")[1].split()[0])
    return [[ones / 10], [ones / 10]]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["literals", "formula", "shortcut", "alike"]))
def test_right_answers_are_right_in_every_variant(seed, name):
    drawn = sheet(name, seed)
    remarks = hand.mark(drawn, by_hand(name, drawn))
    assert remarks == ["right"] * len(drawn.tasks)
    assert "right" not in hand.mark(drawn, [[9.0] * task.numbers for task in drawn.tasks])[-1:]


def test_a_trace_is_marked_row_by_row_and_carries_a_slip_on():
    drawn = sheet("trace", 3)
    replies, w = [], [float(v) for v in drawn.text.split("(")[1].split(")")[0].split(",")]
    for task in drawn.tasks:
        x = [float(v) for v in task.ask.split("(")[1].split(")")[0].split(",")]
        target = task.ask.split(")")[1][0] == "+"
        s = w[0] + w[1] * x[0] + w[2] * x[1]
        if (s >= 0) != target:
            w = [a + (1 if target else -1) * b for a, b in zip(w, [1, *x], strict=True)]
        replies.append([s, *w])
    assert hand.mark(drawn, replies) == ["right"] * len(replies)
    slipped = [list(r) for r in replies]
    slipped[1][0] += 1
    assert "the sum of" in hand.mark(drawn, slipped)[1]
    slipped = [list(r) for r in replies]
    slipped[0][1] += 1
    remarks = hand.mark(drawn, slipped)
    assert "weights stay" in remarks[0] or "tract" in remarks[0] or "add" in remarks[0]
    assert remarks[2:] == ["right"] * (len(replies) - 2)  # row 2 starts from weights that do not follow
    assert hand.mark(drawn, [[1.0]]) == ["4 numbers were asked for, 1 came"]


def test_any_line_will_do():
    drawn = sheet("line", 1)
    points = [p.split(")") for p in drawn.text.split("(")[1:]]
    x = np.array([[1, *map(float, p.split(","))] for p, _ in points])
    y = np.array([1 if sign[0] == "+" else -1 for _, sign in points])
    w = np.linalg.solve(x, y * 0.7)
    assert hand.mark(drawn, [w.tolist()]) == ["right"] != hand.mark(drawn, [(-w).tolist()])
    assert "should give" in hand.mark(drawn, [(-w).tolist()])[0]


def test_the_output_is_judged_with_the_learners_hidden_unit():
    seed = next(s for s in range(9) if "XNOR" not in sheet("shortcut", s).text)
    with_or = [[-0.5, 1, 1], [-0.5, -1, -1, 2]]
    assert hand.mark(sheet("shortcut", seed), with_or) == ["right", "right"]
    assert "2 of 4 rows" in hand.mark(sheet("shortcut", seed), [[-0.5, 1, 0]])[0]


def play(monkeypatch, capsys, words, typed):
    """What the command says when these lines are typed, and Ctrl-D after the last."""
    lines = iter(typed)

    def answer(ask):
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)
    with pytest.raises(SystemExit) as left:
        main(["hand", *words])
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


def test_in_the_terminal(monkeypatch, capsys):
    ones = int(sheet("alike", 5).text.split("; ")[1].split()[0])
    typed = ["0", str(ones / 10), f"{ones / 10}"]
    code, out, _ = play(monkeypatch, capsys, ["alike", "5", "--json"], typed)
    assert code == 0
    assert out.count("  right") == 2
    assert "slope of the total loss" in out
    told = json.loads(out.splitlines()[-1])
    assert told == {"sheet": "alike", "number": 5, "right": 2, "steps": 2}


@pytest.mark.parametrize("word", ["a", "nan", "inf", "1/2", "--"])
def test_what_is_no_number_is_asked_for_again(monkeypatch, capsys, word):
    code, out, err = play(monkeypatch, capsys, ["line", "1"], [f"1 {word} 2", "1 2"])
    assert (code, err) == (0, "")
    assert f"{word!r} is not a number; 3 numbers are wanted" in out
    assert "3 numbers were asked for, 2 came" in out


def test_ctrl_d_leaves_and_says_how_far(monkeypatch, capsys):
    code, out, err = play(monkeypatch, capsys, ["trace", "3"], [])
    assert (code, err) == (0, "")
    assert f"0 of {len(sheet('trace', 3).tasks)} steps are right" in out
    assert "gradschool hand trace 3" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tarce"], "there is no sheet 'tarce'; wanted: one of line, trace,"),
        (["trace", "x"], "the number of the sheet is 'x'; wanted: a whole number from 0 on"),
        (["trace", "-1"], "the number of the sheet is '-1'"),
    ],
)
def test_wrong_use_is_one_sentence(monkeypatch, capsys, words, told):
    code, _, err = play(monkeypatch, capsys, words, [])
    assert code == 2
    assert told in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("name", hand.SHEETS)
def test_variants_differ(name):
    assert len({sheet(name, seed).text for seed in range(20)}) >= 2
