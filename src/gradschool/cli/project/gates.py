"""gradschool gates CHAPTER: proves a chapter's checks: right answers pass, blanks and mistakes do not."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import counted, hanging


@dataclass(frozen=True)
class Args:
    """Prove the checks of a chapter, or of one exercise."""

    name: Annotated[str, tyro.conf.Positional]
    """A chapter or an exercise by name."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Try every gate and say what holds; the exit code is 1 where one does not."""
    from gradschool.classroom.exercise.manifest import chapters, find_exercise
    from gradschool.classroom.gates.prove import prove

    whole = {chapter.id: [(chapter, exercise) for exercise in chapter.exercises] for chapter in chapters()}
    results = [found for pair in whole.get(args.name) or [find_exercise(args.name)] for found in prove(*pair)]
    for found in results:
        verdict = "holds" if not found.fault else found.fault
        print(hanging(f" {found.exercise:<22} {found.gate:<26} ", verdict))
    faults = [found for found in results if found.fault]
    print(f" {counted(len(results) - len(faults), 'gate')} of {len(results)} hold")
    finish(args, {"gates": [vars(found) for found in results]})
    return int(bool(faults))
