"""What every page of the course has: styles, fonts and scripts inside it, a contents list, ways to go on."""

import html
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gradschool.classroom.author.markup import embedded

KATEX = Path(__file__).parent / "vendor" / "katex"
ASSETS = Path(__file__).parent / "assets"
WHOLE = {"index.html": "Course", "glossary.html": "Glossary", "references.html": "References"}


@dataclass(frozen=True)
class Entry:
    """A line of a contents list.

    Args:
        anchor: where it leads, in the page.
        text: as HTML.
        level: 2 for a section, 3 for what is in one.
    """

    anchor: str
    text: str
    level: int = 2


def framed(
    title: str,
    body: str,
    contents: Sequence[Entry] = (),
    turn: str = "",
    published: Collection[str] = (),
    name: str = "",
) -> str:
    """A whole page that needs no other file.

    Args:
        title: of the page, as text.
        body: as HTML.
        contents: of the contents list.
        turn: links to the pages before and after, as HTML.
        published: names of the files that lie beside it; only these are linked.
        name: of the page's own file.
    """
    around = " ".join(
        f'<a href="{file}"{" aria-current=page" * (file == name)}>{text}</a>'
        for file, text in WHOLE.items()
        if file in published
    )
    bar = f'<nav class="bar" aria-label="Course">{around}</nav>' if around else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<style>{style()}</style></head>\n<body>\n'
        f'<a class="skip" href="#text">Skip to the text</a>\n{bar}\n{listed(contents)}\n'
        f'<main id="text" tabindex="-1">{body}</main>\n{turn}\n'
        f"<script>{script(body)}</script>\n</body></html>\n"
    )


def listed(contents: Sequence[Entry]) -> str:
    """The contents list; nothing where there is nothing to list."""
    lines = "".join(
        f'<li class="level-{entry.level}"><a href="#{entry.anchor}">{entry.text}</a></li>'
        for entry in contents
    )
    if not lines:
        return ""
    return (
        '<nav class="contents" aria-label="Contents"><details open><summary>Contents</summary>'
        f"<ol>{lines}</ol></details></nav>"
    )


@cache
def style() -> str:
    """Styles of formulas and pages; the older font formats that KaTeX offers are left out."""
    css = (KATEX / "katex.min.css").read_text(encoding="utf-8")
    css = re.sub(r',url\(fonts/[^)]+\.(?:woff|ttf)\) format\("[a-z]+"\)', "", css)
    css = re.sub(r"url\((fonts/[^)]+\.woff2)\)", lambda found: f"url({embedded(KATEX / found[1])})", css)
    return css + (ASSETS / "page.css").read_text(encoding="utf-8")


def script(body: str) -> str:
    """The scripts that a page needs: KaTeX only where there is a formula."""
    katex = (KATEX / "katex.min.js").read_text(encoding="utf-8") if 'class="math' in body else ""
    return katex + "\n" + (ASSETS / "page.js").read_text(encoding="utf-8")
