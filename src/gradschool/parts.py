"""The parts that are installed by name: what each is for, and the sentence when one is missing.

Nothing is ever installed silently: a command that needs a part says so, with its size and the line to type.
The table is parts.toml, which the launcher reads as well; pyproject.toml names the packages.
"""

import importlib.metadata
import importlib.util
import os
import shlex
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gradschool.errors import UserError
from gradschool.phrases import did_you_mean, nearest


@dataclass(frozen=True)
class Part:
    """What a part is for, and about how much it takes over the base on Linux."""

    purpose: str
    megabytes: int
    seconds: int

    def __str__(self) -> str:
        return f"about {self.megabytes:,} MB, {self.seconds} s"


@cache
def table() -> dict[str, Part]:
    """Every part by its name."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return {name: Part(**facts) for name, facts in tomllib.loads(text).items()}


def need(package: str, part: str, use: str) -> None:
    """Go on if a package is here, else say what brings it.

    Args:
        package: as it is imported, e.g. "torch_fidelity".
        part: that has it, e.g. "peers".
        use: what it is needed for, e.g. "fine-tuning networks of timm".
    Raises:
        UserError: the package is not installed.
    """
    if importlib.util.find_spec(package) is None:
        what = f"{package.replace('_', '-')} is not installed, and {use} needs it"
        raise UserError(what, "", f"Run: {command(part)} ({table()[part]})")


def known(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, once it is sure that each is a part.

    Raises:
        UserError: one is none; the nearest is named.
    """
    for name in names:
        if name not in table():
            guess = did_you_mean(nearest(name, table()))
            raise UserError(f"there is no part {name!r}", "", f"{guess}All parts: {', '.join(table())}")
    return names


def command(*names: str) -> str:
    """The line that installs parts here: the launcher's, or pip's in an environment that it did not make."""
    environment = Path(sys.prefix)
    launcher = environment.parent / "gradschool"
    if not (environment / ".installed").exists() or not launcher.is_file():
        return f"pip install 'gradschool[{','.join(names)}]'"
    start = "./gradschool" if launcher.parent == Path.cwd() else shlex.quote(str(launcher))
    if os.name == "nt":
        start = f'python "{launcher}"'
    return " ".join([start, "add", *names])


def is_installed(part: str) -> bool:
    """Whether every package of a part is here, by the list in gradschool's own metadata."""
    from packaging.requirements import Requirement

    for requirement in map(Requirement, importlib.metadata.requires("gradschool") or []):
        marker = requirement.marker
        if not marker or marker.evaluate({"extra": ""}) or not marker.evaluate({"extra": part}):
            continue  # the base's, another part's, or another system's
        try:
            importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            return False
        if requirement.name == "gradschool" and not all(map(is_installed, requirement.extras)):
            return False
    return part in (importlib.metadata.metadata("gradschool").get_all("Provides-Extra") or [])
