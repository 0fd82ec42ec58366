"""Phrases that messages share: a command that can be pasted as it stands, and a count with its noun."""

import os
import re
import shlex
import subprocess


def called() -> str:
    """What starts gradschool here; the launcher leaves word of how it was called."""
    return os.environ.get("GRADSCHOOL_CALLED") or "gradschool"


def command(fixed: str, *words: object) -> str:
    """A command line that can be pasted.

    Args:
        fixed: its first words, which stand as they are, e.g. "train --resume".
        words: those that follow, such as paths and names; each is quoted for the shell where it has to be.
    """
    return " ".join([called(), fixed, *(quoted(str(word)) for word in words)])


def as_called(text: str) -> str:
    """A text in which commands that are written down with the bare name begin with what starts gradschool here.

    A command stands at the beginning of a line, behind a colon, or as code between backticks.
    """
    return re.sub(r"(?m)(^[ $]*|: |`)gradschool(?= )", lambda found: found[1] + called(), text)


def quoted(word: str) -> str:
    """A word as this system's shell reads it."""
    return subprocess.list2cmdline([word]) if os.name == "nt" else shlex.quote(word)


def counted(number: int, one: str, many: str = "") -> str:
    """1 file, 1,200 files, 2 entries.

    Args:
        number: how many.
        one: the noun in the singular.
        many: the plural, where it is not the singular with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
