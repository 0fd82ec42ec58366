"""Markdown and code as HTML: formulas are left to KaTeX, code gets classes that the style sheet colours."""

import base64
import html
import re
from pathlib import Path
from typing import Any

KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".woff2": "font/woff2"}
TAGS = re.compile(r"<[^>]+>")


def markdown(text: str, folder: Path) -> str:
    """Markdown as HTML: tables and formulas in boxes that scroll, images of the chapter's folder inside."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    made: str = MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin).render(text)
    made = re.sub(r"<eqn>(.*?)</eqn>", r'<span class="math inline">\1</span>', made, flags=re.DOTALL)
    made = made.replace('<div class="math block">', f'<div class="math block scroll" {focusable("formula")}>')
    made = made.replace("<table>", f'<div class="scroll" {focusable("table")}><table>')
    made = made.replace("</table>", "</table></div>").replace("<th></th>", "<td></td>")
    return re.sub(r'<img src="([^":]+)"', lambda found: f'<img src="{embedded(folder / found[1])}"', made)


def focusable(label: str) -> str:
    """The attributes of a box that scrolls: the keyboard reaches it, and it has a name.

    The page's script takes the focus away again from a box whose content fits.
    """
    return f'role="group" aria-label="{html.escape(label)}" tabindex="0"'


def highlighted(text: str, language: str, label: str = "code") -> str:
    """Code with a class for each kind of token."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer: Any = get_lexer_by_name(language)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    made: str = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return f'<pre class="scroll code" {focusable(label)}><code>{made}</code></pre>'


def words(made: str) -> str:
    """The text of a piece of HTML."""
    return html.unescape(TAGS.sub("", made)).strip()


def slug(text: str) -> str:
    """A text as an anchor: letters and digits, joined by hyphens."""
    return "-".join(re.findall(r"\w+", text.lower())) or "part"


def embedded(file: Path) -> str:
    """A file as a data URI."""
    return f"data:{KINDS[file.suffix]};base64,{base64.b64encode(file.read_bytes()).decode()}"
