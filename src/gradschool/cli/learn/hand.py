"""gradschool hand SHEET NUMBER: an exercise on paper, marked step by step."""

import math
from dataclasses import dataclass
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.cli.words import whole
from gradschool.errors import UserError
from gradschool.phrases import command


@dataclass(frozen=True)
class Args:
    """Solve a sheet on perceptrons with pen and paper; every step that you type in is marked at once."""

    sheet: Annotated[str, tyro.conf.Positional] = "trace"
    """Kind of sheet: line, trace, literals, formula, shortcut or alike."""
    number: Annotated[str, tyro.conf.Positional] = "0"
    """Number of the sheet, from 0 on. Another number gives the same kind of sheet with other values."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Ask each step until it is right, or until the learner leaves with Ctrl-D."""
    import numpy as np

    from gradschool.course.lessons.hand import SHEETS, mark

    # 1. What is given.
    if args.sheet not in SHEETS:
        raise UserError(
            f"there is no sheet {args.sheet!r}",
            f"one of {', '.join(SHEETS)}",
            f"For example: {command('hand trace 1')}",
        )
    number = whole(
        args.number, "the number of the sheet", 0, None, f"For example: {command('hand', args.sheet, 1)}"
    )
    sheet = SHEETS[args.sheet](np.random.default_rng(number))
    print(sheet.text)
    # 2. Each step again, until it is right; Ctrl-D leaves.
    replies: list[list[float]] = []
    try:
        while len(replies) < len(sheet.tasks):
            task = sheet.tasks[len(replies)]
            reply = numbers(input(f"{task.ask}: "), task.numbers)
            if reply is None:
                continue
            remark = mark(sheet, [*replies, reply])[-1]
            print(f"  {remark}")
            if remark == "right":
                replies.append(reply)
        print(f"All steps are right. Another sheet: {command('hand', args.sheet, number + 1)}")
    except EOFError:
        print(f"\n{len(replies)} of {len(sheet.tasks)} steps are right.", end=" ")
        print(f"The same sheet again: {command('hand', args.sheet, number)}")
    finish(
        args,
        {"sheet": args.sheet, "number": number, "right": len(replies), "steps": len(sheet.tasks)},
    )
    return 0


def numbers(typed: str, wanted: int) -> list[float] | None:
    """The numbers of a line; None, and a sentence, if a word of it is not a finite number."""
    found = []
    for word in typed.replace(",", " ").split():
        try:
            found.append(float(word))
        except ValueError:
            found.append(math.nan)
        if not math.isfinite(found[-1]):
            several = "number is" if wanted == 1 else "numbers are"
            print(f"  {word!r} is not a number; {wanted} {several} wanted, such as -0.5")
            return None
    return found
