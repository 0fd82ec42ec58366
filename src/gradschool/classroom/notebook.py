"""Inside a notebook: `%%exercise ID` checks a cell and runs it, `%figure CHAPTER NAME` draws a figure."""

from typing import Any

from gradschool.classroom.author.evidence import content
from gradschool.classroom.check.client import check
from gradschool.classroom.check.job import Job
from gradschool.classroom.check.report import lines
from gradschool.classroom.exercise.manifest import find_chapter, find_exercise


def exercise(line: str, cell: str) -> None:
    """Check a cell's text as the file of an exercise."""
    chapter, found = find_exercise(line.strip())
    job = Job(found.id, str(chapter.folder), f"cell of {found.id}", cell)
    print("\n".join(lines(check(job), 90)))


def figure(line: str) -> Any:
    """A figure of a chapter."""
    chapter, name = line.split()
    return getattr(content(find_chapter(chapter), "figures"), name)()


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext gradschool.classroom.notebook` calls."""

    def run_and_check(line: str, cell: str) -> None:
        exercise(line, cell)
        shell.run_cell(cell)

    shell.register_magic_function(run_and_check, "cell", "exercise")
    shell.register_magic_function(figure, "line", "figure")
