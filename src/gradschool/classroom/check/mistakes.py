"""Known mistakes: the reference with one plausible slip in it, to give a wrong answer its name."""

import ast
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from gradschool.classroom.check.compare import leaves
from gradschool.classroom.check.ladder import Ladder
from gradschool.classroom.check.remote import Local
from gradschool.classroom.check.report import Failure
from gradschool.classroom.check.subject import under_test
from gradschool.classroom.exercise.manifest import Exercise, Mutant, source_of
from gradschool.classroom.exercise.strip import find, read_source, split
from gradschool.errors import UserError


def known_mistake(exercise: Exercise, check: Callable[[Ladder], None], failure: Failure, stage: str) -> str:
    """The sentence of the mutant that falls at the same stage with the same results; "" if none does."""
    if failure.outcome in ("timeout", "memory", "syntax", "import") or stage == "rules":
        return ""
    for mutant in exercise.mutants:
        if mutant.stage == stage:
            fall = how_it_falls(exercise, mutant, check)
            if fall and fall.outcome == failure.outcome and same(fall.came, failure.came):
                return mutant.why
    return ""


def how_it_falls(exercise: Exercise, mutant: Mutant, check: Callable[[Ladder], None]) -> Failure | None:
    """The failure of a mutant on the ladder; None if it survives."""
    ladder = Ladder(Local(function_from(exercise, mutated(exercise, mutant))))
    try:
        check(ladder)
        ladder.finish()
    except Failure as failure:
        return failure if (failure.stage or ladder.stage) == mutant.stage else None
    return None


def mutated(exercise: Exercise, mutant: Mutant) -> str:
    """The target's module with the mutant's slip.

    Raises:
        UserError: `find` does not occur exactly once in the function.
    """
    return put_in(read_source(source_of(exercise.target)), exercise.function, mutant)


def put_in(source: str, name: str, mutant: Mutant) -> str:
    """A source whose function `name` has the mutant's slip; Raises: as `mutated`."""
    function, _ = find(ast.parse(source), name)
    lines = split(source)
    start, end = function.lineno - 1, function.end_lineno
    text = "".join(lines[start:end])
    if (count := text.count(mutant.find)) != 1:
        raise UserError(f"{mutant.find!r} occurs {count} times in {name}", "once", "Mend the mutant.")
    return "".join([*lines[:start], text.replace(mutant.find, mutant.put), *lines[end:]])


def function_from(exercise: Exercise, source: str) -> Callable[..., Any]:
    """The exercise's function out of a changed source of its module."""
    module = types.ModuleType(exercise.module)
    exec(compile(source, f"<{exercise.module}, changed>", "exec"), module.__dict__)
    function: Callable[..., Any] = under_test(module, exercise.function)
    return function


def same(a: object, b: object) -> bool:
    """Whether two failures' results are the same up to rounding, in every case."""
    ours, theirs = list(leaves(a)), list(leaves(b))
    if [path for path, _ in ours] != [path for path, _ in theirs]:
        return False
    for (_, x), (_, y) in zip(ours, theirs, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        if x.shape != y.shape or x.dtype.kind in "OUS" or y.dtype.kind in "OUS":
            if not np.array_equal(x, y):
                return False
        elif not np.allclose(x, y, rtol=1e-3, atol=1e-5, equal_nan=True):
            return False
    return True
