"""gradschool glossary TERM: what a term of the field means and where the course introduces it."""

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from gradschool.cli.main import finish
from gradschool.phrases import command, counted

if TYPE_CHECKING:
    from gradschool.classroom.author.glossary import Term
    from gradschool.classroom.exercise.manifest import Chapter


@dataclass(frozen=True)
class Args:
    """What a term means; without one, all terms by chapter."""

    term: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """In any spelling, e.g. vanishing gradient."""
    papers: bool = False
    """The papers, books and lectures that the course names instead, or those with TERM in them."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Print one entry, or a list."""
    from rich.console import Console

    from gradschool.classroom.author.glossary import find_term, glossary

    wanted, console = " ".join(args.term), Console(width=min(Console().width, 100), highlight=False)
    if args.papers:
        finish(args, {"papers": papers(wanted, console)})
    elif wanted:
        name, term, chapter = find_term(wanted)
        also = f" (also: {', '.join(term.also)})" if term.also else ""
        said(console, f" {name}{also}")
        said(console, term.means, 3)
        print(f" read     chapter {chapter.number}, {chapter.title}: {command('read', chapter.id)}")
        finish(args, record(name, term, chapter))
    else:
        entries = [(name, *found) for name, found in glossary().items()]
        for chapter, group in groupby(entries, key=lambda entry: entry[2]):
            said(console, f" {chapter.number} {chapter.title}")
            said(console, ", ".join(entry[0] for entry in group), 3)
        print(f" next     one of {len(entries)} terms: {command('glossary TERM')}")
        finish(args, {"terms": [record(*entry) for entry in entries]})
    return 0


def papers(wanted: str, console: Any) -> list[dict[str, Any]]:
    """Print the literature whose authors, title or year hold the wanted text; returns it."""
    from gradschool.classroom.author.references import literature

    found = [
        {**reference.model_dump(), "link": reference.link, "chapters": [one.id for one in where]}
        for reference, where in literature()
        if wanted.lower() in f"{' '.join(reference.authors)} {reference.title} {reference.year}".lower()
    ]
    for each in found:
        said(
            console,
            f" {', '.join(each['authors'])}, {each['year']}. {each['title']}. {each['venue']}".rstrip(" ."),
        )
        said(console, f"{each['link']} ({', '.join(each['chapters'])})", 3)
    print(f" {counted(len(found), 'entry', 'entries')}")
    return found


def said(console: Any, text: str, indent: int = 0) -> None:
    """A paragraph as wide as the terminal, formulas in Unicode."""
    from rich.padding import Padding

    from gradschool.classroom.author.terminal import plain_math

    console.print(Padding(plain_math(text), (0, 0, 0, indent)), markup=False)


def record(name: str, term: "Term", chapter: "Chapter") -> dict[str, Any]:
    """A term as data."""
    return {"term": name, "means": term.means, "also": list(term.also), "chapter": chapter.id}
