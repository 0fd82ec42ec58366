"""Phrases that messages share: a command that can be pasted as it stands, and a count with its noun."""

import difflib
import os
import re
import shlex
import shutil
import subprocess
import textwrap
from collections.abc import Iterable


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
    """A text whose commands, written down with the bare name, begin with what starts gradschool here.

    A command stands at the beginning of a line, behind a colon, or as code between backticks.
    """
    return re.sub(r"(?m)(^[ $]*|: |`)gradschool(?= )", lambda found: found[1] + called(), text)


def hanging(head: str, text: str, limit: int = 1000) -> str:
    """A line of a list, broken at spaces where the terminal is narrower; a command in it stays in one piece.

    Args:
        head: what stands at the left, e.g. " next     "; further lines are indented as far.
        text: what goes behind it.
        limit: columns at most, also in a wider terminal; where there is none, nothing is broken below it.
    """
    width = min(shutil.get_terminal_size(fallback=(limit, 24)).columns - 1, limit)
    words = rf"{re.escape(called())}( ([^\s·(,;.:]|[.:](?=\S))+)+"
    whole = re.sub(words, lambda found: found[0].replace(" ", "\xa0"), text)
    if width - len(head) < 24 < len(text):  # a terminal so narrow that the text goes below its head
        rest = textwrap.wrap(whole, max(width - 4, 8), break_long_words=False, break_on_hyphens=False)
        lines = [head.rstrip(), *(f"    {line}" for line in rest)]
    else:
        rest = textwrap.wrap(whole, width - len(head), break_long_words=False, break_on_hyphens=False)
        lines = [f"{' ' * len(head) if i else head}{line}" for i, line in enumerate(rest or [""])]
    return "\n".join(lines).replace("\xa0", " ").rstrip()


def quoted(word: str) -> str:
    """A word as this system's shell reads it."""
    return subprocess.list2cmdline([word]) if os.name == "nt" else shlex.quote(word)


def nearest(name: str, known: Iterable[str], most: int = 1, likeness: float = 0.6) -> list[str]:
    """The known names that a mistyped one is most like, the best first; upper and lower case are the same.

    Args:
        name: as it was typed.
        known: names that there are.
        most: names at most.
        likeness: from 0, anything, to 1, the same; below it only a name that begins as typed is near.
    """
    plain = {one.lower(): one for one in known}
    typed = name.lower()
    begun = [one for one in plain if typed and one.startswith(typed)]
    return [plain[one] for one in (difflib.get_close_matches(typed, plain, most, likeness) or begun[:most])]


def did_you_mean(near: Iterable[str]) -> str:
    """The question "Did you mean neurons? " with a space for what follows; "" where nothing is near."""
    names = " or ".join(near)
    return f"Did you mean {names}? " if names else ""


def counted(number: int, one: str, many: str = "") -> str:
    """1 file, 1,200 files, 2 entries.

    Args:
        number: how many.
        one: the noun in the singular.
        many: the plural, where it is not the singular with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def raised(error: BaseException) -> str:
    """What somebody else's program raised, in one line of at most 300 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300].rstrip(". ")
