"""The learner's folder: one plain Python file an exercise, laid out once and never overwritten.

The text a file was laid out with is kept beside it (`.course`), so that a new version of an exercise can be
merged into work that was begun on the old one.
"""

import ast
import builtins
import difflib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gradschool.classroom.exercise.manifest import Chapter, Exercise, chapters, source_of
from gradschool.classroom.exercise.strip import blank, find, first_line, read_source, split
from gradschool.classroom.workspace.merge import merge3
from gradschool.errors import UserError
from gradschool.phrases import command

State = Literal["new", "kept", "updated", "merged", "conflict"]


WORK = "gradschool-work"
CODING = re.compile(r"\A((?:[^\n]*\n)?[ \t\f]*#.*?coding[:=][ \t]*)[-\w.]+")  # its line


@dataclass(frozen=True)
class Laid:
    """A file that `start` saw to.

    Args:
        exercise: whose file it is.
        file: where.
        state: new, kept as it was, updated (untouched work on an older version), merged, or conflict.
    """

    exercise: Exercise
    file: Path
    state: State


@dataclass(frozen=True)
class Workspace:
    """A learner's folder."""

    root: Path

    def file(self, chapter: Chapter, exercise: Exercise) -> Path:
        """Where the learner writes an exercise."""
        return self.root / chapter.folder.name / f"{exercise.slug}.py"

    def base(self, chapter: Chapter, exercise: Exercise) -> Path:
        """The text the file was laid out with."""
        return self.root / ".course" / chapter.folder.name / f"{exercise.slug}.py"

    def exercises(self) -> Iterator[tuple[Chapter, Exercise, Path]]:
        """Every exercise that has a file here."""
        for chapter in chapters():
            for exercise in chapter.exercises:
                if (file := self.file(chapter, exercise)).is_file():
                    yield chapter, exercise, file

    def work_on(self, chapter: Chapter, exercise: Exercise) -> Path:
        """The file of an exercise.

        Raises:
            UserError: it was not laid out yet.
        """
        if not (file := self.file(chapter, exercise)).is_file():
            raise UserError(f"{file} does not exist", "", f"Lay it out: {command('start', chapter.id)}")
        return file


def find_workspace(folder: Path | None = None) -> Workspace:
    """The learner's folder: `folder`, else GRADSCHOOL_WORK, else gradschool-work here or further up."""
    if named := folder or os.environ.get("GRADSCHOOL_WORK"):
        return Workspace(Path(named))
    here = Path.cwd()
    for place in (here / WORK, here, *(found for above in here.parents for found in (above / WORK, above))):
        if place.name == WORK and place.is_dir():
            return Workspace(Path(WORK) if place.parent == here else place)
    return Workspace(Path(WORK))


