"""gradschool bugs NUMBER: a training loop with one fault, its curve, and a verdict on your guess."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.cli.words import whole
from gradschool.phrases import command


@dataclass(frozen=True)
class Args:
    """Find the faulty line of a training loop: `bugs 7` shows sheet 7, `bugs 7 20` judges line 20."""

    number: Annotated[str, tyro.conf.Positional] = "0"
    """Number of the sheet, from 0 on. It chooses the fault, the names and the numbers."""
    line: Annotated[str, tyro.conf.Positional] = ""
    """Number of the line that you think is wrong; without it, the sheet and its curve are shown."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Show a sheet with its curve, or judge a guess."""
    from gradschool.course.lessons.bugs import curve_of, mark, right_loop, sheet

    # 1. The sheet.
    number = whole(args.number, "the number of the sheet", 0, None, f"For example: {command('bugs 1')}")
    given = sheet(number)
    # 2. A guess is judged.
    if args.line:
        last = len(given.text.splitlines())
        line = whole(args.line, "the line", 1, last, f"Show the sheet: {command('bugs', number)}")
        print(mark(given, line))
        finish(args, {"sheet": number, "line": line, "right": line in given.lines})
        return 0
    # 3. Without one, the loop is shown and run, beside the loop without a fault.
    print(f"{given}\n")
    curves = curve_of(given.text), curve_of("\n".join(right_loop()))
    print("epoch        this loop          without the fault")
    for epoch, lines in enumerate(zip(*curves, strict=True), 1):
        shown = "   ".join(f"loss {c['loss']:<8.4g} {100 * c['accuracy']:5.1f} %" for c in lines)
        print(f"{epoch:5}   {shown}")
    print(f"\nIn which line is the fault? {command('bugs', number, 'LINE')}")
    finish(args, {"sheet": number, "curve": curves[0], "right": curves[1]})
    return 0
