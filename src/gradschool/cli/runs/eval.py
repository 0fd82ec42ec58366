"""gradschool eval RUN TASK [FILE...]: examine a language model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.cli.words import check_seed
from gradschool.cli.words import parse as parse_words
from gradschool.errors import UserError
from gradschool.phrases import command

TASKS = ("text", "choice", "calibration", "contamination", "memory")


@dataclass(frozen=True)
class Args:
    """Examine a finished language model.

    text: perplexity a token and bits per byte of text files, or of its test part. choice: multiple choice by
    likelihood, 20 questions or those of .jsonl files. calibration: how sure it is of the next token, and how
    often it is right. contamination: which passages or questions its training text holds. memory: how much of
    its training text it recites.
    """

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run."""
    task: Annotated[
        Literal["text", "choice", "calibration", "contamination", "memory"], tyro.conf.Positional
    ] = "text"
    """What to examine it in."""
    files: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Text files, or .jsonl files with a question a line: question, choices, answer (a number from 0)."""
    shots: int = 0
    """Solved examples before each question, drawn from the others."""
    seed: int = 0
    """Of their choice."""
    words: int = 13
    """Words in a row that count as contamination."""
    weights: Literal["int8", "int4"] | None = None
    """Examine the network with weights of 8 or 4 bits in place of those it was trained with."""
    data: str | None = None
    """Where the run's own data lie now, if they moved."""
    json: bool = False
    """Print the result as one line of JSON."""


def parse(words: list[str]) -> Args:
    """Read the words; a file in the place of the task is a sentence with the command that was meant.

    Raises:
        UserError: the words cannot be read.
    """
    if len(words) > 1 and words[1][:1] != "-" and words[1] not in TASKS and Path(words[1]).exists():
        task = "choice" if words[1].endswith(".jsonl") else "text"
        meant = command("eval", words[0], task, *words[1:])
        raise UserError(
            f"{words[1]} came in the place of the task", f"one of {', '.join(TASKS)}", f"Example: {meant}"
        )
    args: Args = parse_words(Args, "eval", words)
    return args


def run(args: Args) -> int:
    """Examine and tell."""
    from gradschool.engine.run import RunFolder
    from gradschool.runs.kind import Exam
    from gradschool.runs.reopen import reopen

    check_seed(args.seed)
    for name, value, least in (("shots", args.shots, 0), ("words", args.words, 1)):
        if value < least:
            raise UserError(f"{name} is {value}", f"a whole number >= {least}", f"Example: --{name} {least}")
    for file in args.files:
        if not file.exists():
            raise UserError(f"{file} does not exist", "a file of this computer")
    folder = RunFolder.open(args.run)
    exam = Exam(args.task, args.files, args.shots, args.seed, args.words, args.weights, args.data)
    found = reopen(folder)[0].evaluate(folder, exam)
    for line in found.lines:
        print(f" {line}")
    finish(args, {"run": folder.path, "task": args.task, **found.facts})
    return 0
