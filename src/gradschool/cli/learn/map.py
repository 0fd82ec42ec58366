"""gradschool map: the course, what is done, what is next, and where to stop."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.cli.main import finish
from gradschool.phrases import command, counted, hanging


@dataclass(frozen=True)
class Args:
    """The course map: chapters, minutes, what is done, the next step."""

    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


SIGNS = {"done": "■", "open": "□", "blank": "◪", "absent": "▣"}
MEANINGS = {"blank": "passed before, blank again", "absent": "passed before, its file is gone"}


def run(args: Args) -> int:
    """Print one line a chapter, under the headings of its part."""
    from gradschool.classroom.workspace.layout import find_workspace
    from gradschool.classroom.workspace.progress import course_map, how_to, next_exercise

    chapters = course_map(find_workspace(args.dir))
    # 1. The chapters; a filled square is an exercise that passed.
    exercises = [exercise for chapter in chapters for exercise in chapter["exercises"]]
    done = [exercise for exercise in exercises if exercise["done"]]
    minutes = sum(exercise["minutes"] for exercise in done)
    worked = f"{counted(minutes, 'minute')} of work done"
    print(hanging("", f"gradschool · {len(done)} of {len(exercises)} exercises · {worked}"))
    print("\n".join(listed(chapters)))
    seen = {exercise["state"] for exercise in exercises}
    print("".join(f" {SIGNS[state]} {text}\n" for state, text in MEANINGS.items() if state in seen), end="")
    # 2. What to do now, and how far it is to the next good place to stop.
    if waiting := next_exercise(chapters):
        name, exercise = waiting
        chapter = next(c for c in chapters if c["id"] == name)
        left = sum(e["minutes"] for e in chapter["exercises"] if not e["done"])
        say("next", f"{exercise['id']} ({exercise['minutes']} min): {how_to(name, exercise)}")
        if exercise["file"]:
            say("write", f"in {exercise['file']}")
        say("stop", f"a good place is the end of {chapter['title']}, {left} minutes from here")
        commands = f"all commands: {command('--help')}"
        say("see", commands if done else f"something run first: {command('train digits')} · {commands}")
    else:
        say("next", f"all done. Train something of your own: {command('train folder --data PATH')}")
    finish(args, {"chapters": chapters})
    return 0


def say(head: str, text: str) -> None:
    """One line below the map."""
    print(hanging(f" {head:<8} ", text))


def listed(chapters: list[dict[str, Any]]) -> list[str]:
    """The map's lines: parts, and chapters with squares and minutes; a narrow terminal shows no titles."""
    ids = max(len(chapter["id"]) for chapter in chapters)
    titles = max(len(chapter["title"]) for chapter in chapters)
    most = max(len(chapter["exercises"]) for chapter in chapters)
    width = shutil.get_terminal_size(fallback=(100, 24)).columns
    is_wide = 5 + titles + 2 + ids + 1 + most + 9 < width
    lines = []
    for chapter in chapters:
        if chapter["part"]:
            lines.append(f" {chapter['part']}")
        name = (
            f"{chapter['title']:<{titles}}  {chapter['id']:<{ids}}" if is_wide else f"{chapter['id']:<{ids}}"
        )
        squares = "".join(SIGNS[exercise["state"]] for exercise in chapter["exercises"])
        lines.append(f" {chapter['number']:>3} {name} {squares:<{most}} {chapter['minutes']:>4} min")
    return [*lines, hanging("     ", f"a chapter begins with: {command('start NAME')}")]
