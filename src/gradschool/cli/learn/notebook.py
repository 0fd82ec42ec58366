"""gradschool notebook CHAPTER: a chapter as a Jupyter notebook."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.parts import need


@dataclass(frozen=True)
class Args:
    """Write a chapter as a notebook; one that is there already is never overwritten."""

    chapter: Annotated[str, tyro.conf.Positional] = ""
    """Name or number of the chapter; that of your next exercise if not given."""
    all: bool = False
    """Every chapter; those that are there already are left as they are."""
    kind: Literal["codealong", "exercise", "solution"] = "exercise"
    """codealong: the lecture's code to run and change; exercise: with blanks; solution: with answers."""
    out: Path | None = None
    """Its file, or the folder for --all; NN-topic-KIND.ipynb in your folder if not given."""
    repository: str | None = None
    """owner/name on GitHub, for an open-in-Colab badge and a first cell that installs."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Make it and write it."""
    need("nbformat", "notebooks", "a notebook")
    import nbformat

    from gradschool.classroom.author.notebooks import file_name, notebook
    from gradschool.classroom.exercise.manifest import find_chapter
    from gradschool.classroom.workspace.layout import find_workspace, write
    from gradschool.classroom.workspace.progress import wanted

    workspace = find_workspace(args.dir)
    if args.all:
        return everything(args, args.out or workspace.root)
    chapter = find_chapter(args.chapter) if args.chapter else wanted(workspace, "")[0]
    file = args.out or workspace.root / file_name(chapter, args.kind)
    if file.exists():
        raise UserError(f"{file} is there already, perhaps with your work", "a new file", "Use --out FILE.")
    write(file, nbformat.writes(notebook(chapter, args.kind, args.repository)))
    print(f" notebook {file}")
    finish(args, {"chapter": chapter.id, "kind": args.kind, "notebook": file})
    return 0


def everything(args: Args, folder: Path) -> int:
    """Write a notebook of every chapter that has none yet."""
    import nbformat

    from gradschool.classroom.author.notebooks import file_name, notebook
    from gradschool.classroom.exercise.manifest import chapters
    from gradschool.classroom.workspace.layout import write

    if args.chapter:
        wish = "one of the two"
        raise UserError(f"--all and the chapter {args.chapter!r} came together", wish, "Leave one out.")
    written = []
    for chapter in chapters():
        file = folder / file_name(chapter, args.kind)
        if file.exists():
            print(f" kept     {file}")
            continue
        write(file, nbformat.writes(notebook(chapter, args.kind, args.repository)))
        print(f" notebook {file}")
        written.append(file)
    finish(args, {"kind": args.kind, "notebooks": written})
    return 0
