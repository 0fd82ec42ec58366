"""Reads a chapter's proofs.toml: what is known of its checks beside its exercises; see `classroom.gates`."""

import tomllib
from pathlib import Path
from typing import Any

from gradschool.classroom.exercise.record import Strict, Text
from gradschool.errors import UserError


class Equivalent(Strict):
    """A machine-made mutant that computes what the function computes.

    Args:
        was, now: its line before and after, as `gates.survey` prints them.
        why: the reason why no check can tell them apart.
    """

    was: Text
    now: Text
    why: Text


class Promise(Strict):
    """A sentence of the docstring, and where the check holds the function to it.

    Args:
        says: words of the docstring.
        shown: words of a case, or of a sentence, of the check.
    """

    says: Text
    shown: Text


def proofs(folder: Path) -> dict[str, Any]:
    """By exercise, what proofs.toml says of its check; nothing where there is none.

    Raises:
        UserError: it is not TOML.
    """
    file = folder / "proofs.toml"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not TOML ({error})", "", "Mend that line.") from error
