"""A lecture as one HTML page that needs nothing else: styles, fonts, KaTeX and figures are inside."""

import base64
import html
import re
from collections.abc import Sequence
from pathlib import Path

from gradschool.classroom.author.render import Block, Code, Figure, Question, Task, Text
from gradschool.classroom.exercise.manifest import Chapter

KATEX = Path(__file__).parent / "vendor" / "katex"
STYLE = """
:root { --ink: #1b1f24; --paper: #fff; --soft: #f5f6f8; --line: #d9dde3; --mark: #0b5fa5;
        --room: clamp(0px, (100vw - 46rem) / 2 - 1rem, 14rem); }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e6ea; --paper: #16181c; --soft: #20242a; --line: #363c45; --mark: #7db8f0; }
  figure svg { background: #fff; border-radius: 4px; } pre span { filter: brightness(1.6); } }
body { font: 17px/1.6 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 44rem; margin: 2rem auto 6rem; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; margin: 2em 0 .6em; } h1 { margin-top: .5em; }
a { color: var(--mark); } figure { margin: 2em 0; } figure svg { max-width: 100%; height: auto; }
figcaption, .where { color: color-mix(in srgb, var(--ink) 65%, transparent); font-size: .88em; }
pre { background: var(--soft); padding: .8em 1em; overflow-x: auto; font-size: .79em; line-height: 1.45;
      margin-right: calc(-1 * var(--room)); }
pre.printed { border-left: 3px solid var(--line); background: none; margin-top: -.6em; }
code { font-family: ui-monospace, Consolas, monospace; }
table { border-collapse: collapse; width: max-content; max-width: calc(100% + var(--room)); }
td, th { border-bottom: 1px solid var(--line); padding: .3em .8em; text-align: left; }
.task { border: 1px solid var(--mark); border-radius: 6px; padding: .7em 1em; margin: 1.5em 0; }
.math.block { overflow-x: auto; overflow-y: hidden; display: block; }
"""
SCRIPT = """
for (const e of document.querySelectorAll(".math"))
  katex.render(e.textContent, e, {displayMode: e.classList.contains("block"), throwOnError: false});
"""


def page(chapter: Chapter, blocks: Sequence[Block]) -> str:
    """The page.

    Args:
        chapter: whose lecture.
        blocks: as `render.resolve` gives them.
    """
    title = f"{chapter.number} · {chapter.title}"
    body = "\n".join(one(chapter, block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{katex_style()}{STYLE}</style></head>\n<body><main>{body}</main>\n"
        f"<script>{(KATEX / 'katex.min.js').read_text(encoding='utf-8')}</script>\n"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def one(chapter: Chapter, block: Block) -> str:
    """One block as HTML."""
    match block:
        case Text():
            return markdown(block.markdown, chapter.folder)
        case Code():
            where = f'<div class="where">{html.escape(block.title)}</div>' if block.title else ""
            printed = f'<pre class="printed">{html.escape(block.printed)}</pre>' if block.printed else ""
            return where + highlighted(block.text, block.language) + printed
        case Figure():
            caption = markdown(block.caption, chapter.folder)
            return f"<figure>{block.svg}<figcaption>{caption}</figcaption></figure>"
        case Question():
            ask, answer = (markdown(part, chapter.folder) for part in (block.ask, block.answer))
            return f"<details><summary>{ask}</summary>{answer}</details>"
        case Task():
            exercise = block.exercise
            return (
                f'<div class="task"><b>Exercise {exercise.id}</b> · about {exercise.minutes} minutes<br>'
                f"<code>gradschool check {exercise.id}</code></div>"
            )


def markdown(text: str, folder: Path) -> str:
    """Markdown as HTML; formulas are left to KaTeX, images of the chapter's folder are put inside."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    made: str = MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin).render(text)
    made = re.sub(r"<eqn>(.*?)</eqn>", r'<span class="math inline">\1</span>', made, flags=re.DOTALL)
    return re.sub(r'<img src="([^":]+)"', lambda found: f'<img src="{embedded(folder / found[1])}"', made)


def highlighted(text: str, language: str) -> str:
    """Code with colours."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    made: str = highlight(text, lexer, HtmlFormatter(nowrap=True, noclasses=True))
    return f"<pre><code>{made}</code></pre>"


def embedded(file: Path) -> str:
    """A file as a data URI."""
    kinds = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".woff2": "font/woff2"}
    data = base64.b64encode(file.read_bytes()).decode()
    return f"data:{kinds[file.suffix]};base64,{data}"


def katex_style() -> str:
    """KaTeX's style sheet with its fonts inside; the older font formats it offers are left out."""
    css = (KATEX / "katex.min.css").read_text(encoding="utf-8")
    css = re.sub(r',url\(fonts/[^)]+\.(?:woff|ttf)\) format\("[a-z]+"\)', "", css)
    return re.sub(r"url\((fonts/[^)]+\.woff2)\)", lambda found: f"url({embedded(KATEX / found[1])})", css)
