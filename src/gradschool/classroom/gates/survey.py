"""Lets machine-made mutants walk the ladder of their exercise, each in a process of its own.

`python -m gradschool.classroom.gates.survey [EXERCISE ...]` prints which survive; with `--table FILE` it
writes the table of the docs.
"""

import argparse
import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gradschool.classroom.check.judge import check_of
from gradschool.classroom.check.ladder import Ladder
from gradschool.classroom.check.limits import address_space
from gradschool.classroom.check.mistakes import walked
from gradschool.classroom.exercise.manifest import Chapter, Exercise, chapters, find_exercise, source_of
from gradschool.classroom.exercise.strip import read_source
from gradschool.classroom.gates import slips as runtime
from gradschool.classroom.gates.mutants import Slip, slips

Fate = Literal["killed", "survived", "none"]
FATES: tuple[Fate, ...] = ("killed", "survived", "none")


@dataclass(frozen=True)
class Survey:
    """What became of an exercise's mutants.

    Args:
        exercise: whose.
        killed: how many fell.
        survivors: those that passed and are not known as equivalent.
        equivalent: how many passed and are known as equivalent.
    """

    exercise: Exercise
    killed: int
    survivors: tuple[Slip, ...]
    equivalent: int

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
    """What becomes of a mutant in a forked process with limits; one that takes too long is killed."""
    child = os.fork()
    if child == 0:
        code = 0
        with contextlib.suppress(BaseException):
            code = FATES.index(alone(exercise, slip, check))
        os._exit(code)
    end, status = time.monotonic() + exercise.seconds + 10, 0
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
    most = address_space() + 2**31
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    runtime.APPLIED.clear()
    failure, _ = walked(exercise, slip.source, check)
    if "gates.slips" in slip.now and not runtime.APPLIED:
        return "none"
    return "killed" if failure else "survived"


def table(surveys: Sequence[Survey]) -> str:
    """The table of the docs, in Markdown."""
    rows = [
        f"| {each.exercise.id} | {each.total} | {each.killed} | {len(each.survivors)} | {each.equivalent} |"
        for each in surveys
    ]
    total, killed = sum(each.total for each in surveys), sum(each.killed for each in surveys)
    equal = sum(each.equivalent for each in surveys)
    rows.append(f"| **all** | {total} | {killed} ({killed / total:.1%}) | {total - killed} | {equal} |")
    return (
        "\n".join(["| exercise | mutants | fall | survive | equivalent |", "|--|--|--|--|--|", *rows]) + "\n"
    )


def main(words: Sequence[str]) -> None:
    """Survey the exercises that are named, or all."""
    import torch

    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(prog="python -m gradschool.classroom.gates.survey", description=__doc__)
    parser.add_argument("exercises", nargs="*", help="ids of exercises or chapters; all if none is given")
    parser.add_argument("--table", type=Path, help="write the table there")
    asked = parser.parse_args(words)
    found = []
    for chapter in chapters():
        for exercise in chapter.exercises:
            if not asked.exercises or {exercise.id, chapter.id} & set(asked.exercises):
                one = survey(chapter, exercise)
                found.append(one)
                print(
                    f"{exercise.id}: {one.killed} of {one.total} fall, {one.equivalent} equivalent",
                    flush=True,
                )
                for slip in one.survivors:
                    print(f"   {slip.kind}: {slip.was}\n      -> {slip.now}", flush=True)
    if unknown := [name for name in asked.exercises if name not in {c.id for c in chapters()}]:
        for name in unknown:
            find_exercise(name)
    if asked.table:
        asked.table.write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
