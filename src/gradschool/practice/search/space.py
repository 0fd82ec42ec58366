"""The search space: words such as `learning_rate=1e-4..1e-1:log` against a recipe's typed settings.

A range has two ends, and behind colons `log` for a logarithmic scale, `int` for whole numbers, or a step. A
list has its values between commas. Every end and every value passes the check that `--set` passes.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from gradschool.errors import UserError
from gradschool.runs.settings import OPTIONS, options_of, override, parsed, to_dict

FIXED = ("data", "val")  # scores on other validation parts cannot be compared
EXAMPLE = "Example: --over learning_rate=1e-4..1e-1:log, or --over batch_size=32,64,128"


@dataclass(frozen=True)
class Dimension:
    """One setting that is searched over.

    Args:
        name: of the setting; nested ones have dots.
        choices: the values to choose from; () for a range.
        low: lower end of a range.
        high: upper end.
        log: whether the range is searched on a logarithmic scale.
        whole: whether its values are whole numbers.
        step: distance of two neighbouring values; None for any value, or for 1 between whole numbers.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    step: float | None = None

    @property
    def is_range(self) -> bool:
        """Whether it is a range of numbers, and no list."""
        return not self.choices

    def distribution(self) -> Any:
        """As Optuna has it. Lists and groups are written as JSON: it knows plain values only."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.choices:
            return CategoricalDistribution([as_plain(value) for value in self.choices])
        if self.whole:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def values(self) -> list[Any]:
        """All values, as Optuna has them, where there are finitely many; else [].

        A logarithmic range of whole numbers counts as one of infinitely many.
        """
        if self.choices:
            return [as_plain(value) for value in self.choices]
        if self.log or not (self.whole or self.step):
            return []
        step = self.step or 1
        found = [self.low + i * step for i in range(math.floor((self.high - self.low) / step + 1e-9) + 1)]
        return [round(value) for value in found] if self.whole else found

    def assignment(self, value: Any) -> str:
        """A value of Optuna's as a word of the form key=value, as `--set` reads it."""
        return f"{self.name}={value if isinstance(value, str) else json.dumps(value)}"

    def to_json(self) -> dict[str, Any]:
        """For study.json; only what is set."""
        return {name: value for name, value in asdict(self).items() if value not in ((), None, False)}

    def __str__(self) -> str:
        if self.choices:
            return f"{self.name}={','.join(str(as_plain(value)) for value in self.choices)}"
        marks = ["log"] * self.log + ["int"] * self.whole + ([f"{self.step:g}"] if self.step else [])
        return ":".join([f"{self.name}={self.low:g}..{self.high:g}", *marks])


