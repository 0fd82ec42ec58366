"""Reads a chapter's exercises.toml: which library functions are exercises, and all that is said about them.

A chapter is a folder `course/NN-topic`, or one in a folder that GRADSCHOOL_COURSE names (several as in PATH),
with the modules of its exercises beside it. The manifest refuses what does not fit, naming the file.
"""

import os
import re
import sys
import tomllib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from gradschool.classroom.exercise.proofs import Equivalent, Promise, proofs
from gradschool.classroom.exercise.record import Mutant, Name, Strict, Target, Text
from gradschool.errors import UserError
from gradschool.phrases import called, command, did_you_mean, nearest

COURSE = Path(__file__).resolve().parents[2] / "course"
PACKAGE = Path(__file__).resolve().parents[2]
BESIDE: list[Path] = []  # folders of chapters outside the package


class Exercise(Strict):
    """One function to write.

    Args:
        id: as in `gradschool check ID`.
        target: `module:function` or `module:Class.method`, in the library or beside the chapter.
        steps: "all", or the numbers of the steps that the learner writes.
        minutes: how long it takes.
        points: what it counts.
        hints: from a nudge to nearly the answer.
        mutants: three or more plausible mistakes.
        also_hide: further functions, `module:name`, that would give the answer away; disabled in a check.
        prerequisites: ids of exercises to do before.
        forbid: "loops", or dotted names that must not be used; a trailing `.*` means all below;
            "aten::NAME" disables a kernel of torch, however it is reached.
        allow: exceptions to `forbid`.
        seconds: time limit of its check.
        recipe: one whose training runs this function, for `train RECIPE --mine`.
        in_place: names of the arguments that it is to change.
        equivalents: machine-made mutants that are no mistakes, from proofs.toml.
        promises: what the docstring promises and which case shows it, from proofs.toml.
        draws_from: whose global random generator it may draw from: Python, NumPy, torch.
    """

    id: Name
    target: Target
    steps: Literal["all"] | tuple[int, ...] = "all"
    minutes: int = Field(gt=0, le=240)
    points: int = Field(default=1, gt=0)
    hints: tuple[Text, ...] = Field(min_length=1, max_length=4)
    mutants: tuple[Mutant, ...] = Field(min_length=3)
    also_hide: tuple[Target, ...] = ()
    prerequisites: tuple[Name, ...] = ()
    forbid: tuple[Text, ...] = ()
    allow: tuple[Text, ...] = ()
    seconds: float = Field(default=10.0, gt=0)
    recipe: str = ""
    in_place: tuple[str, ...] = ()
    equivalents: tuple[Equivalent, ...] = ()
    promises: tuple[Promise, ...] = ()
    draws_from: tuple[Literal["Python", "NumPy", "torch"], ...] = ()

    @property
    def module(self) -> str:
        """The library module that the function is cut out of."""
        return self.target.split(":")[0]

    @property
    def function(self) -> str:
        """The function's name in it, `Class.method` for a method."""
        return self.target.split(":")[1]

    @property
    def slug(self) -> str:
        """The id as a Python name: of the learner's file and of the check."""
        return self.id.replace("-", "_")

    @property
    def hidden(self) -> tuple[str, ...]:
        """Every function that a check disables: the target, its fast twin if it has one, and `also_hide`."""
        twin = self.target.replace("gradschool.ops.", "gradschool.fast.", 1)
        twins = [twin] if twin != self.target and find_spec(twin.partition(":")[0]) else []
        return (self.target, *twins, *self.also_hide)


class Chapter(Strict):
    """One folder of the course.

    Args:
        id: as in `gradschool start ID`.
        title: as printed.
        needs: hardware and data, e.g. "nothing here needs a GPU".
        part: the heading under which the map lists this chapter and those after it; "" goes on with the last.
        exercises: in the order in which they are done.
        folder: where its files are.
    """

    id: Name
    title: Text
    needs: Text = "nothing here needs a GPU"
    part: str = ""
    exercises: tuple[Exercise, ...] = Field(min_length=1)
    folder: Path

    @property
    def number(self) -> int:
        """Its place in the course, from the folder's name."""
        return int(self.folder.name.split("-")[0])

    @property
    def minutes(self) -> int:
        """The exercises' minutes together."""
        return sum(exercise.minutes for exercise in self.exercises)

    @property
    def checks(self) -> tuple[Path, ...]:
        """The files that hold its checks: checks.py, and checks_TOPIC.py where one file would be too long."""
        return tuple(sorted(self.folder.glob("checks*.py")))

    @model_validator(mode="after")
    def consistent(self) -> "Chapter":
        """Ids occur once, and prerequisites that are in this chapter come before."""
        seen: set[str] = set()
        ids = [exercise.id for exercise in self.exercises]
        for exercise in self.exercises:
            if exercise.id in seen:
                raise ValueError(f"two exercises have the id {exercise.id!r}")
            late = [p for p in exercise.prerequisites if p in ids and p not in seen]
            if late:
                raise ValueError(f"{exercise.id} comes before its prerequisite {late[0]}")
            seen.add(exercise.id)
        return self


