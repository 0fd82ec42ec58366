"""The pages of the course: links resolve, ids differ, colours can be read, what scrolls can be reached."""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from browser import CHROMIUM, Browser

from gradschool.classroom.author import book as books
from gradschool.classroom.author.frame import ASSETS, framed
from gradschool.classroom.author.markup import highlighted, markdown
from gradschool.classroom.author.page import page
from gradschool.classroom.author.render import Code, Figure, Question, Text, resolve, vector
from gradschool.classroom.author.svg import following, paint
from gradschool.classroom.exercise.manifest import chapters, find_chapter

VIEWS = list(product((1300, 390), ("light", "dark")))
MISSED = f"{len(VIEWS) * len(chapters())} views of pages were not looked at: no Chromium here"


class Elements(HTMLParser):
    """Every element of a page with its attributes, in order."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def ids(self):
        return [attrs["id"] for _, attrs in self.found if "id" in attrs]


@pytest.fixture(scope="module")
def course():
    """The whole course by the name of each file, its code not run."""
    return dict(books.book(runs=False))


def test_every_link_of_the_course_resolves(course):
    assert {"index.html", "glossary.html", "references.html", "01-neurons.html"} <= course.keys()
    places = {name: set(Elements(text).ids()) for name, text in course.items()}
    linked = 0
    for name, text in course.items():
        for tag, attrs in Elements(text).found:
            href = attrs.get("href", "")
            if tag != "a" or href.startswith("https://"):
                continue
            file, _, anchor = href.partition("#")
            assert (file or name) in course, f"{name}: {href}"
            assert not anchor or anchor in places[file or name], f"{name}: {href}"
            linked += 1
    assert linked > 10 * len(course)


def test_ids_are_unique_and_every_exercise_has_one(course):
    for chapter in chapters():
        ids = Elements(course[f"{chapter.folder.name}.html"]).ids()
        assert [one for one, times in Counter(ids).items() if times > 1] == []
        assert {f"exercise-{exercise.id}" for exercise in chapter.exercises} <= set(ids)


def test_chapters_follow_each_other(course):
    first, second, last = (course[f"{one.folder.name}.html"] for one in (*chapters()[:2], chapters()[-1]))
    assert 'rel="prev"' not in first and 'rel="next" href="02-' in first
    assert 'rel="prev" href="01-' in second and 'rel="next" href="03-' in second
    assert 'rel="next"' not in last


def test_what_scrolls_can_be_focused_and_has_a_name(course):
    boxes = 0
    for text in course.values():
        for tag, attrs in Elements(text).found:
            classes = (attrs.get("class") or "").split()
            if tag in ("pre", "table") or "block" in classes:
                boxes += 1
            if "scroll" in classes:
                assert attrs.get("tabindex") == "0" and attrs.get("role") and attrs.get("aria-label"), attrs
            assert tag != "pre" or "scroll" in classes
    assert boxes > 100


def test_a_page_alone_links_only_to_what_lies_beside_it(tmp_path):
    chapter = find_chapter("networks")
    blocks = [Text("See [the last](../06-convolution) and [the next](../08-segmentation#summary).")]
    assert "<a href=" not in page(chapter, blocks).split("<main")[1].split("</main>")[0]
    (tmp_path / "08-segmentation.html").write_text("")
    made = page(chapter, blocks, books.beside(tmp_path))
    assert '<a href="08-segmentation.html#summary">the next</a>' in made and "See the last and" in made


def test_a_term_is_linked_where_it_is_first_bold(monkeypatch):
    spellings = {"neuron": "neuron", "neurons": "neuron", "hidden layer": "hidden layer"}
    monkeypatch.setattr("gradschool.classroom.author.page.spellings", lambda: spellings)
    text = Text("**Neurons** in a **hidden\nlayer**, **neuron**, **no term**.\n\n## A **neuron**\n")
    made = page(find_chapter("neurons"), [text], {"glossary.html"})
    assert '<dfn id="term-neuron"><a href="glossary.html#neuron">Neurons</a></dfn>' in made
    assert made.count("<dfn") == 2 and 'id="term-hidden-layer"' in made
    assert "<strong>no term</strong>" in made and '<h2 id="a-neuron">' in made


def test_a_question_is_folded_and_has_formulas():
    made = page(find_chapter("neurons"), [Question("What is $x$?", "It is $y$ & more."), Code("1 < 2\n")])
    assert (
        '<details><summary>Answer 1</summary><p>It is <span class="math inline">y</span> &amp; more.' in made
    )
    assert made.index("What is") < made.index("<details><summary>Answer")


def test_images_of_a_chapter_are_inside_and_empty_heads_are_no_heads(tmp_path):
    (tmp_path / "a.png").write_bytes(b"PNG")
    assert 'src="data:image/png;base64,UE5H"' in markdown("![a](a.png)", tmp_path)
    assert "<th></th>" not in markdown("| | b |\n|--|--|\n| 1 | 2 |\n", tmp_path)


# Figures


@pytest.fixture(scope="module")
def drawing():
    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot([0, 1], [0, 1], "o-", color="black", markerfacecolor="white")
    axes.plot([0, 1], [1, 0], color="C0")
    axes.fill_between([0, 1], [0, 1], color="0.75")
    axes.set_title("grey", color="0.5")
    return vector(figure, "drawing")


def test_a_figure_has_no_plate_and_the_pages_ink(drawing):
    shown = following(drawing, "figure-1-", 'a "line" & more')
    assert not re.search(r"(fill|stroke): #(0{6}|f{6})", shown)
    assert not re.search(r'd="[^"]*"\s+style="fill: (#ffffff|var\(--paper\))"', shown.split("axes_1")[0])
    assert "stroke: currentColor" in shown and "fill: var(--paper)" in shown
    assert "color-mix(in srgb, currentColor 25%, var(--paper))" in shown  # 0.75 is a quarter of the ink
    assert "color-mix(in srgb, #1f77b4, currentColor var(--lift))" in shown
    assert 'role="img" aria-label="a &quot;line&quot; &amp; more"' in shown and "<style" not in shown


def test_the_ids_of_two_figures_differ_and_every_reference_is_answered(drawing):
    first, second = (following(drawing, f"figure-{n}-", "x") for n in (1, 2))
    ids = [set(re.findall(r'\bid="([^"]+)"', shown)) for shown in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', first)) <= ids[0]
    block = Figure(drawing, "A caption.", "x")
    whole = Elements(page(find_chapter("neurons"), [block, block])).ids()
    assert len(whole) == len(set(whole))


# Colours


def luminance(colour):
    """Relative luminance of #rrggbb, as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """From 1 (the same) to 21 (black on white)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour, ink, share):
    """A colour with a share of ink, mixed as CSS does in sRGB."""
    pairs = [(int(colour[at : at + 2], 16), int(ink[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


def schemes():
    """The variables of the style sheet: in light, in dark, on paper."""
    css = (ASSETS / "page.css").read_text(encoding="utf-8")
    found = [
        dict(re.findall(r"--([a-z]+): ([^;]+);", block))
        for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]
    assert [one.keys() == found[0].keys() for one in found] == [True] * 3
    return found


def test_contrast_is_as_wcag_defines_it():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known near miss


@pytest.mark.parametrize("colours", schemes(), ids=["light", "dark", "paper"])
def test_every_colour_of_text_can_be_read(colours):
    text = colours.keys() - {"paper", "soft", "line", "lift", "sink"}
    assert len(text) == 8
    for name, ground in product(text, ("paper", "soft")):
        assert contrast(colours[name], colours[ground]) >= 4.5, f"{name} on {ground}"


@pytest.mark.parametrize("colours", schemes()[:2], ids=["light", "dark"])
def test_lines_of_figures_can_be_seen(colours):
    share = float(colours["lift"].rstrip("%")) / 100
    for line in ("#1f77b4", "#d62728", "#9467bd", "#8c564b"):  # the darker half of matplotlib's colours
        assert contrast(mixed(line, colours["ink"], share), colours["paper"]) >= 3


@pytest.mark.parametrize("colours", schemes()[:2], ids=["light", "dark"])
def test_text_on_a_pale_area_can_be_read(colours):
    share = float(colours["sink"].rstrip("%")) / 100
    for area in ("#add8e6", "#ffe4b5", "#aec7e8", "#c7e9c0", "#ffff99"):
        assert "--sink" in paint("fill", area[1:]) and "--lift" in paint("stroke", area[1:])
        assert contrast(mixed(area, colours["paper"], share), colours["ink"]) >= 4.5, area


def test_code_is_coloured_by_classes_of_the_style_sheet():
    made = highlighted('import x  # y\nprint("z", 1)\n', "python")
    assert "style=" not in made and {"kn", "nn", "c1", "nb", "s2", "mi"} <= set(
        re.findall(r'class="(\w+)"', made)
    )


# In a browser


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture
def look(browser, tmp_path):
    """What is to be said of a page, at a width and in a scheme."""
    script = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")

    def at(text, width, scheme):
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        browser.open(file.as_uri(), width, scheme)
        return browser.run(script)

    return at


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason=MISSED)
@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.id)
def test_pages_in_a_browser(chapter, look):
    text = page(chapter, resolve(chapter))
    for width, scheme in VIEWS:
        seen, where = look(text, width, scheme), (width, scheme)
        assert not seen["wide"] and seen["faint"] == [] and seen["unreached"] == [], (where, seen)
        assert seen["formulas"] == seen["set"] > 0 and not seen["wrong"] and not seen["plates"], (where, seen)
        assert seen["open"] in (width > 1000, None), where


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason=MISSED)
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<p style="color: #888">faint</p>', "faint"),
        ("<p style='width: 2000px'>wide</p>", "wide"),
        ("<div style='overflow: auto'><p style='width: 2000px'>far</p></div>", "unreached"),
        ('<span class="math">\\\\frac{</span>', "wrong"),
        ("<figure><svg style='background: white'></svg></figure>", "plates"),
    ],
)  # fmt: skip
def test_the_look_at_a_page_sees_what_is_wrong(body, fault, look):
    clean = look(framed("Test", '<p>This is <span class="math">x</span>.</p>'), 390, "light")
    seen = look(framed("Test", f'<p>This is <span class="math">x</span>.</p>{body}'), 390, "light")
    assert not clean[fault] and seen[fault]
