"""Every chapter's content holds: lecture, quiz and notebooks."""

import json
import re
import shutil
import subprocess

import pytest
from rich.cells import cell_len
from rich.console import Console

from gradschool.classroom.author import frame, page
from gradschool.classroom.author.render import Task, resolve
from gradschool.classroom.author.terminal import MATH, show
from gradschool.classroom.exercise.manifest import chapters
from gradschool.classroom.quiz import LETTERS, compute, judge, read_quiz, variant

CHECKS = [file for chapter in chapters() for file in sorted(chapter.folder.glob("checks*.py"))]
CHAPTERS = [pytest.param(chapter, id=chapter.id) for chapter in chapters()]
DRAWN = CHAPTERS[:1] + [
    pytest.param(*each.values, id=each.id, marks=pytest.mark.long) for each in CHAPTERS[1:]
]
SEEDS = range(8)
QUESTIONS = [
    pytest.param(question, id=f"{chapter.id}-{question.id}")
    for chapter in chapters()
    if (chapter.folder / "quiz.toml").exists()
    for question in read_quiz(chapter)
]


def texts(blocks):
    """All Markdown of a lecture: text, captions, questions and their answers."""
    fields = ("markdown", "caption", "ask", "answer")
    return [getattr(block, field) for block in blocks for field in fields if hasattr(block, field)]


@pytest.fixture(scope="module")
def lectures():
    return {}


@pytest.fixture
def blocks(request, lectures):
    chapter = request.getfixturevalue("chapter")
    if chapter.id not in lectures:
        lectures[chapter.id] = resolve(chapter)
    return lectures[chapter.id]


@pytest.mark.parametrize("chapter", DRAWN)
def test_lecture_holds_and_names_every_exercise(chapter, blocks, capsys):
    assert [block.exercise.id for block in blocks if isinstance(block, Task)] == [
        e.id for e in chapter.exercises
    ]
    assert blocks[0].markdown.lstrip().startswith("# ")
    show(blocks, Console(width=80))
    shown = capsys.readouterr().out
    assert max(map(cell_len, shown.splitlines())) <= 80
    assert all(f"gradschool check {e.id}" in shown for e in chapter.exercises)


@pytest.mark.parametrize("chapter", DRAWN)
def test_page_is_one_file_of_bearable_size(chapter, blocks):
    text = page.page(chapter, blocks)
    assert len(text.encode()) < 1.6e6
    body = text.split("<main")[1].split("</main>")[0]
    assert "url(http" not in text
    assert 'src="http' not in text
    assert body.count('class="math') == sum(len(MATH.findall(text)) for text in texts(blocks))


@pytest.mark.skipif(not shutil.which("node"), reason="formulas are set by KaTeX in node, which is not here")
@pytest.mark.parametrize("chapter", DRAWN)
def test_every_formula_can_be_set(chapter, blocks):
    formulas = [block or inline for text in texts(blocks) for block, inline in MATH.findall(text)]
    program = (
        f"const katex = require({json.dumps(str(frame.KATEX / 'katex.min.js'))});"
        "for (const f of JSON.parse(require('fs').readFileSync(0)))"
        " katex.renderToString(f, {strict: 'error'});"
    )
    done = subprocess.run(["node", "-e", program], input=json.dumps(formulas), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_has_a_quiz(chapter):
    assert len(read_quiz(chapter)) >= 3


@pytest.mark.parametrize("question", QUESTIONS)
def test_right_reply_is_right_and_every_wrong_one_is_told_why(question):
    slips = set()
    for seed in SEEDS:
        shown = variant(question, seed)
        assert "@{" not in shown.ask
        if question.kind in ("single", "multiple", "order"):
            assert judge(shown, " ".join(shown.right)).right is True
            if question.kind == "order":
                assert judge(shown, shown.right[::-1]).right is False
                continue
            for letter in LETTERS[: len(shown.shown)]:
                verdict = judge(shown, letter)
                assert verdict.right is (letter == shown.right)
                assert f"{letter})" in verdict.feedback
            continue
        reply = (
            question.answer
            if question.kind == "code"
            else str(compute(question.answer, shown.values, question))
        )
        assert judge(shown, reply).right is True, (reply, shown.ask)
        for slip in question.wrong:
            wrong = (
                slip.value if question.kind == "code" else str(compute(slip.value, shown.values, question))
            )
            if judge(shown, wrong).right is False:
                slips.add(slip.value)
                assert judge(shown, wrong).feedback
    assert slips == {slip.value for slip in question.wrong}, "a slip that is right in every variant"


def test_variants_differ_and_come_again():
    drawn = [variant(q.values[0], seed) for q in QUESTIONS if q.values[0].given for seed in range(30)]
    assert len({str(v.values) for v in drawn}) > len(drawn) / 10
    assert drawn == [variant(q.values[0], seed) for q in QUESTIONS if q.values[0].given for seed in range(30)]


@pytest.mark.parametrize("checks", CHECKS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_case_is_told_without_the_one_before_it(checks):
    """A verdict shows one case alone, so "the same, but terminated" says too little."""
    leans = r'Case\(\s*f?"(the same(?:,| with| two| counts| shares| points| source)[^"]*)"'
    assert re.findall(leans, checks.read_text(encoding="utf-8")) == []
