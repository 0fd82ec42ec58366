"""A chapter's literature: references.toml, and the roles {cite} and {paper} that a lecture names it by."""

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from gradschool.classroom.exercise.manifest import Chapter, chapters
from gradschool.classroom.exercise.record import Strict, Text
from gradschool.errors import UserError

ROLE = re.compile(r"\{(cite|paper)\}`([^`]+)`")


class Reference(Strict):
    """A paper, book, lecture or video.

    Args:
        authors: as printed on it, given name first.
        title: in full.
        year: of publication.
        venue: journal, conference, publisher or site.
        arxiv: its number there, e.g. "1312.6114".
        doi: e.g. "10.1038/323533a0".
        url: where it has neither, https.
    """

    authors: tuple[Text, ...] = Field(min_length=1)
    title: Text
    year: int = Field(ge=1600, le=2100)
    venue: str = ""
    arxiv: str = Field(default="", pattern=r"^(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})?$")
    doi: str = Field(default="", pattern=r"^(10\.\d{4,9}/\S+)?$")
    url: str = Field(default="", pattern=r"^(https://\S+)?$")

    @model_validator(mode="after")
    def linked(self) -> "Reference":
        """One link or more."""
        if not (self.arxiv or self.doi or self.url):
            raise ValueError("arxiv, doi or url is wanted")
        return self

    @property
    def link(self) -> str:
        """The address: of the open copy where there is one."""
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def short(self) -> str:
        """Kingma and Welling, 2014."""
        names = [author.split()[-1] for author in self.authors]
        who = (
            names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
        )
        return f"{who}, {self.year}"

    @property
    def entry(self) -> str:
        """The full entry in Markdown, with its link."""
        venue = f". {self.venue}" if self.venue else ""
        return f"{self.short}. [*{self.title}*]({self.link}){venue}"


def literature(course: Path | None = None) -> list[tuple[Reference, list[Chapter]]]:
    """All that the course names, by author and year, each with the chapters that name it."""
    found: dict[str, tuple[Reference, list[Chapter]]] = {}
    for chapter in chapters(course):
        for reference in references(chapter.folder).values():
            found.setdefault(reference.link, (reference, []))[1].append(chapter)
    return sorted(found.values(), key=lambda each: (each[0].short.lower(), each[0].title.lower()))


def references(folder: Path) -> dict[str, Reference]:
    """The references of a chapter's folder by key; none where it has no references.toml.

    Raises:
        UserError: the file is not as described above.
    """
    file = folder / "references.toml"
    if not file.is_file():
        return {}
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return {key: Reference.model_validate(fields) for key, fields in table.items()}
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UserError(
            f"{file} does not fit: {error}", "[key] with authors, title, year, a link", ""
        ) from error


def with_references(chapter: Chapter, markdown: str) -> str:
    """Text whose {cite} and {paper} roles have become links: in short, or the full entry.

    Raises:
        UserError: a role names a key that is not in references.toml.
    """
    known = references(chapter.folder)

    def one(role: re.Match[str]) -> str:
        kind, key = role.groups()
        if key not in known:
            raise UserError(f"references.toml of {chapter.id} has no {key!r}", "", "Add it.")
        found = known[key]
        if kind == "cite":
            return f"[{found.short}]({found.link})"
        return found.entry

    return ROLE.sub(one, markdown)
