"""Reading on the command line: pager, narrow terminals, browser, glossary, figures of notebooks."""

import io
import json
import webbrowser
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from rich.cells import cell_len
from rich.console import Console

from gradschool.classroom import notebook
from gradschool.classroom.author import book as books
from gradschool.classroom.author import glossary as glossaries
from gradschool.classroom.author.glossary import Term, find_term, glossary
from gradschool.classroom.author.render import Code, Figure, Question, Text, resolve
from gradschool.classroom.author.terminal import narrow_tables, paged, show, wrapped_command
from gradschool.classroom.exercise.manifest import chapters, find_chapter
from gradschool.cli.main import main
from gradschool.errors import UserError

FIRST, *REST = (pytest.param(chapter, id=chapter.id) for chapter in chapters())
CHAPTERS = [FIRST, *(pytest.param(*each.values, id=each.id, marks=pytest.mark.long) for each in REST)]
TERMS = {
    "neurons": {
        "neuron": Term(means="A unit with $w_0$ as bias.", also=("neurons",)),
        "bias": Term(means="It shifts."),
    },
    "gans": {"mode collapse": Term(means="Few modes are made.")},
}  # fmt: skip


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADSCHOOL_WORK", raising=False)


@pytest.fixture
def words(monkeypatch):
    """A small glossary in place of the course's own."""
    monkeypatch.setattr(glossaries, "terms", lambda chapter: TERMS.get(chapter.id, {}))


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def shown(blocks, width):
    console = Console(width=width, file=io.StringIO())
    show(blocks, console)
    return console.file.getvalue()


# The terminal


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_sixty_columns_break_no_word_of_the_text(chapter):
    blocks = [block for block in resolve(chapter, runs=False) if not isinstance(block, Code)]
    wide, narrow = (shown(blocks, width) for width in (1000, 60))
    assert max(map(cell_len, narrow.splitlines())) <= 60
    assert "…" not in narrow or "…" in wide
    pieces = set(narrow.split())
    long = {word for word in wide.split() if word.isalpha() and 10 <= len(word) <= 50}
    assert long and long <= pieces | {piece.strip("(),.;:*") for piece in pieces}


def test_a_table_that_does_not_fit_becomes_a_list():
    table = "| method | test accuracy | note |\n|--|--|--|\n| dropout | 95 % | |\n| | 3 | a \\| b |\n"
    assert narrow_tables(f"A\n\n{table}", 40) == f"A\n\n{table}"
    assert narrow_tables(f"A\n\n{table}\nB", 20) == (
        "A\n\n- **dropout**: test accuracy 95 %\n- test accuracy 3; note a \\| b\n\n\nB"
    )


def test_a_command_that_is_too_long_can_still_be_pasted():
    line = "gradschool train vae_mnist --set model=conv_vae --set beta=4"
    told = wrapped_command(line, 40)
    assert max(map(len, told.splitlines())) <= 40 and told.count(" \\\n") == 1
    assert " ".join(told.replace("\\\n", " ").split()) == line
    assert wrapped_command("x" * 80, 40) == "x" * 80
    box = shown([Code(f"{line}\n", language="text")], 40)
    assert "│" not in box and "\\" in box


def test_answers_stand_at_the_end():
    blocks = [
        Question("Why $x$?", "Because."),
        Text("More text."),
        Question("When?", "Now."),
        Figure("", "C.", "c"),
    ]
    told = shown(blocks, 60)
    order = [
        "Question 1. Why x?",
        "More text.",
        "Question 2. When?",
        "[figure: C.",
        "Answers",
        "Because.",
        "Now.",
    ]
    assert [told.index(one) for one in order] == sorted(told.index(one) for one in order)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_pager_is_used_where_there_is_a_terminal(terminal, monkeypatch):
    turned = []
    monkeypatch.setattr("pydoc.pager", turned.append)
    monkeypatch.delenv("LESS", raising=False)
    console = Console(force_terminal=terminal, file=io.StringIO(), width=60)
    paged([Text("Some **bold** words.")], console)
    assert ("bold" in "".join(turned)) is terminal
    assert ("bold" in console.file.getvalue()) is not terminal


# The browser


def test_open_writes_the_page_and_opens_it(capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not opened.append(address))
    code, out, _ = call(capsys, "read", "attention", "--open", "--out", "a folder/page.html", "--json")
    file = Path("a folder/page.html")
    assert code == 0 and opened == [file.resolve().as_uri()] and file.is_file()
    assert json.loads(out.splitlines()[-1]) == {"chapter": "attention", "page": str(file)}
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert (
        "no browser could be started here: open page.html"
        in call(capsys, "read", "14", "--open", "--out", "page.html")[1]
    )


