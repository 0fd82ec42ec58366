"""Replies of every kind, and what a reply may hold."""

import pytest

from gradschool.classroom.arithmetic import evaluate
from gradschool.classroom.asking import answer_to, run
from gradschool.classroom.exercise.manifest import find_chapter
from gradschool.classroom.quiz import Question, judge, read_quiz, variant

QUESTIONS = {q.id: q for name in ("neurons", "convolution") for q in read_quiz(find_chapter(name))}


@pytest.mark.parametrize(
    "reply",
    [
        "().__class__",
        "__import__('os')",
        "[x for x in (1,)]",
        "lambda: 1",
        "open('f')",
        "9**9**9",
        "2**2000",
        "1 .real",
        "f'{1}'",
        "9<<9**9",
        "x := 1",
    ],
)
def test_reply_that_reaches_further_is_refused(reply):
    with pytest.raises((ValueError, SyntaxError, NameError)):
        evaluate(reply, {})


@pytest.mark.parametrize(
    ("reply", "value"),
    [("1/3", 1 / 3), ("2^5", 32), ("sqrt(16) + pi*0", 4), (" 7 ", 7), ("-2", -2), ("max(1, n)", 3)],
)
def test_arithmetic_is_computed(reply, value):
    assert evaluate(reply, {"n": 3}) == pytest.approx(value)


def test_numeric_reply_within_tolerance_only():
    question = Question(id="q", kind="numeric", ask="?", answer="1/3", tolerance=0.01, why="so")
    shown = variant(question, 0)
    assert judge(shown, "0.34").right is True
    assert judge(shown, "0.35").right is False
    assert judge(shown, "a third").right is None


def test_slip_is_named():
    shown = variant(QUESTIONS["output-size"], 3)
    v = shown.values
    verdict = judge(shown, str((v["size"] + 2 * v["padding"] - v["kernel"]) // v["stride"]))
    assert verdict.right is False
    assert "Off by one" in verdict.feedback


def test_formula_must_hold_for_other_numbers_too():
    shown = variant(QUESTIONS["places"], 0)
    assert judge(shown, "(size - kernel + stride) // stride").right is True
    lucky = str((shown.values["size"] - shown.values["kernel"]) // shown.values["stride"] + 1)
    assert judge(shown, lucky).right is False
    assert judge(shown, "size //").right is None


def test_several_letters_count_only_together():
    shown = variant(QUESTIONS["what-moves"], 1)
    assert len(shown.right) == 2
    assert judge(shown, shown.right).right is True
    assert judge(shown, shown.right[0]).right is False
    assert judge(shown, "z").right is None
    assert judge(shown, "").right is None


def test_quiz_runs_and_counts_the_first_answer():
    question = QUESTIONS["not-linear"]
    right = variant(question, 5).right
    wrong = next(letter for letter in "abcd" if letter != right)
    replies, said = iter(["?", wrong, right]), []
    assert run((question,), 5, lambda prompt: next(replies), said.append) == {question.id: False}
    assert any(text.startswith("Not so.") for text in said)
    assert said[-1].startswith("Right.")
    assert run((question,), 5, lambda prompt: "", said.append) == {}


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ("a third", "`a third` cannot be read as arithmetic; wanted: a number, or arithmetic"),
        ("1/0", "`1/0` divides by zero"),
        ("size + 1", "holds a name that is not known here (size)"),
        ("(1).real", "cannot be read as arithmetic"),
        ("sqrt", "cannot be read as arithmetic"),
        ("sqrt(-1)", "cannot be read as arithmetic"),
        ("(" * 300, "cannot be read as arithmetic"),
    ],
)
def test_what_is_no_number_is_told_in_a_sentence(reply, sentence):
    question = Question(id="q", kind="numeric", ask="?", answer="1/3", why="so")
    verdict = judge(variant(question, 0), reply)
    assert verdict.right is None and sentence in verdict.feedback
    assert not any(word in verdict.feedback for word in ("Error", "ast", "syntax", "domain"))


def test_who_gives_up_is_told_the_answer():
    question = Question(
        id="q", kind="numeric", ask="?", given={"n": (4,)}, answer="n / 3", why="A third of @{n}."
    )
    replies, said = iter(["1", ""]), []
    run((question,), 0, lambda prompt: next(replies), said.append)
    assert said[-1] == "The answer is 1.33333. A third of 4."
    order = Question(id="o", kind="order", ask="?", items=("x", "y", "z"), why="So.")
    shown = variant(order, 0)
    assert [
        shown.shown["abc".index(letter)] for letter in answer_to(shown).split(". ")[0].split()[3:]
    ] == list("xyz")
    single = QUESTIONS["not-linear"]
    shown = variant(single, 5)
    assert answer_to(shown).startswith(f"{shown.right}) ")
