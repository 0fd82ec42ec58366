"""A lecture as one HTML page: anchors, terms that lead to the glossary, folded answers, links that work."""

import html
import re
from collections import Counter
from collections.abc import Collection, Sequence

from gradschool.classroom.author.frame import Entry, framed
from gradschool.classroom.author.glossary import spellings
from gradschool.classroom.author.markup import focusable, highlighted, markdown, slug, words
from gradschool.classroom.author.render import Block, Code, Figure, Question, Task, Text
from gradschool.classroom.author.svg import following
from gradschool.classroom.author.terminal import plain_math
from gradschool.classroom.exercise.manifest import Chapter, chapters

HEADING = re.compile(r"<h([23])>(.*?)</h\1>", re.DOTALL)
BOLD = re.compile(r"<strong>(.*?)</strong>", re.DOTALL)
LINK = re.compile(r'<a href="([^"#:]*)(#[^"]*)?">(.*?)</a>', re.DOTALL)


def page(chapter: Chapter, blocks: Sequence[Block], published: Collection[str] = ()) -> str:
    """The page of a chapter.

    Args:
        chapter: whose lecture.
        blocks: as `render.resolve` gives them.
        published: names of the files that lie beside it: only links to these are links.
    """
    lecture = Lecture(chapter, published)
    body = "\n".join(lecture.one(block) for block in blocks)
    title = f"{chapter.number} · {chapter.title}"
    return framed(
        title, body, lecture.contents, turn(chapter, published), published, file_name(chapter.folder.name)
    )


def file_name(folder: str) -> str:
    """The page of a chapter's folder: 01-neurons.html."""
    return f"{folder}.html"


class Lecture:
    """One page while it is made: what stands further down depends on what came before.

    Args:
        chapter: whose lecture.
        published: names of the files that lie beside the page.
    """

    def __init__(self, chapter: Chapter, published: Collection[str]) -> None:
        self.chapter, self.published = chapter, published
        self.contents: list[Entry] = []
        self.anchors: Counter[str] = Counter()
        self.figures = self.questions = 0
        self.spellings = spellings()
        self.met: set[str] = set()

    def one(self, block: Block) -> str:
        """One block as HTML."""
        match block:
            case Text():
                return self.prose(block.markdown)
            case Code():
                where = f'<div class="where">{html.escape(block.title)}</div>' if block.title else ""
                printed = html.escape(block.printed)
                box = f'<pre class="scroll printed" {focusable("output")}>{printed}</pre>' if printed else ""
                return where + highlighted(block.text, block.language) + box
            case Figure():
                return self.figure(block)
            case Question():
                self.questions += 1
                answer = (
                    f"<details><summary>Answer {self.questions}</summary>{self.prose(block.answer)}</details>"
                )
                return f'<div class="question">{self.prose(block.ask)}{answer}</div>'
            case Task():
                return self.task(block)

    def prose(self, text: str) -> str:
        """Markdown with anchors at headings, terms and exercises, and links that lead to pages."""
        made = markdown(text, self.chapter.folder)
        made = LINK.sub(self.link, made)
        made = BOLD.sub(self.term, made)
        return HEADING.sub(self.heading, made)

    def figure(self, block: Figure) -> str:
        """A figure in a box that scrolls, with its caption."""
        self.figures += 1
        caption = self.prose(block.caption)
        label = " ".join(words(markdown(plain_math(block.caption), self.chapter.folder)).split())
        drawn = following(block.svg, f"figure-{self.figures}-", label) if block.svg else ""
        box = f'<div class="scroll" {focusable("figure")}>{drawn}</div>'
        return f"<figure>{box}<figcaption>{caption}</figcaption></figure>"

    def task(self, block: Task) -> str:
        """The box of an exercise, which the contents list names."""
        name, minutes = block.exercise.id, block.exercise.minutes
        anchor = self.anchor(f"exercise-{name}")
        self.contents.append(Entry(anchor, f"Exercise {name}", 3))
        return (
            f'<section class="task" id="{anchor}" aria-label="Exercise {name}">'
            f'<a href="#{anchor}">Exercise {name}</a> · about {minutes} minutes<br>'
            f"<code>gradschool check {name}</code></section>"
        )

    def anchor(self, wanted: str) -> str:
        """An anchor that no other place of the page has."""
        self.anchors[wanted] += 1
        return wanted if self.anchors[wanted] == 1 else f"{wanted}-{self.anchors[wanted]}"

    def heading(self, found: re.Match[str]) -> str:
        """A heading with an anchor and a link to itself; the contents list gets a line."""
        level, text = int(found[1]), found[2]
        plain = re.sub(r"</?a\b[^>]*>|</?dfn\b[^>]*>", "", text)
        anchor = self.anchor(slug(words(plain)))
        self.contents.append(Entry(anchor, plain, level))
        sign = f'<a class="anchor" href="#{anchor}" aria-label="Link to this section">#</a>'
        return f'<h{level} id="{anchor}">{text} {sign}</h{level}>'

    def term(self, found: re.Match[str]) -> str:
        """A term of the glossary, in bold for the first time: a place to link to, and a link to its entry."""
        name = self.spellings.get(" ".join(words(found[1]).lower().split()))
        if name is None or name in self.met:
            return found[0]
        self.met.add(name)
        inner = found[1]
        if "glossary.html" in self.published:
            inner = f'<a href="glossary.html#{slug(name)}">{inner}</a>'
        return f'<strong><dfn id="{self.anchor(f"term-{slug(name)}")}">{inner}</dfn></strong>'

    def link(self, found: re.Match[str]) -> str:
        """A link to a chapter becomes one to its page; what is not published stays as text."""
        path, anchor, text = found[1], found[2] or "", found[3]
        file = file_name(path.rstrip("/").removeprefix("../")) if path else ""
        if not path or file in self.published:
            return f'<a href="{file}{anchor}">{text}</a>'
        return text


def turn(chapter: Chapter, published: Collection[str]) -> str:
    """Links to the published chapters before and after."""
    shown = {one.number: one for one in chapters() if file_name(one.folder.name) in published}
    before = max((number for number in shown if number < chapter.number), default=None)
    after = min((number for number in shown if number > chapter.number), default=None)
    links = "".join(
        f'<a rel="{rel}" href="{file_name(shown[number].folder.name)}">{sign} {number} · '
        f"{html.escape(shown[number].title)}</a>"
        for rel, sign, number in (("prev", "Previous:", before), ("next", "Next:", after))
        if number is not None
    )
    return f'<nav class="turn" aria-label="Chapters">{links}</nav>' if links else ""
