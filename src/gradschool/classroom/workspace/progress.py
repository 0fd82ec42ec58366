"""What a learner has done, in one readable file: progress.json in the workspace.

A pass is remembered by the content that passed: of the learner's file, and of the check it passed.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from gradschool.classroom.check.report import Result
from gradschool.classroom.exercise.manifest import Chapter, Exercise, chapters, find_exercise, source_of
from gradschool.classroom.exercise.strip import decoded, is_attempted, read_source
from gradschool.classroom.workspace.layout import Workspace, write
from gradschool.errors import UserError
from gradschool.phrases import command

Located = tuple[Chapter, Exercise, Path]  # whose exercise, and the file with the work


def read(workspace: Workspace) -> dict[str, Any]:
    """The whole record: {"exercises": {id: ...}, "quizzes": {chapter: ...}}.

    Raises:
        UserError: progress.json is not readable, or holds something else.
    """
    file = workspace.root / "progress.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        content = {}
    except (ValueError, RecursionError) as error:
        raise no_record(file, f"is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise no_record(file, "holds no record of progress")
    whole: dict[str, Any] = {"exercises": {}, "quizzes": {}} | content
    for part in (whole["exercises"], whole["quizzes"]):
        if not (isinstance(part, dict) and all(isinstance(one, dict) for one in part.values())):
            raise no_record(file, "holds no record of progress")
    return whole


def no_record(file: Path, what: str) -> UserError:
    """The error of a progress.json that somebody or something has changed."""
    return UserError(
        f"{file} {what}", "the file as gradschool wrote it",
        "Mend it, or move it away and check again: your own files are not touched.",
    )  # fmt: skip


@contextmanager
def changing(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """The record, to change in place; written when the block ends, one writer at a time."""
    workspace.root.mkdir(parents=True, exist_ok=True)
    (workspace.root / ".course").mkdir(exist_ok=True)
    with FileLock(workspace.root / ".course" / "progress.lock"):
        content = read(workspace)
        yield content
        write(workspace.root / "progress.json", json.dumps(content, indent=1) + "\n")


def record_result(workspace: Workspace, chapter: Chapter, exercise: Exercise, result: Result) -> None:
    """Remember a verdict; faults of ours are not counted."""
    if result.outcome == "infra_error":
        return
    with changing(workspace) as content:
        one = content["exercises"].setdefault(exercise.id, {})
        one["tries"] = one.get("tries", 0) + (result.outcome != "not_attempted")
        one["last"] = result.outcome
        if result.passed:
            one |= {
                "passed": result.sha256, "check": check_version(chapter, exercise),
                "at": time.strftime("%Y-%m-%d %H:%M"), "stages": list(result.stages),
            }  # fmt: skip


def remembered(workspace: Workspace, chapter: Chapter, exercise: Exercise) -> bool:
    """Whether the learner's file, as it is now, has passed the check as it is now."""
    one, file = read(workspace)["exercises"].get(exercise.id, {}), workspace.file(chapter, exercise)
    if not file.is_file() or "passed" not in one:
        return False
    text = decoded(file.read_bytes()).encode(errors="surrogateescape")
    is_same = hashlib.sha256(text).hexdigest() == one["passed"]
    return is_same and one.get("check") == check_version(chapter, exercise)


def check_version(chapter: Chapter, exercise: Exercise) -> str:
    """A hash of all that decides a verdict: the checks, what the manifest says, and the reference."""
    parts = [
        *(file.read_bytes() for file in chapter.checks), exercise.model_dump_json().encode(),
        source_of(exercise.target).read_bytes(),
    ]  # fmt: skip
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def next_hint(workspace: Workspace, exercise: Exercise) -> tuple[int, int, str]:
    """The next hint's number, how many there are, and its text; after the last, the last again."""
    with changing(workspace) as content:
        one = content["exercises"].setdefault(exercise.id, {})
        number = min(one.get("hints", 0) + 1, len(exercise.hints))
        one["hints"] = number
    return number, len(exercise.hints), exercise.hints[number - 1]


def record_solution(workspace: Workspace, exercise: Exercise) -> None:
    """Remember that the solution was looked at."""
    with changing(workspace) as content:
        content["exercises"].setdefault(exercise.id, {})["solution"] = time.strftime("%Y-%m-%d %H:%M")


def record_quiz(workspace: Workspace, chapter: Chapter, answers: dict[str, bool]) -> None:
    """Remember which questions were answered right at once, and that the quiz was tried once more."""
    with changing(workspace) as content:
        one = content["quizzes"].setdefault(chapter.id, {"tries": 0, "right": {}})
        one["tries"] += 1
        one["right"] |= answers


def course_map(workspace: Workspace, course: Path | None = None) -> list[dict[str, Any]]:
    """The chapters with minutes, what is done, and what is next.

    Returns:
        For each chapter {id, number, title, part, needs, minutes, done, next, touched, exercises: [{id,
        target, minutes, mutants, state, done, hints, solution, file}]}; `next` is the id of its first
        exercise that is not done, or None; `touched` when the newest of its files was saved, 0 before
        `start`; `file` is the learner's, None before `start`; `state` as of `state_of`.
    """
    record, rows = read(workspace)["exercises"], []
    for chapter in chapters(course) if course else chapters():
        lines = [
            {
                "id": e.id, "target": e.target, "minutes": e.minutes, "mutants": len(e.mutants),
                "state": (state := state_of(e, file, record.get(e.id, {}))), "done": state == "done",
                "hints": record.get(e.id, {}).get("hints", 0),
                "solution": "solution" in record.get(e.id, {}),
                "file": str(file) if file.is_file() else None,
            }
            for e, file in ((e, workspace.file(chapter, e)) for e in chapter.exercises)
        ]  # fmt: skip
        waiting = [line["id"] for line in lines if not line["done"]]
        rows.append({
            "id": chapter.id, "number": chapter.number, "title": chapter.title, "part": chapter.part,
            "needs": chapter.needs,
            "minutes": chapter.minutes, "done": len(lines) - len(waiting),
            "next": waiting[0] if waiting else None, "exercises": lines,
            "touched": max((Path(e["file"]).stat().st_mtime for e in lines if e["file"]), default=0.0),
        })  # fmt: skip
    return rows


