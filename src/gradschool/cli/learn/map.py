"""gradschool map: the course, what is done, what is next, and where to stop."""

from dataclasses import dataclass
from pathlib import Path

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """The course map: chapters, minutes, what is done, the next step."""

    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Print one line a chapter."""
    from gradschool.classroom.workspace.layout import find_workspace
    from gradschool.classroom.workspace.progress import course_map, how_to, next_exercise

    chapters = course_map(find_workspace(args.dir))
    # 1. The chapters; a filled square is an exercise that passed.
    done = [e for chapter in chapters for e in chapter["exercises"] if e["done"]]
    total = sum(len(chapter["exercises"]) for chapter in chapters)
    minutes = sum(e["minutes"] for e in done)
    print(f"gradschool · {len(done)} of {total} exercises · {minutes} minutes of work done")
    width = max(len(chapter["title"]) for chapter in chapters)
    most = max(len(chapter["exercises"]) for chapter in chapters)
    for chapter in chapters:
        squares = "".join("■" if e["done"] else "□" for e in chapter["exercises"])
        name = f"{chapter['number']:>3} {chapter['title']:<{width}}"
        print(f" {name}  {squares:<{most}}  {chapter['minutes']:>4} min   gradschool start {chapter['id']}")
    # 2. What to do now, and how far it is to the next good place to stop.
    if waiting := next_exercise(chapters):
        name, exercise = waiting
        chapter = next(c for c in chapters if c["id"] == name)
        left = sum(e["minutes"] for e in chapter["exercises"] if not e["done"])
        print(f" next     {exercise['id']} ({exercise['minutes']} min): {how_to(name, exercise)}")
        if exercise["file"]:
            print(f" write    in {exercise['file']}")
        print(f" stop     a good place is the end of {chapter['title']}, {left} minutes from here")
        seen = "all commands: gradschool --help"
        print(
            f" see      {seen}"
            if done
            else f" see      something run first: gradschool train digits · {seen}"
        )
    else:
        print(" next     all done. Train something of your own: gradschool train folder --data PATH")
    finish(args, {"chapters": chapters})
    return 0
