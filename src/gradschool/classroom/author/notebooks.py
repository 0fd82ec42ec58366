"""A chapter as a notebook: to code along with the lecture, with blank exercises, or with their solutions.

Notebooks are views, made from the lecture and the library and never edited. An exercise is one cell under
the magic `%%exercise ID`, which runs the cell and checks its text.
"""

import re
from importlib.metadata import metadata
from typing import Any, Literal

from gradschool.classroom.author.render import Block, Code, Figure, Question, Task, Text, resolve
from gradschool.classroom.exercise.manifest import Chapter, Exercise
from gradschool.classroom.workspace.layout import text_for

Kind = Literal["codealong", "exercise", "solution"]
LOAD = "%load_ext gradschool.classroom.notebook"


def notebook(chapter: Chapter, kind: Kind, repository: str | None = None) -> Any:
    """The notebook of a chapter.

    Args:
        chapter: which.
        kind: "codealong" has the lecture's and the library's code to run and change, "exercise" the blanks,
            "solution" the library's answers.
        repository: "owner/name" on GitHub, for a badge and an installing first cell; None looks it up in the
            package's own metadata, "" leaves both out.
    """
    import nbformat

    v4: Any = nbformat.v4
    made = v4.new_notebook()
    made.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"}, "gradschool": {"chapter": chapter.id, "kind": kind},
    }  # fmt: skip
    repository = own_repository() if repository is None else repository
    cells = [*opening(chapter, kind, repository), ("code", LOAD)]
    for block in resolve(chapter, runs=False):  # a notebook is run by whoever reads it
        cells += cells_of(chapter, block, kind)
    new = {"markdown": v4.new_markdown_cell, "code": v4.new_code_cell}
    made.cells = [
        new[how](text.strip("\n"), id=f"{chapter.id}-{n:03}") for n, (how, text) in enumerate(cells)
    ]
    nbformat.validate(made)
    return made


def opening(chapter: Chapter, kind: Kind, repository: str) -> list[tuple[str, str]]:
    """Badge and installing cell, where it is known from where."""
    if not repository:
        return []
    colab, file = "https://colab.research.google.com", file_name(chapter, kind)
    place = f"{colab}/github/{repository}/blob/main/notebooks/{file}"
    badge = f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({place})"
    return [
        ("markdown", badge),
        ("code", f'%pip install -q "gradschool @ git+https://github.com/{repository}"'),
    ]


def own_repository() -> str:
    """owner/name out of the package's project links; "" if it has none on GitHub."""
    for link in metadata("gradschool").get_all("Project-URL") or []:
        if found := re.search(r"github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?$", link):
            return found[1]
    return ""


def file_name(chapter: Chapter, kind: Kind) -> str:
    """01-neurons-exercise.ipynb."""
    return f"{chapter.folder.name}-{kind}.ipynb"


def cells_of(chapter: Chapter, block: Block, kind: Kind) -> list[tuple[str, str]]:
    """The cells of one block."""
    match block:
        case Text():
            return [("markdown", block.markdown)]
        case Code():
            return code_cells(block, kind)
        case Figure():
            return [("code", f"%figure {chapter.id} {block.name}"), ("markdown", f"*{block.caption}*")]
        case Question():
            folded = f"<details><summary>Answer</summary>\n\n{block.answer}\n\n</details>"
            return [("markdown", f"**Question.** {block.ask}\n\n{folded}")]
        case Task():
            return task_cells(chapter, block.exercise, kind)


def code_cells(block: Code, kind: Kind) -> list[tuple[str, str]]:
    """Blocks of the lecture run; the library's code is shown, and can be run where one codes along."""
    if not block.title and block.language == "python":
        return [("code", block.text)]
    if block.imports and kind == "codealong":
        return [("markdown", f"From {block.title}:"), ("code", f"{block.imports}\n\n{block.text}")]
    return [("markdown", f"{block.title}\n\n```{block.language}\n{block.text.rstrip()}\n```")]


def task_cells(chapter: Chapter, exercise: Exercise, kind: Kind) -> list[tuple[str, str]]:
    """An exercise: a heading, and the blank or the solution under the magic that checks it."""
    from markdown_it import MarkdownIt

    title = f"### Exercise {exercise.id}\n\nAbout {exercise.minutes} minutes."
    if kind == "codealong":
        return [("markdown", f"{title} In the exercise notebook, or: `gradschool start {chapter.id}`.")]
    as_html = MarkdownIt("commonmark", {"html": False}).render
    hints = "\n".join(
        f"<details><summary>Hint {n} of {len(exercise.hints)}</summary>\n{as_html(hint)}</details>"
        for n, hint in enumerate(exercise.hints, 1)
    )
    text = text_for(chapter, exercise, solved=kind == "solution")
    body = text.split('"""\n\n', 1)[1]  # the file's docstring says what the heading says
    return [("markdown", f"{title}\n\n{hints}"), ("code", f"%%exercise {exercise.id}\n{body}")]
