"""Known mistakes: the reference with one plausible slip in it, to give a wrong answer its name."""

import ast
import types
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from gradschool.classroom.check.calls import same_calls, weight
from gradschool.classroom.check.compare import Tolerance
from gradschool.classroom.check.ladder import Ladder
from gradschool.classroom.check.remote import Local
from gradschool.classroom.check.report import Failure
from gradschool.classroom.check.subject import under_test
from gradschool.classroom.check.watch import CHANGED, DREW
from gradschool.classroom.exercise.manifest import Exercise, source_of
from gradschool.classroom.exercise.record import Mutant
from gradschool.classroom.exercise.strip import find, read_source, split
from gradschool.errors import UserError

ENOUGH = 2  # what the calls that tell a mutant from the right answer must weigh together


def known_mistake(
    exercise: Exercise, check: Callable[[Ladder], None], failure: Failure, ladder: Ladder
) -> str:
    """The sentence of the mutant whose results are the learner's; "" if there is none.

    A name is given only if the mutant stops at the same stage with the same outcome, gives the same in every
    call up to there, to the check's own tolerance, and if these calls are evidence enough: a crash or a NaN
    alone has many causes.

    Args:
        exercise, check: what was judged.
        failure: where the learner's answer stopped.
        ladder: that it stopped on.
    """
    stage = failure.stage or ladder.stage
    ours = ladder.subject.calls
    if failure.outcome in ("timeout", "memory", "syntax", "import") or stage == "rules" or not ours:
        return ""
    loose = ladder.tolerance
    tolerance = Tolerance(
        min(max(loose.rtol, 1e-6), 1e-3),
        min(max(loose.atol, 1e-9), 1e-3),
        "one processor, two orders of sums",
    )
    truth = walked(exercise, read_source(source_of(exercise.target)), check)[1].subject.calls
    paired = [weight(call, right, tolerance) for call, right in zip_longest(ours, truth[: len(ours)])]
    if sum(paired) < ENOUGH:
        return ""
    for mutant in exercise.mutants:
        if mutant.stage == stage:
            fall, theirs = walked(exercise, mutated(exercise, mutant), check)
            if fall is None or (fall.stage or theirs.stage, fall.outcome) != (stage, failure.outcome):
                continue
            if same_calls(ours, theirs.subject.calls, tolerance):
                return mutant.why
    return ""


def walked(exercise: Exercise, source: str, check: Callable[[Ladder], None]) -> tuple[Failure | None, Ladder]:
    """Let a source of the target's module walk the ladder: its failure, None if it passes; the ladder."""
    ladder = Ladder(Local(function_from(exercise, source), exercise.function), allowed(exercise))
    try:
        check(ladder)
        ladder.finish()
    except Failure as failure:
        return failure, ladder
    return None, ladder


def allowed(exercise: Exercise) -> tuple[str, ...]:
    """What the function of an exercise may do besides, as sentences of `watch`."""
    changed = [CHANGED.format(name) for name in exercise.in_place]
    return (*changed, *(DREW.format(who) for who in exercise.draws_from))


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
    module.__file__ = str(source_of(exercise.target))  # some modules look for a file beside them
    exec(compile(source, f"<{exercise.module}, changed>", "exec"), module.__dict__)
    function: Callable[..., Any] = under_test(module, exercise.function)
    return function
