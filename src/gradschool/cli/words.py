"""The words of a command into its dataclass: tyro reads them, and wrong ones end in a sentence."""

import contextlib
import io
import re
from collections.abc import Sequence
from dataclasses import MISSING, fields
from itertools import groupby
from typing import Any, get_type_hints

from gradschool.errors import UserError
from gradschool.phrases import command, did_you_mean, nearest

# Other tools' words for one thing; a command that has one of them is asked for it by any other.
SAME = (
    ("n", "num", "number", "count", "samples", "num-samples"),
    ("tokens", "max-tokens", "max-new-tokens", "max-length", "length"),
    ("prompt", "say", "text", "question", "message"),
    ("temperature", "temp", "t"),
    ("beams", "num-beams", "beam-size", "beam-width"),
    ("device", "gpu", "cuda", "cpu"),
    ("out", "output", "save", "o"),
    ("data", "dataset", "path", "input", "folder"),
    ("size", "vocab-size", "vocab", "vocabulary", "num-merges"),
    ("k", "top", "limit", "num-results"),
    ("seed", "random-seed", "random-state"),
    ("steps", "iterations", "iters", "max-steps"),
    ("class", "label"),
)


def parse(kind: type, name: str, words: Sequence[str], beside: Sequence[str] = ()) -> Any:
    """An instance of `kind` from the words behind `gradschool NAME`.

    Args:
        kind: dataclass of the command's options.
        name: of the command.
        words: behind it.
        beside: what else may be written as an option, for a guess at what was meant.

    Raises:
        UserError: a word is unknown, a value is of another type, or something that is needed is missing.
    """
    import tyro

    read: Any
    said, help_at = io.StringIO(), f"All options: {command(name)} --help"
    try:
        with contextlib.redirect_stderr(said):
            read, unknown = tyro.cli(
                kind,
                prog=command(name),
                args=list(words),
                description=kind.__doc__,
                config=(tyro.conf.FlagCreatePairsOff,),
                return_unknown_args=True,
            )
    except SystemExit as left:
        if not left.code:
            raise  # the help was asked for and printed
        # What is unknown comes first: its value may have been taken for a word of another option.
        if strange := foreign(words, kind):
            guess = meant(strange, [*options_of(kind), *beside])
            raise UserError(f"{command(name)} does not know {strange}", "", f"{guess}{help_at}") from None
        told = complaint(said.getvalue())
        if told.startswith("Missing from"):
            what = f"{command(name)} lacks something"
            raise UserError(what, " ".join([command(name), *needed(kind)]), help_at) from None
        raise UserError(*of_value(told), help_at) from None
    if unknown:
        guess = meant(unknown[0], [*options_of(kind), *beside])
        raise UserError(f"{command(name)} does not know {unknown[0]}", "", f"{guess}{help_at}")
    return read


def options_of(kind: type) -> list[str]:
    """The options of a command without their hyphens, as they are typed: `class`, `top-k`, `n`."""
    from tyro.conf import Positional

    found = []
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        marks = getattr(hints[field.name], "__metadata__", ())
        if Positional not in marks:
            named = [mark.name for mark in marks if getattr(mark, "name", None)]
            others = [other for mark in marks for other in getattr(mark, "aliases", None) or ()]
            found += [each.lstrip("-").replace("_", "-") for each in (named or [field.name]) + others]
    return list(dict.fromkeys(found))


def foreign(words: Sequence[str], kind: type) -> str:
    """The first word that is written as an option and is none of the command's; "" if there is none."""
    known = {"h", "help", *options_of(kind)}
    for word in words:
        name = word.partition("=")[0].lstrip("-").replace("_", "-")
        if re.match(r"--?[A-Za-z]", word) and not {name, name.removeprefix("no-")} & known:
            return word
    return ""


def needed(kind: type) -> list[str]:
    """What a command cannot do without, as it is typed: RUN, --network NETWORK."""
    bare = [field for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING]
    from tyro.conf import Positional

    words = []
    for field in bare:
        is_placed = Positional in getattr(field.type, "__metadata__", ())
        words += [field.name.upper()] if is_placed else [f"--{field.name}", field.name.upper()]
    return words


def complaint(box: str) -> str:
    """What stands in tyro's box above its first rule, on one line; a box is drawn in lines or in hyphens."""
    lines = [line.strip("│╭╮╰╯ ") for line in box.splitlines()][1:]  # the first is the title
    parts = [list(part) for is_rule, part in groupby(lines, key=is_drawn) if not is_rule]
    text = re.sub(r"\s+", " ", " ".join(parts[0])).strip() if parts else ""
    return text.removesuffix(".") or "these words cannot be read"


def of_value(told: str) -> tuple[str, str]:
    """A complaint about one option's value in our words: what came, and what was wanted."""
    if lacks := re.match(r"Missing value for argument '(\S+)'", told):
        return f"{lacks[1]} came without a value", f"{lacks[1]} VALUE"
    wrong = re.match(r"Error parsing (\S+): .*?('[^']*')", told.replace("('None',)", ""))
    for said, kind in (("invalid literal for int", "a whole number"), ("to float", "a number")):
        if wrong and said in told:
            return f"{wrong[1]} is {wrong[2]}", kind
    return told, ""


def is_drawn(line: str) -> bool:
    """Whether a line is a rule."""
    return bool(line) and not line.strip("─-")


def meant(word: str, options: Sequence[str]) -> str:
    """The option that was probably meant, as a sentence, or nothing."""
    if "=" in word and not word.startswith("-"):
        return f"Did you mean --set {word}? " if "set" in options else ""
    if not word.startswith("-"):
        return ""
    # 1. Another tool's word, or the beginning of ours: --temp is --temperature, not --steps.
    known = [option.replace("_", "-") for option in options]
    typed = word.partition("=")[0].lstrip("-").replace("_", "-").lower()
    same = [one for group in SAME if typed in group for one in group if one in known]
    begun = [one for one in known if len(typed) > 2 and one.startswith(typed)]
    if near := (same or begun)[:1]:
        return did_you_mean(f"{'-' if len(one) == 1 else '--'}{one}" for one in near)
    # 2. The one that is most like it.
    return did_you_mean(nearest(f"--{typed}", [f"--{one}" for one in known if len(one) > 1]))


def check_seed(seed: int) -> None:
    """Refuse a seed that a generator cannot take.

    Raises:
        UserError: it is below 0 or 2^32 and more.
    """
    if not 0 <= seed < 2**32:
        raise UserError(f"seed is {seed}", "a whole number from 0 to 4,294,967,295", "Example: --seed 1")


def whole(word: str, name: str, least: int, most: int | None, next_step: str) -> int:
    """The whole number that a word says.

    Args:
        word: as typed.
        name: what it is, for the sentence: "the number of the sheet".
        least: the lowest that will do.
        most: the highest; None for no limit.
        next_step: what to type instead.

    Raises:
        UserError: it says no whole number, or one that will not do.
    """
    value = int(word) if re.fullmatch(r"[+-]?[0-9]{1,18}", word) else None
    if value is None or value < least or (most is not None and value > most):
        reach = f"from {least} on" if most is None else f"from {least} to {most}"
        raise UserError(f"{name} is {word!r}", f"a whole number {reach}", next_step)
    return value
