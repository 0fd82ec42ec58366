"""A figure that follows its page: matplotlib's SVG without a background, with the page's own ink.

Black becomes the colour of the text, white that of the paper, greys lie between them in the same order. In
dark, colours are mixed with a little ink (the variable --lift), and pale areas, on which there may be text,
with much paper (--sink).
"""

import html
import re

DECLARED = re.compile(r"\b(fill|stroke|stop-color): #([0-9a-f]{6})\b")
NAMED = re.compile(r'(\bid="|href="#|url\(#)')
PALE = 190  # of 255: brighter areas are pale
LEAST = 0.65  # of its natural width: below that the figure scrolls, as its letters would be too small to read


def following(svg: str, prefix: str, label: str) -> str:
    """The figure, ready to stand in a page.

    Args:
        svg: as matplotlib writes it, with text as text.
        prefix: before each id, so that the ids of two figures of a page differ, e.g. "figure-3-".
        label: what it shows, for those who do not see it.
    """
    # 1. Without what only a file of its own needs.
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]+;? ?", "", svg)
    # 2. Ids that occur once in the page.
    svg = NAMED.sub(lambda found: found[1] + prefix, svg)
    # 3. Colours of the page.
    svg = DECLARED.sub(lambda found: f"{found[1]}: {paint(*found.groups())}", svg)
    # 4. What it is and how wide.
    opening, rest = svg[: svg.index(">")], svg[svg.index(">") :]
    width = float(found[1]) if (found := re.search(r'\bwidth="([\d.]+)pt"', opening)) else 0.0
    opening = re.sub(r' (?:width|height|xmlns(?::xlink)?|version)="[^"]*"', "", opening)
    style = f"width: {width:.0f}pt; min-width: {LEAST * width:.0f}pt"
    return f'{opening} role="img" aria-label="{html.escape(label)}" style="{style}"{rest}'


def paint(what: str, colour: str) -> str:
    """The page's colour for one of a figure.

    Greys are mixed from ink and paper: on a white page with black ink they are what they were.

    Args:
        what: "fill", "stroke" or "stop-color".
        colour: as rrggbb.
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
    if red == green == blue:
        if red in (0, 255):
            return "var(--paper)" if red else "currentColor"
        return f"color-mix(in srgb, currentColor {100 - 100 * red / 255:.0f}%, var(--paper))"
    if what == "fill" and 0.299 * red + 0.587 * green + 0.114 * blue > PALE:
        return f"color-mix(in srgb, #{colour}, var(--paper) var(--sink))"
    return f"color-mix(in srgb, #{colour}, currentColor var(--lift))"
