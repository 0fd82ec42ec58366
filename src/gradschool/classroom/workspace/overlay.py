"""Puts the learner's functions in the place of the library's, and says exactly whose code runs.

An op is told (`.mine`), so that every caller gets it; a plain function is replaced in its module and in
every module that has taken it already. What is not attempted yet stays the library's.
"""

import ast
import functools
import hashlib
import importlib
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.classroom.check.subject import MODULE, plain
from gradschool.classroom.exercise.manifest import Exercise, find_exercise
from gradschool.classroom.exercise.moved import compiled
from gradschool.classroom.exercise.strip import find, is_attempted, read_source
from gradschool.classroom.workspace.layout import Workspace
from gradschool.errors import UserError
from gradschool.phrases import command, counted


@dataclass
class Overlaid:
    """One function that is the learner's in this process.

    Args:
        exercise: its id.
        target: the library function it stands for.
        file: where it was written.
        sha256: of that file's content, as it was loaded.
        lines: how many lines the learner's function has.
        calls: how often it has run so far.
    """

    exercise: str
    target: str
    file: str
    sha256: str
    lines: int
    calls: int = 0

    def __str__(self) -> str:
        """conv2d (gradschool-work/06-convolution/conv2d.py, 9 lines)."""
        return f"{self.target.split(':')[1]} ({self.file}, {counted(self.lines, 'line')})"

    def counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each call of it counted here."""

        @functools.wraps(function)
        def and_count(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return function(*args, **kwargs)

        return and_count


def install(workspace: Workspace, only: tuple[str, ...] = ()) -> list[Overlaid]:
    """Overlay every attempted exercise of a workspace (or those named) for the rest of this process.

    Args:
        workspace: the learner's folder.
        only: ids of exercises; all when empty.

    Returns:
        What was overlaid, for the screen and the run folder.

    Raises:
        UserError: a file of the learner's cannot be loaded.
    """
    overlaid = []
    for _, exercise, file in workspace.exercises():
        if only and exercise.id not in only:
            continue
        text = read_source(file)
        try:
            if not is_attempted(text, exercise.function):
                continue
            mine = load(exercise, text, file)
        except Exception as error:
            raise UserError(
                f"{file} cannot be loaded ({type(error).__name__}: {error})", "",
                f"See where: {command('check', exercise.id)}",
            ) from error  # fmt: skip
        record = described(exercise, text, file)
        replace(exercise, record.counting(mine))
        overlaid.append(record)
    return overlaid


def install_again(records: Sequence[dict[str, Any]]) -> list[Overlaid]:
    """Overlay what a run was begun with, to go on with it.

    Raises:
        UserError: a file has changed since.
    """
    overlaid = []
    for kept in records:
        _, exercise = find_exercise(kept["exercise"])
        file = Path(kept["file"])
        text = read_source(file) if file.is_file() else ""
        record = described(exercise, text, file) if text else None
        if record is None or record.sha256 != kept["sha256"]:
            raise UserError(
                f"{file} is not what this run was begun with", f"sha256 {kept['sha256'][:12]}",
                "Put it back, or begin a new run.",
            )  # fmt: skip
        replace(exercise, record.counting(load(exercise, text, file)))
        overlaid.append(record)
    return overlaid


def load(exercise: Exercise, text: str, file: Path) -> Callable[..., Any]:
    """The learner's function; tracebacks through it point at their file."""
    module = types.ModuleType(f"{MODULE}.{exercise.slug}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    exec(compiled(text, str(file.resolve())), module.__dict__)
    found: Any = module
    for part in exercise.function.split("."):
        found = getattr(found, part)
    return plain(found)


def replace(exercise: Exercise, mine: Callable[..., Any]) -> None:
    """Put a function in the place of the library's."""
    owner: Any = importlib.import_module(exercise.module)
    *path, name = exercise.function.split(".")
    for part in path:
        owner = getattr(owner, part)
    reference = getattr(owner, name)
    if hasattr(reference, "mine"):
        reference.mine = mine
        return
    setattr(owner, name, mine)
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("gradschool."):
            for alias in [key for key, value in vars(module).items() if value is reference]:
                setattr(module, alias, mine)


def described(exercise: Exercise, text: str, file: Path) -> Overlaid:
    """The record of an overlaid function."""
    function, _ = find(ast.parse(text), exercise.function)
    length = (function.end_lineno or 0) - function.lineno + 1
    sha = hashlib.sha256(text.encode()).hexdigest()
    return Overlaid(exercise.id, exercise.target, str(file.absolute()), sha, length)
