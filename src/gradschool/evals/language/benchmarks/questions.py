"""Questions of multiple choice from a file of JSON lines."""

import json
from pathlib import Path
from typing import Any

from gradschool.data.text.decode import read_text
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
    for number, line in enumerate(read_text(file)[0].splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(question_of(json.loads(line)))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            what = f"line {number} of {file} is no question ({error or type(error).__name__})"
            raise UserError(what, WANTED) from error
    if not found:
        raise UserError(f"{file} has no questions", f"lines such as {WANTED}")
    return found


def question_of(row: dict[str, Any]) -> Question:
    """One line's question.

    Raises:
        ValueError: the answer is not the number of a choice, or there are fewer than two.
        KeyError: something is missing.
    """
    choices, answer = row["choices"], row["answer"]
    if not (
        isinstance(choices, list) and len(choices) >= 2 and all(isinstance(c, str) and c for c in choices)
    ):
        raise ValueError("choices are two texts or more")
    if not (isinstance(answer, int) and 0 <= answer < len(choices)):
        raise ValueError(f"answer is {answer!r}, wanted a number from 0 to {len(choices) - 1}")
    context = row["context"] if "context" in row else f"Question: {row['question']}\nAnswer:"
    if not isinstance(context, str):
        raise ValueError("the context is no text")
    return Question(context, tuple(choices), answer)
