"""Quizzes: questions with feedback for every option, in seeded variants that the library answers."""

import importlib
import random
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from gradschool.classroom.arithmetic import FUNCTIONS, evaluate
from gradschool.classroom.exercise.manifest import Chapter
from gradschool.classroom.exercise.record import Name, Strict, Target, Text
from gradschool.errors import UserError
from gradschool.phrases import command

LETTERS = "abcdefghijkl"
SHOWN = re.compile(r"@\{(\w+)\}")


class Option(Strict):
    """One of several answers, with what it tells about who chose it."""

    text: Text
    right: bool = False
    why: Text


class Slip(Strict):
    """A wrong value that learners come to, as an expression, and how."""

    value: Text
    why: Text


class Question(Strict):
    """One question.

    Args:
        id: once in the chapter.
        kind: single, multiple, numeric, order or code.
        ask: Markdown; `@{name}` shows a given or computed value, there and in `why` and `text`.
        options: of single and multiple.
        items: of order, as they should be.
        use: library functions that expressions may call.
        given: lists of values, of which the seed draws one each.
        let: expressions, computed in order.
        answer: of numeric and code, an expression.
        tolerance: absolute, of numeric and code.
        why: the explanation.
        wrong: of numeric and code.
    """

    id: Name
    kind: Literal["single", "multiple", "numeric", "order", "code"]
    ask: Text
    options: tuple[Option, ...] = Field(default=(), max_length=len(LETTERS))
    items: tuple[Text, ...] = Field(default=(), max_length=len(LETTERS))
    use: tuple[Target, ...] = ()
    given: dict[str, tuple[Any, ...]] = Field(default={})
    let: dict[str, str] = Field(default={})
    answer: str = ""
    tolerance: float = Field(default=0.0, ge=0)
    why: str = ""
    wrong: tuple[Slip, ...] = ()

    @model_validator(mode="after")
    def consistent(self) -> "Question":
        """A kind has what it needs."""
        right = sum(option.right for option in self.options)
        needs = {
            "single": (len(self.options) > 1 and right == 1, "two or more options, one of them right"),
            "multiple": (len(self.options) > 1 and right > 0, "two or more options, one or more right"),
            "numeric": (bool(self.answer and self.why), "answer and why"),
            "order": (len(set(self.items)) > 1 and bool(self.why), "two or more different items and why"),
            "code": (bool(self.answer and self.why and self.given), "given, answer and why"),
        }  # fmt: skip
        fits, wanted = needs[self.kind]
        if not fits:
            raise ValueError(f"question {self.id} is {self.kind}: it needs {wanted}")
        return self