def start(chapter: Chapter, workspace: Workspace) -> list[Laid]:
    """Lay out a chapter's files; what is there already is kept, and carried over to a new version.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        return [lay_out(chapter, exercise, workspace) for exercise in chapter.exercises]
    except OSError as error:
        raise UserError(
            f"{workspace.root} cannot be written ({error.strerror})",
            "a folder of yours",
            "Try another --dir.",
        ) from error


def lay_out(chapter: Chapter, exercise: Exercise, workspace: Workspace) -> Laid:
    """Lay out one exercise, or carry its file over to the version of today."""
    file, kept = workspace.file(chapter, exercise), workspace.base(chapter, exercise)
    new = text_for(chapter, exercise)
    # 1. Nothing is there, or nothing is new.
    if not file.exists():
        write(file, new)
        write(kept, new)
        return Laid(exercise, file, "new")
    base = read_source(kept) if kept.exists() else new
    if base == new:
        write(kept, new)
        return Laid(exercise, file, "kept")
    # 2. The exercise has changed: what the learner wrote on the old text goes into the new one.
    mine = CODING.sub(r"\1utf-8", read_source(file))
    state: State = "updated"
    if mine != base:
        backup(file, workspace)
        state = "merged"
    merged = merge3(base, mine, new)
    write(file, merged.text)
    write(kept, new)
    return Laid(exercise, file, "conflict" if merged.conflicts else state)


def reset(chapter: Chapter, exercise: Exercise, workspace: Workspace) -> Path:
    """Lay one exercise out afresh; returns where the work that stood there was put."""
    saved = backup(workspace.work_on(chapter, exercise), workspace)
    new = text_for(chapter, exercise)
    write(workspace.file(chapter, exercise), new)
    write(workspace.base(chapter, exercise), new)
    return saved


def diff(chapter: Chapter, exercise: Exercise, workspace: Workspace) -> str:
    """What the learner has changed against the blank, as a unified diff; "" if nothing."""
    file, base = workspace.work_on(chapter, exercise), workspace.base(chapter, exercise)
    before = read_source(base) if base.exists() else text_for(chapter, exercise)
    pair = split(before), split(read_source(file))
    return "".join(difflib.unified_diff(*pair, "blank", str(file)))


def text_for(chapter: Chapter, exercise: Exercise, solved: bool = False, source: str = "") -> str:
    """The file of an exercise: what it is, the imports that it needs, and the blank (or the solution).

    Args:
        chapter, exercise: which.
        solved: with the steps as the library has them.
        source: of the target's module; the library's own when empty.
    """
    source = source or read_source(source_of(exercise.target))
    _, holder = find(ast.parse(source), exercise.function)
    title = f"chapter {chapter.number}, {chapter.title}: about {exercise.minutes} minutes."
    without = ", ".join(pattern for pattern in exercise.forbid if not pattern.startswith("aten::"))
    rule = f"Do without: {without}.\n" if without else ""
    told = f"{rule}Check it with: gradschool check {exercise.id}\n"
    head = f'"""Exercise {exercise.id} of {title}\n\n{told}"""\n\n'
    whole = "".join(split(source)[first_line(holder) : holder.end_lineno])
    function = whole if solved else blank(source, exercise.function, exercise.steps).function
    marker = "" if solved else "from gradschool.classroom import NotAttempted\n"
    return f"{head}{imports_for(source, holder, exercise.module, marker)}\n\n{function}"


def imports_for(source: str, holder: ast.stmt, module: str, marker: str = "") -> str:
    """Import lines for every name that a function uses from its module's top level."""
    tree = ast.parse(source)
    used = {node.id for node in ast.walk(holder) if isinstance(node, ast.Name)} - set(dir(builtins))
    outside: list[str] = []
    ours, local = [marker] if marker else [], []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a for a in node.names if (a.asname or a.name.split(".")[0]) in used]
            if names:
                kept = ast.unparse(type(node)(**{**dict(ast.iter_fields(node)), "names": names})) + "\n"
                is_ours = isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gradschool")
                (ours if is_ours else outside).append(kept)
        elif node is not holder:
            local += [name for name in bound(node) if name in used]
    if local:
        ours.append(f"from {module} import {', '.join(dict.fromkeys(local))}\n")
    takes_tensors = any(line.startswith("from torch") for line in outside)
    names_tensors = bool(local) and "\nfrom torch import Tensor" in source  # its module's own names for them
    if marker and (takes_tensors or names_tensors) and "import torch\n" not in outside:
        outside.insert(0, "import torch\n")  # whatever of it the solution does without
    return "".join(outside) + ("\n" if outside and ours else "") + "".join(sorted(ours))


def bound(node: ast.stmt) -> list[str]:
    """Names that a top-level statement binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name)]


def backup(file: Path, workspace: Workspace) -> Path:
    """Copy a file into the workspace's backups and say where."""
    stamp, folder = time.strftime("%Y%m%d-%H%M%S"), workspace.root / ".course" / "backup" / file.parent.name
    saved, number = folder / f"{file.stem}-{stamp}.py", 1
    while saved.exists():
        saved, number = folder / f"{file.stem}-{stamp}-{number}.py", number + 1
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_bytes(file.read_bytes())
    return saved


def write(file: Path, text: str) -> None:
    """Write a text as it is, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_bytes(text.encode())
    part.replace(file)
