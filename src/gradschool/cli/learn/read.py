"""gradschool read CHAPTER: the lecture, in the terminal or as one HTML page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Read a chapter's lecture here, or write it as one self-contained HTML page."""

    chapter: Annotated[str, tyro.conf.Positional]
    """Name or number of the chapter."""
    html: bool = False
    """Write the page in place of printing."""
    out: Path | None = None
    """The page's file; NN-topic.html in your folder if not given."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Resolve it, then show or write it."""
    from gradschool.classroom.author.render import resolve
    from gradschool.classroom.exercise.manifest import find_chapter
    from gradschool.classroom.workspace.layout import find_workspace, write

    chapter = find_chapter(args.chapter)
    blocks = resolve(chapter)
    if not (args.html or args.out):
        from gradschool.classroom.author.terminal import show

        show(blocks)
        print(f" next     gradschool start {chapter.id}")
        finish(args, {"chapter": chapter.id})
        return 0
    from gradschool.classroom.author.page import page

    file = args.out or find_workspace(args.dir).root / f"{chapter.folder.name}.html"
    write(file, page(chapter, blocks))
    print(f" page     {file}")
    finish(args, {"chapter": chapter.id, "page": file})
    return 0
