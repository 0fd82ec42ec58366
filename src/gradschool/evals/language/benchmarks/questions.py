"""Questions of multiple choice from a file of JSON lines."""

import json
from pathlib import Path
from typing import Any

from gradschool.data.text.decode import json_fault, read_text
from gradschool.data.text.labelled.tables import lines_of
from gradschool.errors import UserError
from gradschool.evals.language.benchmarks.choice import Question

WANTED = '{"question": "...", "choices": ["...", "..."], "answer": 0}'


def read_questions(file: Path) -> list[Question]:
    """A question of every line that is not empty.

    A line has "choices", the number of the right one as "answer" (from 0), and either "question", which is
    put between "Question:" and "Answer:", or "context", which is taken as it is.

    Raises:
        UserError: the file cannot be read, a line is something else (its number is named), or there is none.
    """
    found = []
    for number, line in enumerate(lines_of(read_text(file)[0]), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            what = f"line {number} of {file} is no JSON: {json_fault(error).partition(', ')[2] or line[:40]}"
            raise UserError(what, WANTED) from error
        try:
            found.append(question_of(row))
        except ValueError as error:
            raise UserError(f"line {number} of {file} is no question: {error}", WANTED) from error
    if not found:
        raise UserError(f"{file} has no questions", f"lines such as {WANTED}")
    return found


def question_of(row: Any) -> Question:
    """One line's question.

    Raises:
        ValueError: something is missing, the answer is not the number of a choice, or there are fewer than
            two.
    """
    held = row if isinstance(row, dict) else {}
    asked = "context" if "context" in held else "question"
    if lost := [name for name in (asked, "choices", "answer") if name not in held]:
        raise ValueError(f"it has no {' and no '.join(lost)}")
    choices, answer = held["choices"], held["answer"]
    if not (
        isinstance(choices, list) and len(choices) >= 2 and all(isinstance(c, str) and c for c in choices)
    ):
        raise ValueError("choices are two texts or more")
    if isinstance(answer, bool) or not (isinstance(answer, int) and 0 <= answer < len(choices)):
        raise ValueError(f"answer is {answer!r}, wanted a number from 0 to {len(choices) - 1}")
    if not isinstance(held[asked], str):
        raise ValueError(f"the {asked} is no text")
    context = held[asked] if asked == "context" else f"Question: {held[asked]}\nAnswer:"
    return Question(context, tuple(choices), answer)
