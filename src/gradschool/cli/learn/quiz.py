"""gradschool quiz CHAPTER: questions with an explanation for every answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gradschool.cli.main import finish


@dataclass(frozen=True)
class Args:
    """Answer a chapter's questions; every time the numbers are others."""

    chapter: Annotated[str, tyro.conf.Positional] = ""
    """Name or number of the chapter; that of your next exercise if not given."""
    seed: int | None = None
    """Of the numbers and the order; the count of your tries if not given."""
    dir: Path | None = None
    """Your folder; else GRADSCHOOL_WORK, else ./gradschool-work."""
    json: bool = False
    """Print the result as one line of JSON."""


def run(args: Args) -> int:
    """Ask, explain, remember."""
    from rich.console import Console
    from rich.markdown import Markdown

    from gradschool.classroom.asking import run as ask_all
    from gradschool.classroom.author.terminal import plain_math
    from gradschool.classroom.exercise.manifest import find_chapter
    from gradschool.classroom.quiz import read_quiz
    from gradschool.classroom.workspace.layout import find_workspace
    from gradschool.classroom.workspace.progress import read, record_quiz, wanted

    # 1. A new try has new numbers.
    workspace = find_workspace(args.dir)
    chapter = find_chapter(args.chapter) if args.chapter else wanted(workspace, "")[0]
    tries = read(workspace)["quizzes"].get(chapter.id, {}).get("tries", 0)
    questions, console = read_quiz(chapter), Console(width=min(Console().width, 100))

    def ask(prompt: str) -> str:
        try:
            return input(prompt)
        except EOFError:
            return ""

    answers = ask_all(
        questions, tries if args.seed is None else args.seed, ask,
        lambda text: console.print(Markdown(plain_math(text))),
    )  # fmt: skip
    # 2. What is remembered.
    right = sum(answers.values())
    if answers:
        record_quiz(workspace, chapter, answers)
    print(f" quiz     {right} of {len(questions)} right at once")
    finish(args, {"chapter": chapter.id, "questions": len(questions), "right": right, "answers": answers})
    return 0
