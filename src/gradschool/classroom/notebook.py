"""Inside a notebook: `%%exercise ID` checks a cell and runs it, `%figure CHAPTER NAME` draws a figure."""

import re
from collections.abc import Callable
from typing import Any

from gradschool.classroom.author.evidence import content
from gradschool.classroom.check.client import check
from gradschool.classroom.check.job import Job
from gradschool.classroom.check.report import lines
from gradschool.classroom.exercise.manifest import find_chapter, find_exercise
from gradschool.classroom.exercise.strip import RAISE
from gradschool.errors import UserError

NAMED = re.compile(r"^```\{figure\} *(\S+)", re.MULTILINE)


def exercise(line: str, cell: str) -> None:
    """Check a cell's text as the file of an exercise."""
    chapter, found = find_exercise(line.strip())
    job = Job(found.id, str(chapter.folder), f"cell of {found.id}", cell)
    print("\n".join(lines(check(job), 90)))


def figure(line: str) -> Any:
    """A figure of a chapter.

    Raises:
        UserError: the chapter has no such figure; the sentence lists those that it has.
    """
    name, _, wanted = line.strip().partition(" ")
    chapter, wanted = find_chapter(name), wanted.strip()
    known = NAMED.findall((chapter.folder / "lecture.md").read_text(encoding="utf-8"))
    if wanted not in known:
        came = f"has no figure {wanted!r}" if wanted else "was named without a figure"
        raise UserError(f"{chapter.id} {came}", f"one of {', '.join(known)}", f"%figure {chapter.id} NAME")
    drawn = getattr(content(chapter, "figures"), wanted)()
    # A figure that pyplot holds would be shown a second time when the cell ends.
    import matplotlib.pyplot as plt

    plt.close(drawn)
    return drawn


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext gradschool.classroom.notebook` calls."""
    from IPython.core.error import UsageError

    def in_words(magic: Callable[..., Any]) -> Callable[..., Any]:
        """IPython prints a UsageError as one line, without a traceback."""

        def called(*words: str) -> Any:
            try:
                return magic(*words)
            except UserError as error:
                raise UsageError(str(error)) from error

        return called

    def run_and_check(line: str, cell: str) -> None:
        exercise(line, cell)
        before = dict(shell.user_ns)
        shell.run_cell(cell)
        if RAISE in cell:  # what the library has stays under the name, so that the lecture's cells run
            hidden = {name for name, value in shell.user_ns.items() if before.get(name, value) is not value}
            shell.user_ns.update({name: before[name] for name in hidden if callable(before[name])})

    shell.register_magic_function(in_words(run_and_check), "cell", "exercise")
    shell.register_magic_function(in_words(figure), "line", "figure")
