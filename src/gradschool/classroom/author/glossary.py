"""The course's terms: glossary.toml of each chapter, read as one."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gradschool.classroom.exercise.manifest import Chapter, chapters
from gradschool.classroom.exercise.record import Strict, Text
from gradschool.errors import UserError
from gradschool.phrases import command, did_you_mean, nearest


class Term(Strict):
    """A term of the field.

    Args:
        means: its definition, in a sentence or two.
        also: other spellings and names of it.
    """

    means: Text
    also: tuple[Text, ...] = ()


def terms(chapter: Chapter) -> dict[str, Term]:
    """The terms that a chapter defines; none where it has no glossary.toml.

    Raises:
        UserError: the file is not as described above.
    """
    file = chapter.folder / "glossary.toml"
    if not file.is_file():
        return {}
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return {term: Term.model_validate(fields) for term, fields in table.items()}
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UserError(f"{file} does not fit: {error}", '["term"] with means, also', "") from error


def glossary(course: Path | None = None) -> dict[str, tuple[Term, Chapter]]:
    """Every term of the course with the chapter that defines it, in the order of chapters.

    Raises:
        UserError: two chapters define one term.
    """
    found: dict[str, tuple[Term, Chapter]] = {}
    for chapter in chapters(course):
        for name, term in terms(chapter).items():
            for one in (name, *term.also):
                if one in found:
                    raise UserError(
                        f"{one!r} is defined in {found[one][1].id} and in {chapter.id}", "once", ""
                    )
            found[name] = (term, chapter)
    return found


def spellings(course: Path | None = None) -> dict[str, str]:
    """Every spelling, in lower case, with the name that its term has in the glossary."""
    return {one.lower(): name for name, (term, _) in glossary(course).items() for one in (name, *term.also)}


def find_term(wanted: str, course: Path | None = None) -> tuple[str, Term, Chapter]:
    """A term by any of its spellings, in any case, with hyphens or spaces.

    Raises:
        UserError: there is none; the sentence names the nearest.
    """
    known = {one.replace("-", " "): name for one, name in spellings(course).items()}
    asked = " ".join(wanted.lower().replace("-", " ").split())
    if asked in known:
        name = known[asked]
        return (name, *glossary(course)[name])
    # Words that hold what was typed come before words that only look like it.
    holding = [one for one in known if len(asked) > 1 and asked in one]
    near = list(dict.fromkeys(known[one] for one in holding + nearest(asked, known, 5)))[:5]
    advice = f"{did_you_mean(near)}All terms: {command('glossary')}"
    raise UserError(f"the glossary has no {wanted!r}", "", advice)