def as_plain(value: Any) -> Any:
    """A value as Optuna takes it: lists and groups become JSON."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def read_space(words: Sequence[str], run: Any, recipe: str) -> tuple[Dimension, ...]:
    """The search space that words of the form key=values describe.

    Args:
        words: as typed.
        run: the recipe's settings, which say what is allowed.
        recipe: its name, for sentences.

    Raises:
        UserError: there is no word, a setting does not exist or is named twice, or a value is not allowed.
    """
    if not words:
        raise UserError("there is nothing to search over", "--over SETTING=VALUES", EXAMPLE)
    found: dict[str, Dimension] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not equals or not name or not text:
            raise UserError(f"--over got {word!r}", "SETTING=VALUES", EXAMPLE)
        if name in found:
            raise UserError(f"--over names {name} twice", "each setting once", "Put all values into one.")
        if name in FIXED:
            what = f"--over got {name}"
            wanted = "a setting that leaves the validation part as it is"
            raise UserError(what, wanted, "Make one study for each value.")
        found[name] = checked(read_dimension(name, text), run, recipe)
    return tuple(found.values())


def read_dimension(name: str, text: str) -> Dimension:
    """What is written behind the equals sign: a range or a list.

    Raises:
        UserError: a range is not two numbers, the first below the second, with marks that fit them.
    """
    ends, *marks = text.split(":")
    low, dots, high = ends.partition("..")
    if not dots:
        return Dimension(name, tuple(listed(text)))
    ends_found = [parsed(low), parsed(high)]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in ends_found):
        raise UserError(f"--over {name} is {text!r}", "two numbers with two dots between them", EXAMPLE)
    least, most = map(float, ends_found)
    if not (math.isfinite(least) and math.isfinite(most) and least < most):
        raise UserError(f"--over {name} is {text!r}", "a finite number, and behind it a larger one", EXAMPLE)
    # What stands behind the colons.
    steps = [parsed(mark) for mark in marks if mark not in ("log", "int")]
    is_log, is_whole = "log" in marks, "int" in marks
    if len(steps) > 1 or not all(
        isinstance(step, int | float) and 0 < step <= most - least for step in steps
    ):
        wanted = "log, int, or a step that is not larger than the range"
        raise UserError(f"--over {name} has {':'.join(marks)!r} behind its range", wanted, EXAMPLE)
    if is_log and (steps or least <= 0):
        wanted = "a lower end above 0, and no step"
        raise UserError(f"--over {name} is {text!r}, on a logarithmic scale", wanted, EXAMPLE)
    are_whole = all(value == round(value) for value in (least, most, *steps))
    if is_whole and not are_whole:
        raise UserError(f"--over {name} is {text!r}", "whole numbers, as int says", EXAMPLE)
    return Dimension(name, (), least, most, is_log, is_whole, float(steps[0]) if steps else None)


def listed(text: str) -> list[Any]:
    """The values between commas: as JSON where all of it is JSON, so that lists can be values."""
    try:
        return cast(list[Any], json.loads(f"[{text}]"))
    except ValueError:
        return [parsed(part) for part in text.split(",") if part.strip()]


def checked(dimension: Dimension, run: Any, recipe: str) -> Dimension:
    """The dimension, once the recipe's settings take its values; whole where they take whole numbers only.

    Raises:
        UserError: the setting does not exist, or it does not take a value; the sentence is that of `--set`.
    """
    name = dimension.name
    group, _, option = name.partition(".")
    known = options_of(type(run), to_dict(run)) if group == OPTIONS and option else []
    if known and option not in known and option not in to_dict(run)[OPTIONS]:
        raise UserError(f"{recipe}'s model has no option {option!r}", f"one of {', '.join(known)}", "")
    if dimension.choices:
        for value in dimension.choices:
            override(run, [dimension.assignment(value)], recipe)
        if len({as_text(value) for value in dimension.choices}) < len(dimension.choices):
            raise UserError(f"--over {name} has a value twice", "different values", EXAMPLE)
        return dimension
    # 1. A range's upper end is a whole number of steps away from the lower one.
    if dimension.step:
        steps = math.floor((dimension.high - dimension.low) / dimension.step + 1e-9)
        dimension = replace(dimension, high=round(dimension.low + steps * dimension.step, 12))
    # 2. Both ends, as whole numbers where its setting holds one.
    ends = (dimension.low, dimension.high, *([dimension.step] if dimension.step else []))
    is_written_whole = all(value == round(value) for value in ends)
    whole = dimension.whole or (is_written_whole and holds_whole(run, name, dimension.low, recipe))
    for end in (dimension.low, dimension.high):
        override(run, [dimension.assignment(int(end) if whole else end)], recipe)
    return replace(dimension, whole=whole)


def as_text(value: Any) -> str:
    """A value by which two are told apart: 1 and true are different."""
    return json.dumps(value, sort_keys=True)


def holds_whole(run: Any, name: str, low: float, recipe: str) -> bool:
    """Whether a setting takes whole numbers only, or holds one where it takes anything."""
    try:
        override(run, [f"{name}={low + 0.5}"], recipe)
    except UserError:
        return True
    place: Any = to_dict(run)
    for part in name.split("."):
        place = place.get(part) if isinstance(place, Mapping) else None
    return isinstance(place, int) and not isinstance(place, bool) and name.startswith(OPTIONS)