def state_of(exercise: Exercise, file: Path, record: dict[str, Any]) -> str:
    """How an exercise stands.

    Returns:
        "open"; "done", once it has passed; "blank" when it was laid out afresh since; "absent" when its file
        is gone since.
    """
    if "passed" not in record:
        return "open"
    if not file.is_file():
        return "absent"
    return "done" if is_begun(exercise, file) else "blank"


def next_exercise(chapters_: list[dict[str, Any]]) -> tuple[str, dict[str, Any]] | None:
    """What to do next, with its chapter's id; None when all is done.

    The first exercise that is not done, of the chapter that was worked on last if one waits there.
    """
    for chapter in sorted(chapters_, key=lambda row: -row["touched"]):
        for exercise in chapter["exercises"]:
            if not exercise["done"]:
                return chapter["id"], exercise
    return None


def how_to(chapter: str, exercise: dict[str, Any]) -> str:
    """The command with which an exercise goes on: start its chapter, or check what was written."""
    return command("check", exercise["id"]) if exercise["file"] else command("start", chapter)


def wanted(workspace: Workspace, name: str) -> tuple[Chapter, Exercise]:
    """The exercise of a name, or of a file of the workspace; without one, the next that is not done.

    Raises:
        UserError: there is none, or it is a file from elsewhere.
    """
    if name:
        chapter, exercise, file = located(workspace, name)
        if file != workspace.file(chapter, exercise):
            raise UserError(
                f"{name} is not in {workspace.root}", "an exercise's name, or its file there",
                f"To have this file looked at: {command('check', name)}",
            )  # fmt: skip
        return chapter, exercise
    waiting = next_exercise(course_map(workspace))
    last = chapters()[-1]
    return find_exercise(waiting[1]["id"]) if waiting else (last, last.exercises[-1])


def named(workspace: Workspace, names: Sequence[str], begun: bool = True) -> list[Located]:
    """The exercises of some names (of exercises, files or chapters), each with its file.

    Args:
        workspace: where they are laid out.
        names: without any, all that are laid out count.
        begun: without names, of those that nobody has begun only the first.

    Raises:
        UserError: nothing of the kind is there.
    """
    # 1. What was asked for.
    if names:
        known = {key: c for c in chapters() for key in (c.id, str(c.number), c.folder.name)}
        known |= {str(workspace.root / c.folder.name): c for c in chapters()}
        found: list[Located] = []
        for name in names:
            if chapter := known.get(name.rstrip("/")):
                found += [(chapter, e, workspace.file(chapter, e)) for e in chapter.exercises]
            else:
                found.append(located(workspace, name))
        return found
    # 2. Or all that is there.
    laid = list(workspace.exercises())
    if not laid:
        raise UserError(f"{workspace.root} has no exercises yet", "", f"Lay some out: {command('start')}")
    waiting = [exercise.id for _, exercise, file in laid if begun and not is_begun(exercise, file)][1:]
    return [(chapter, exercise, file) for chapter, exercise, file in laid if exercise.id not in waiting]


def located(workspace: Workspace, name: str) -> Located:
    """An exercise by its name or by a file, and the file that is meant: the very one, if it has a path.

    Raises:
        UserError: there is no such exercise or file, or the file says nowhere whose it is.
    """
    # 1. A name, or the name of a file in the workspace.
    path = Path(name)
    if path.name == name and not (path.suffix == ".py" and path.is_file()):
        chapter, exercise = find_exercise(name)
        return chapter, exercise, workspace.file(chapter, exercise)
    # 2. A file: whose it is says its name, or the first line that `start` wrote into it.
    path = next((place for place in (path, workspace.root / path) if place.is_file()), path)
    if not path.is_file():
        raise UserError(f"there is no file {name}", "", f"Name the exercise: {command('check EXERCISE')}")
    by_file = {exercise.slug: exercise.id for chapter in chapters() for exercise in chapter.exercises}
    head = re.match(r'\s*"""Exercise ([-\w]+) of ', decoded(path.read_bytes()))
    owner = by_file.get(path.stem.replace("-", "_")) or (head[1] if head else "")
    if not owner:
        raise UserError(
            f"{name} does not say whose file it is", "the name that `start` gave it, or its first line",
            "Name it after its exercise, as perceptron_update.py",
        )  # fmt: skip
    chapter, exercise = find_exercise(owner)
    mine = workspace.file(chapter, exercise)
    return chapter, exercise, mine if mine.exists() and mine.samefile(path) else path


def is_begun(exercise: Exercise, file: Path) -> bool:
    """Whether the learner has written anything that counts; a file that cannot be read counts."""
    try:
        return is_attempted(read_source(file), exercise.function)
    except (SyntaxError, ValueError, UserError):
        return True
