"""gradschool read CHAPTER: the lecture in the terminal or as an HTML page, or the whole course as pages."""

import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from gradschool.cli.main import finish
from gradschool.errors import UserError
from gradschool.phrases import command

if TYPE_CHECKING:
    from gradschool.classroom.exercise.manifest import Chapter


@dataclass(frozen=True)
class Args:
    """Read a chapter's lecture here, or write it as one self-contained HTML page."""

    chapter: Annotated[str, tyro.conf.Positional] = ""
    """Name or number of the chapter; that of your next exercise if not given."""
    html: bool = False
    """Write the page instead of printing the text."""
    open: bool = False
    """Write the page and open it in the browser."""
    all: bool = False
    """Write the whole course: the map, a page a chapter, the glossary, the references."""
    out: Path | None = None
    """The page's file, or the folder for --all; in your folder if not given."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Resolve it, then show or write it."""
    from gradschool.classroom.author.render import resolve
    from gradschool.classroom.author.terminal import console_here, paged
    from gradschool.classroom.exercise.manifest import find_chapter
    from gradschool.classroom.workspace.layout import find_workspace
    from gradschool.classroom.workspace.progress import wanted

    if args.all and args.chapter:
        wish = "one of the two"
        raise UserError(f"--all and the chapter {args.chapter!r} came together", wish, "Leave one out.")
    workspace = find_workspace(args.dir)
    if args.all:
        return pages(args, args.out or workspace.root / "pages")
    chapter = find_chapter(args.chapter) if args.chapter else wanted(workspace, "")[0]
    if args.html or args.open or args.out:
        name, file = f"{chapter.folder.name}.html", args.out or workspace.root
        return one_page(args, chapter, file / name if file.is_dir() or not args.out else file)
    paged(resolve(chapter), console_here())
    print(f" next     {command('start', chapter.id)}")
    finish(args, {"chapter": chapter.id})
    return 0


def one_page(args: Args, chapter: "Chapter", file: Path) -> int:
    """Write a chapter's page; it links to those that lie beside it."""
    from gradschool.classroom.author.book import beside
    from gradschool.classroom.author.page import page
    from gradschool.classroom.author.render import resolve
    from gradschool.classroom.workspace.layout import write

    write(file, page(chapter, resolve(chapter), {file.name, *beside(file.parent)}))
    print(f" page     {file}")
    show(args, file)
    finish(args, {"chapter": chapter.id, "page": file})
    return 0


def pages(args: Args, folder: Path) -> int:
    """Write the whole course."""
    from gradschool.classroom.author.book import book
    from gradschool.classroom.workspace.layout import write

    written = []
    for name, text in book():
        write(folder / name, text)
        written.append(folder / name)
        print(f" page     {folder / name}")
    show(args, folder / "index.html")
    finish(args, {"pages": written, "index": folder / "index.html"})
    return 0


def show(args: Args, file: Path) -> None:
    """Open a page in the browser, if that was asked for."""
    if args.open and not webbrowser.open(file.resolve().as_uri()):
        print(f" open     no browser could be started here: open {file} in one")