def read_chapter(folder: Path) -> Chapter:
    """A chapter from its folder.

    Raises:
        UserError: the folder's name or its exercises.toml is not as described above.
    """
    file, beside = folder / "exercises.toml", folder.resolve().parent
    if beside != COURSE and beside not in BESIDE:
        BESIDE.append(beside)
        sys.path.append(str(beside))  # what a chapter of one's own teaches lies beside it
    # 1. The name gives number and id.
    match = re.fullmatch(r"\d\d-([a-z0-9-]+)", folder.name)
    if not match:
        raise UserError(f"{folder} is not named like a chapter", "NN-topic, e.g. 01-neurons", "Rename it.")
    # 2. The file is TOML: [chapter] and [[exercise]] tables.
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{file} does not exist", "one manifest a chapter", "Write it.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not TOML ({error})", "", "Mend that line.") from error
    # 3. Its content is a Chapter; the first thing that is not is named.
    exercises = content.pop("exercise", [])
    for name, found in proofs(folder).items():
        for exercise in exercises:
            if exercise.get("id") == name:
                exercise.update(found)
    fields = {
        **content.pop("chapter", {}), "id": match[1], "folder": folder, "exercises": exercises, **content,
    }  # fmt: skip
    try:
        return Chapter.model_validate(fields)
    except ValidationError as error:
        raise UserError(*explained(file, error, fields)) from error


def explained(file: Path, error: ValidationError, fields: dict[str, Any]) -> tuple[str, str, str]:
    """The first validation error as what came, what was wanted, what to do; unknown names come first."""
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
    place = [str(part) for part in first["loc"]]
    if len(place) > 1 and place[0] == "exercises":
        index = int(place[1])
        place[:2] = ["exercise", str(fields["exercises"][index].get("id", index + 1))]
    came = "" if first["type"] == "missing" else f" = {first['input']!r}"
    where = ".".join(place) or "the chapter"
    return f"{file}: {where}{came[:80]}", first["msg"][0].lower() + first["msg"][1:], "Mend the manifest."


def courses() -> tuple[Path, ...]:
    """The folders that hold chapters: the course's own, then those of GRADSCHOOL_COURSE.

    Raises:
        UserError: a folder that it names is not there.
    """
    named = [
        Path(name).expanduser() for name in os.environ.get("GRADSCHOOL_COURSE", "").split(os.pathsep) if name
    ]
    for folder in named:
        if not folder.is_dir():
            what = f"GRADSCHOOL_COURSE names {folder}, which is no folder"
            raise UserError(
                what, "a folder of chapters", f"Make one: {command('new chapter NAME --dir', folder)}"
            )
    return (COURSE, *(folder.resolve() for folder in named))


def chapters(course: Path | None = None) -> tuple[Chapter, ...]:
    """All chapters in order, or those of one folder; no id of an exercise may occur twice.

    Raises:
        UserError: a manifest does not fit, or two chapters share an exercise id.
    """
    return read_chapters((course,) if course else courses())


@cache
def read_chapters(folders: tuple[Path, ...]) -> tuple[Chapter, ...]:
    """The chapters of some folders, as `chapters` has them."""
    own = [file for folder in folders for file in sorted(folder.iterdir()) if re.match(r"\d\d-", file.name)]
    found = tuple(map(read_chapter, own))
    owners: dict[str, str] = {}
    for chapter in found:
        for exercise in chapter.exercises:
            if owners.setdefault(exercise.id, chapter.id) != chapter.id:
                raise UserError(
                    f"exercise {exercise.id} is in {owners[exercise.id]} and in {chapter.id}",
                    "an id for one exercise only", "Rename one.",
                )  # fmt: skip
    return found


def find_chapter(name: str, course: Path | None = None) -> Chapter:
    """A chapter by id or number.

    Raises:
        UserError: there is none; the sentence lists those that exist.
    """
    for chapter in chapters(course):
        if name in (chapter.id, str(chapter.number), chapter.folder.name):
            return chapter
    known = [chapter.id for chapter in chapters(course)]
    advice = f"{did_you_mean(nearest(name, known))}See the map: {called()}"
    raise UserError(f"there is no chapter {name!r}", f"one of {', '.join(known)}", advice)


def find_exercise(name: str, course: Path | None = None) -> tuple[Chapter, Exercise]:
    """An exercise by id (or its file's name), with its chapter.

    Raises:
        UserError: there is none; the sentence names the nearest.
    """
    known = {
        exercise.id: (chapter, exercise) for chapter in chapters(course) for exercise in chapter.exercises
    }
    name = Path(name).stem.replace("_", "-")
    if name in known:
        return known[name]
    guess = did_you_mean(nearest(name, known)) or f"See the map: {called()}"
    raise UserError(f"there is no exercise {name!r}", "", guess)


def source_of(target: str) -> Path:
    """The file of a target's module, found without importing it.

    Raises:
        UserError: there is no such module.
    """
    module = target.split(":")[0]
    for root in (PACKAGE.parent, *BESIDE):
        stem = root.joinpath(*module.split("."))
        for file in (stem.with_suffix(".py"), stem / "__init__.py"):
            if file.is_file():
                return file
    raise UserError(
        f"there is no module {module}",
        "a module of the library, or one beside the chapter",
        "Mend the target.",
    )
