"""gradschool start CHAPTER: lay out a chapter's files, never over work that is there."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import command, counted, hanging

STATES = {
    "new": "", "kept": "", "updated": "new version, you had not begun",
    "merged": "new version, your work carried over; a backup is in .course/backup",
    "conflict": "new version: look at the lines between <<<<<<< and >>>>>>>; a backup is in .course/backup",
}  # fmt: skip


@dataclass(frozen=True)
class Args:
    """Lay out a chapter's exercises as plain Python files; running it again overwrites nothing."""

    chapter: Annotated[str, tyro.conf.Positional] = ""
    """Name or number of the chapter; the next one if not given."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Lay the files out and say where to begin."""
    from gradschool.classroom.exercise.manifest import find_chapter
    from gradschool.classroom.workspace.layout import find_workspace, start
    from gradschool.classroom.workspace.progress import course_map, next_exercise, remembered

    # 1. Which chapter: the one asked for, or the next that is not done.
    workspace = find_workspace(args.dir)
    waiting = next_exercise(course_map(workspace))
    chapter = find_chapter(args.chapter or (waiting or ("1", {}))[0])
    laid = start(chapter, workspace)
    # 2. What is there, and where to begin.
    told = (
        f"Chapter {chapter.number} · {chapter.title} · {counted(len(laid), 'exercise')}, "
        f"about {chapter.minutes} minutes · {chapter.needs}"
    )
    print(hanging("", told))
    passed = {one.exercise.id for one in laid if remembered(workspace, chapter, one.exercise)}
    for one in laid:
        print(f" {one.file}   {'passed' if one.exercise.id in passed else STATES[one.state] or place(one)}")
    print(hanging(" read     ", f"the lecture: {command('read', chapter.id)}"))
    waiting_here = [one for one in laid if one.exercise.id not in passed]
    if not passed:
        print(hanging(" then     ", f"write in the first file, and: {command('check --watch')}"))
    elif waiting_here:
        print(hanging(" then     ", f"write in {waiting_here[0].file.name}, and: {command('check --watch')}"))
    else:
        print(hanging(" then     ", f"all passed; a few questions wait: {command('quiz', chapter.id)}"))
    files = [asdict(one) | {"exercise": one.exercise.id, "passed": one.exercise.id in passed} for one in laid]
    finish(args, {"chapter": chapter.id, "files": files})
    return 0


def place(one: Any) -> str:
    """Where to write in a file that nobody has begun; of one that somebody has, that it stays."""
    from gradschool.classroom.workspace.progress import is_begun

    if one.state == "kept" and is_begun(one.exercise, one.file):
        return "begun, left as it is"
    line = first_blank(one.file)
    return f"line {line}" if line else ""


def first_blank(file: Path) -> int | None:
    """The line with `raise NotAttempted`, if there still is one."""
    from gradschool.classroom.exercise.strip import read_source

    for number, line in enumerate(read_source(file).splitlines(), 1):
        if line.strip() == "raise NotAttempted":
            return number
    return None
