"""The whole course as pages in one folder: the map, a page a chapter, the glossary, the literature."""

import html
from collections.abc import Collection, Iterator
from pathlib import Path

from gradschool.classroom.author.frame import WHOLE, Entry, framed
from gradschool.classroom.author.glossary import glossary
from gradschool.classroom.author.markup import markdown, slug
from gradschool.classroom.author.page import file_name, page
from gradschool.classroom.author.references import literature
from gradschool.classroom.author.render import resolve
from gradschool.classroom.exercise.manifest import COURSE, Chapter, chapters
from gradschool.phrases import counted


def book(runs: bool = True) -> Iterator[tuple[str, str]]:
    """Every page of the course, by the name of its file, as soon as it is made.

    Args:
        runs: whether the lectures' code is run and their figures are drawn.
    """
    published = {*WHOLE, *(file_name(chapter.folder.name) for chapter in chapters())}
    anchors: set[str] = set()
    for chapter in chapters():
        file = file_name(chapter.folder.name)
        made = page(chapter, resolve(chapter, runs), published)
        anchors |= {f"{file}#term-{slug(name)}" for name in glossary() if f'id="term-{slug(name)}"' in made}
        yield file, made
    yield "index.html", course_map(published)
    yield "glossary.html", terms_page(published, anchors)
    yield "references.html", literature_page(published)


def beside(folder: Path) -> set[str]:
    """The course's pages that lie in a folder."""
    known = (*WHOLE, *(file_name(chapter.folder.name) for chapter in chapters()))
    return {name for name in known if (folder / name).is_file()}


def course_map(published: Collection[str]) -> str:
    """The first page: every chapter with its exercises and minutes."""
    items = "".join(
        f'<li><a href="{file_name(one.folder.name)}"><b>{one.number} · {html.escape(one.title)}</b></a><br>'
        f'<span class="quiet">{counted(len(one.exercises), "exercise")} · about {one.minutes} minutes · '
        f"{html.escape(one.needs)}</span></li>"
        for one in chapters()
    )
    body = f'<h1>gradschool</h1><p>A deep-learning course you can run.</p><ol class="map">{items}</ol>'
    return framed("gradschool", body, published=published, name="index.html")


def terms_page(published: Collection[str], anchors: Collection[str]) -> str:
    """The glossary, by letter; a term leads to the place where its chapter introduces it."""
    known = sorted(glossary().items(), key=lambda each: each[0].lower())
    letters = sorted({name[0].upper() for name, _ in known})
    parts = ["<h1>Glossary</h1>"]
    for letter in letters:
        parts.append(f'<h2 id="letter-{slug(letter)}">{html.escape(letter)}</h2><dl>')
        for name, (term, chapter) in known:
            if name[0].upper() == letter:
                also = f" Also: {html.escape(', '.join(term.also))}." if term.also else ""
                means = markdown(term.means, chapter.folder).removeprefix("<p>").removesuffix("</p>\n")
                parts.append(
                    f'<dt id="{slug(name)}">{html.escape(name)}</dt><dd>{means}'
                    f'<br><span class="quiet">{first_use(name, chapter, anchors)}.{also}</span></dd>'
                )
        parts.append("</dl>")
    contents = [Entry(f"letter-{slug(letter)}", html.escape(letter)) for letter in letters]
    return framed("Glossary", "".join(parts), contents, published=published, name="glossary.html")


def first_use(name: str, chapter: Chapter, anchors: Collection[str]) -> str:
    """A link to the place where a term is introduced, or to its chapter's page."""
    file = file_name(chapter.folder.name)
    place = f"{file}#term-{slug(name)}"
    text = f"Chapter {chapter.number}, {html.escape(chapter.title)}"
    return f'<a href="{place if place in anchors else file}">{text}</a>'


def literature_page(published: Collection[str]) -> str:
    """All papers, books and lectures, with the chapters that name them."""
    items = []
    for reference, where in literature():
        named = ", ".join(
            f'<a href="{file_name(one.folder.name)}">{html.escape(one.title)}</a>' for one in where
        )
        entry = markdown(reference.entry, COURSE).removeprefix("<p>").removesuffix("</p>\n")
        items.append(f'<li>{entry} <span class="quiet">In {named}.</span></li>')
    body = f"<h1>References</h1><ul>{''.join(items)}</ul>"
    return framed("References", body, published=published, name="references.html")