def test_the_whole_course_is_written(capsys, monkeypatch):
    whole = books.book
    monkeypatch.setattr(books, "book", lambda: whole(runs=False))
    code, out, _ = call(capsys, "read", "--all", "--out", "pages", "--json")
    files = {file.name for file in Path("pages").iterdir()}
    assert code == 0 and len(files) == len(chapters()) + 3 == len(json.loads(out.splitlines()[-1])["pages"])
    assert files == books.beside(Path("pages"))
    code, _, err = call(capsys, "read", "neurons", "--all")
    assert code == 2 and "--all and the chapter 'neurons' came together" in err


@pytest.mark.long
def test_read_without_a_name_reads_the_chapter_of_the_next_exercise(capsys):
    code, out, _ = call(capsys, "read", "--json")
    assert code == 0 and json.loads(out.splitlines()[-1]) == {"chapter": chapters()[0].id}


# The glossary


@pytest.mark.parametrize("wanted", ["neuron", "Neurons", "NEURON"])
def test_a_term_is_found_by_any_spelling(words, wanted, capsys):
    code, out, _ = call(capsys, "glossary", wanted, "--json")
    assert code == 0 and "A unit with w₀ as bias." in out and "gradschool read neurons" in out
    record = json.loads(out.splitlines()[-1])
    assert record == {
        "term": "neuron",
        "means": "A unit with $w_0$ as bias.",
        "also": ["neurons"],
        "chapter": "neurons",
    }


def test_several_words_are_one_term(words, capsys):
    assert "Few modes" in call(capsys, "glossary", "mode", "collapse")[1]
    assert find_term("Mode-Collapse")[2].id == "gans"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("neurn", "the glossary has no 'neurn'. Did you mean neuron? All terms: gradschool glossary"),
        ("collapse", "Did you mean mode collapse?"),
        ("zebra", "the glossary has no 'zebra'. All terms"),
    ],
)
def test_the_nearest_terms_are_named(words, wanted, sentence, capsys):
    code, _, err = call(capsys, "glossary", wanted)
    assert code == 2 and sentence in err


def test_all_terms_are_listed_by_chapter(words, capsys):
    out = call(capsys, "glossary")[1]
    assert "1 Neurons\n   neuron, bias\n" in "\n".join(line.rstrip() for line in out.splitlines()) + "\n"
    assert "one of 3 terms" in out
    assert len(json.loads(call(capsys, "glossary", "--json")[1].splitlines()[-1])["terms"]) == 3


def test_two_chapters_cannot_define_one_term(monkeypatch):
    monkeypatch.setattr(glossaries, "terms", lambda chapter: {"loss": Term(means="x")})
    with pytest.raises(UserError, match="'loss' is defined in neurons and in backpropagation"):
        glossary()


def test_papers_are_listed_once_with_their_chapters(capsys, monkeypatch):
    from gradschool.classroom.author import references

    paper = references.Reference(
        authors=("A. Smith", "B. Jones"), title="On parts", year=2020, arxiv="2001.00001"
    )
    other = references.Reference(
        authors=("C. Adams",), title="On wholes", year=2019, url="https://example.org/a"
    )
    known = {"neurons": {"one": paper}, "gans": {"again": paper, "other": other}}
    monkeypatch.setattr(references, "references", lambda folder: known.get(folder.name[3:], {}))
    out = call(capsys, "glossary", "--papers", "--json")[1]
    found = json.loads(out.splitlines()[-1])["papers"]
    assert [(each["title"], each["chapters"]) for each in found] == [
        ("On wholes", ["gans"]), ("On parts", ["neurons", "gans"]),
    ]  # fmt: skip
    assert "https://arxiv.org/abs/2001.00001" in out
    assert "1 entry" in call(capsys, "glossary", "--papers", "jones")[1]


# Figures of notebooks


def test_a_figure_is_shown_once():
    before = plt.get_fignums()
    drawn = notebook.figure("neurons decision_line")
    assert drawn.axes and plt.get_fignums() == before


@pytest.mark.parametrize("line", ["neurons", "neurons no_such_figure"])
def test_a_figure_that_is_not_there_names_those_that_are(line):
    with pytest.raises(UserError, match=r"one of .*decision_line"):
        notebook.figure(line)


def test_hints_are_escaped_in_notebooks():
    pytest.importorskip("nbformat")
    from gradschool.classroom.author.notebooks import task_cells

    chapter = find_chapter("segmentation")
    exercise = chapter.exercises[0].model_copy(update={"hints": ("`a & b` < c",)})
    (_, told), _ = task_cells(chapter, exercise, "exercise")
    assert "<p><code>a &amp; b</code> &lt; c</p>" in told