class Quiz(Strict):
    """A chapter's questions."""

    question: tuple[Question, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Variant:
    """A question with its values drawn.

    Args:
        question: which.
        ask: with the values in it.
        shown: options or items, in the order they are shown.
        right: letters of the right options; for order all letters as they should be; else "".
        values: given and computed.
    """

    question: Question
    ask: str
    shown: tuple[str, ...]
    right: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Whether a reply is right, and what to say; None where it cannot be read."""

    right: bool | None
    feedback: str


def read_quiz(chapter: Chapter) -> tuple[Question, ...]:
    """A chapter's questions.

    Raises:
        UserError: there are none, or quiz.toml is not as described above.
    """
    file = chapter.folder / "quiz.toml"
    try:
        questions = Quiz.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).question
    except FileNotFoundError:
        raise UserError(
            f"{chapter.id} has no quiz yet", "", f"Its lecture: {command('read', chapter.id)}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is not TOML ({error})", "", "Mend that line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{file}: {where}: {first['msg']}", "", "Mend the quiz.") from error
    if len({question.id for question in questions}) < len(questions):
        raise UserError(f"{file} has an id twice", "each id once", "Rename one.")
    return questions


def variant(question: Question, seed: int) -> Variant:
    """A question as the seed draws it."""
    draw = random.Random(f"{question.id} {seed}")
    # 1. Values: drawn, then computed.
    values = {name: draw.choice(choices) for name, choices in question.given.items()}
    for name, expression in question.let.items():
        values[name] = compute(expression, values, question)
    # 2. Options and items in another order.
    texts = [filled(option.text, values) for option in question.options] or list(question.items)
    order = draw.sample(range(len(texts)), len(texts))
    if question.kind == "order":
        right = "".join(LETTERS[order.index(place)] for place in range(len(texts)))
    else:
        right = "".join(
            LETTERS[at] for at, i in enumerate(order) if question.options and question.options[i].right
        )
    return Variant(question, filled(question.ask, values), tuple(texts[i] for i in order), right, values)


def filled(text: str, values: Mapping[str, Any]) -> str:
    """A text with its `@{name}` replaced."""
    return SHOWN.sub(
        lambda found: (
            f"{values[found[1]]:.4g}" if isinstance(values[found[1]], float) else str(values[found[1]])
        ),
        text,
    )


def compute(expression: str, values: Mapping[str, Any], question: Question) -> Any:
    """An expression of the course's own."""
    names = dict(FUNCTIONS)
    for target in question.use:
        module, _, name = target.partition(":")
        names[name] = getattr(importlib.import_module(module), name)
    return eval(expression, {"__builtins__": {}, **names, **values})


def judge(shown: Variant, reply: str) -> Verdict:
    """Whether a reply is right, with the feedback for exactly this reply."""
    question = shown.question
    match question.kind:
        case "single" | "multiple":
            return judge_options(shown, reply)
        case "order":
            letters = re.sub(r"[\s,]", "", reply.lower())
            if sorted(letters) != sorted(shown.right):
                return Verdict(None, f"Each letter once: {' '.join(sorted(shown.right))}.")
            return Verdict(letters == shown.right, filled(question.why, shown.values))
    try:
        if question.kind == "numeric":
            return judge_values(shown, lambda values: evaluate(reply, {}), [shown])
        return judge_values(shown, lambda values: evaluate(reply, values), draws(question))
    except (
        ValueError,
        SyntaxError,
        TypeError,
        ArithmeticError,
        NameError,
        RecursionError,
        MemoryError,
    ) as error:
        return Verdict(None, unread(reply, error, question))


def unread(reply: str, error: Exception, question: Question) -> str:
    """What is wrong with a reply that is no number and no arithmetic, and what is wanted."""
    why = "cannot be read as arithmetic"
    if isinstance(error, ZeroDivisionError):
        why = "divides by zero"
    elif isinstance(error, NameError):
        why = f"holds a name that is not known here ({error.name})"
    wanted = "a number, or arithmetic such as 3 * (4 + 1) or sqrt(2)"
    if question.kind == "code":
        wanted = f"arithmetic in {', '.join([*question.given, *question.let])}"
    return f"`{reply[:40]}` {why}; wanted: {wanted}."


def draws(question: Question) -> list[Variant]:
    """Enough variants to tell a right formula from a lucky one."""
    return [variant(question, seed) for seed in range(20)]


def judge_options(shown: Variant, reply: str) -> Verdict:
    """Letters of options: the feedback of each that was chosen, and of each right one that was missed."""
    letters = set(re.sub(r"[\s,]", "", reply.lower()))
    known = set(LETTERS[: len(shown.shown)])
    if not letters <= known or not letters or (shown.question.kind == "single" and len(letters) > 1):
        return Verdict(
            None,
            f"{'A letter' if shown.question.kind == 'single' else 'Letters'} of {' '.join(sorted(known))}.",
        )
    is_right, by_text = (
        letters == set(shown.right),
        {filled(o.text, shown.values): o for o in shown.question.options},
    )
    told = sorted(letters if shown.question.kind == "single" or is_right else letters | set(shown.right))
    feedback = [
        f"{letter}) {filled(by_text[shown.shown[LETTERS.index(letter)]].why, shown.values)}"
        for letter in told
    ]
    return Verdict(is_right, "\n".join(feedback))


def judge_values(shown: Variant, of: Callable[[Mapping[str, Any]], Any], on: list[Variant]) -> Verdict:
    """A number or formula against the answer, then against the known slips, on the given variants."""
    question = shown.question

    def agrees(expression: str) -> bool:
        pairs = [(of(v.values), compute(expression, v.values, question)) for v in on]
        return all(
            abs(float(got) - float(want)) <= question.tolerance + 1e-9 * abs(float(want))
            for got, want in pairs
        )

    if agrees(question.answer):
        return Verdict(True, filled(question.why, shown.values))
    for slip in question.wrong:
        if agrees(slip.value):
            return Verdict(False, filled(slip.why, shown.values))
    return Verdict(False, "")
