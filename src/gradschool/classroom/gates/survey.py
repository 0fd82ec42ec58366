"""Lets machine-made answers, wrong and right, walk the ladder of their exercise, each in its own process.

`python -m gradschool.classroom.gates.survey [EXERCISE ...]` prints which mutants survive and which right
answers fall; with `--table FILE` it puts the rows of these exercises into the table of the docs.
"""

import argparse
import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from gradschool.classroom.check.judge import check_of
from gradschool.classroom.check.ladder import Ladder
from gradschool.classroom.check.limits import address_space
from gradschool.classroom.check.mistakes import walked
from gradschool.classroom.exercise.manifest import Chapter, Exercise, chapters, find_exercise, source_of
from gradschool.classroom.exercise.strip import read_source
from gradschool.classroom.gates import slips as runtime
from gradschool.classroom.gates.mutants import Slip, slips
from gradschool.classroom.gates.promises import promised, unproved
from gradschool.classroom.gates.rewrites import rewrites

Fate = Literal["killed", "survived", "none"]
FATES: tuple[Fate, ...] = ("killed", "survived", "none")


@dataclass(frozen=True)
class Survey:
    """What became of an exercise's mutants, right answers and promises: gates 8, 9 and 10.

    Args:
        exercise: whose.
        killed: how many mutants fell.
        survivors: those that passed and are not known as equivalent.
        equivalent: how many passed and are known as equivalent.
        forms: how many rewritings of the reference there are.
        refused: names of those that did not pass.
    """

    exercise: Exercise
    killed: int
    survivors: tuple[Slip, ...]
    equivalent: int
    forms: int = 0
    refused: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Mutants that are no equivalents."""
        return self.killed + len(self.survivors)


def survey(chapter: Chapter, exercise: Exercise, chosen: Sequence[Slip] | None = None) -> Survey:
    """Let an exercise's mutants walk its ladder.

    Args:
        chapter, exercise: whose check.
        chosen: mutants; all if None.

    Raises:
        Failure: the reference itself does not pass.
    """
    check = check_of(chapter, exercise)
    known = {(each.was, each.now) for each in exercise.equivalents}
    # The reference passes, and what it imports is there for every fork.
    if failure := walked(exercise, read_source(source_of(exercise.target)), check)[0]:
        raise failure
    killed, equivalent, survivors = 0, 0, []
    for slip in slips(exercise) if chosen is None else chosen:
        fate = fate_of(exercise, slip, check)
        if fate == "survived" and (slip.was, slip.now) in known:
            equivalent += 1
        elif fate == "survived":
            survivors.append(slip)
        killed += fate == "killed"
    return Survey(exercise, killed, tuple(survivors), equivalent)


def fate_of(exercise: Exercise, slip: Slip, check: Callable[[Ladder], None]) -> Fate:
    """What becomes of a mutant in a forked process with limits; one that takes too long is killed.

    The limit is of the processor's time, so that a busy machine kills no other mutants; one that waits for
    ever is killed by the clock.
    """
    child = os.fork()
    if child == 0:
        code = 0
        with contextlib.suppress(BaseException):
            code = FATES.index(alone(exercise, slip, check))
        os._exit(code)
    end, status = time.monotonic() + 10 * (exercise.seconds + 10), 0
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return FATES[os.waitstatus_to_exitcode(status)] if os.WIFEXITED(status) else "killed"
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "killed"


def alone(exercise: Exercise, slip: Slip, check: Callable[[Ladder], None]) -> Fate:
    """In the forked process: walk the ladder, without a word, without eating the machine."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    torch.set_num_threads(1)  # OpenMP's other threads stay behind in a fork, and waiting for them has no end
    most = address_space() + 2**31
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    seconds = int(exercise.seconds) + 10
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    runtime.APPLIED.clear()
    failure, _ = walked(exercise, slip.source, check)
    if "gates.slips" in slip.now and not runtime.APPLIED:
        return "none"
    return "killed" if failure else "survived"


def rewritten(chapter: Chapter, exercise: Exercise, found: Survey) -> Survey:
    """The same survey with what became of the reference written in other ways."""
    # A machine writes no comments, so no steps.
    whole, check = exercise.model_copy(update={"steps": "all"}), check_of(chapter, exercise)
    made = dict(rewrites(exercise))
    refused = [
        name
        for name, source in made.items()
        if fate_of(whole, Slip("form", "", name, source), check) != "survived"
    ]
    return replace(found, forms=len(made), refused=tuple(refused))


HEAD = """| exercise | mutants | fall | survive | equivalent | right answers | pass | promises | with a case |
|--|--|--|--|--|--|--|--|--|
"""


def row(found: Survey) -> str:
    """A line of the table of the docs."""
    promises, bare = len(promised(found.exercise)), len(unproved(found.exercise))
    cells = (
        found.exercise.id, found.total, found.killed, len(found.survivors), found.equivalent,
        found.forms, found.forms - len(found.refused), promises, promises - bare,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def table(rows: Sequence[str]) -> str:
    """The table of the docs, in Markdown, with its sums."""
    numbers = [list(map(int, line.strip("| ").split(" | ")[1:])) for line in rows]
    total, killed, *rest = map(sum, zip(*numbers, strict=True))
    sums = [total, f"{killed} ({killed / total:.1%})", *rest]
    return HEAD + "\n".join([*rows, f"| **all** | {' | '.join(map(str, sums))} |"]) + "\n"


def renewed(file: Path, found: Sequence[Survey]) -> str:
    """The text of the docs with new rows for the exercises that were surveyed, in the order of the course."""
    before = file.read_text(encoding="utf-8") if file.exists() else HEAD
    text, _, old = before.partition(HEAD)
    rows = {line.split(" | ")[0].strip("| "): line for line in old.splitlines() if "**" not in line}
    rows |= {each.exercise.id: row(each) for each in found}
    order = [exercise.id for chapter in chapters() for exercise in chapter.exercises]
    return text + table([rows[name] for name in order if name in rows])


def main(words: Sequence[str]) -> None:
    """Survey the exercises that are named, or all."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(prog="python -m gradschool.classroom.gates.survey", description=__doc__)
    parser.add_argument("exercises", nargs="*", help="ids of exercises or chapters; all if none is given")
    parser.add_argument("--table", type=Path, help="write the table there")
    asked = parser.parse_args(words)
    if unknown := [name for name in asked.exercises if name not in {c.id for c in chapters()}]:
        for name in unknown:
            find_exercise(name)
    found = []
    for chapter in chapters():
        for exercise in chapter.exercises:
            if not asked.exercises or {exercise.id, chapter.id} & set(asked.exercises):
                one = rewritten(chapter, exercise, survey(chapter, exercise))
                found.append(one)
                tell(one)
                if asked.table:
                    asked.table.write_text(renewed(asked.table, found), encoding="utf-8")


def tell(one: Survey) -> None:
    """Lines for a terminal."""
    passed = one.forms - len(one.refused)
    print(
        f"{one.exercise.id}: {one.killed} of {one.total} mutants fall, {one.equivalent} equivalent; "
        f"{passed} of {one.forms} right answers pass",
        flush=True,
    )
    for slip in one.survivors:
        print(f"   {slip.kind}: {slip.was}\n      -> {slip.now}", flush=True)
    for name in one.refused:
        print(f"   refused: the reference as {name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
