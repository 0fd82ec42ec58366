"""Courseworks: whole guided projects, a folder each, found by a class of its name in work.py."""

import ast
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from gradschool import scan
from gradschool.errors import UserError
from gradschool.phrases import command, did_you_mean, nearest

if TYPE_CHECKING:
    from gradschool.classroom.coursework.frame import Coursework


def class_name(name: str) -> str:
    """The class of a coursework: vae-dcgan is VaeDcgan."""
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))


def listing() -> dict[str, str]:
    """Every coursework's name and the first line of its class's docstring, without importing any."""
    found = {}
    for module, node in scan.definitions(__name__, Path(__file__).parent):
        name = module.split(".")[-2]
        if isinstance(node, ast.ClassDef) and node.name == class_name(name) and node.bases:
            found[name.replace("_", "-")] = (ast.get_docstring(node) or "").split("\n")[0]
    return found


def find(name: str) -> "type[Coursework]":
    """The class of a coursework.

    Raises:
        UserError: there is none of that name; the nearest is named.
    """
    known, name = listing(), name.replace("_", "-")
    if name not in known:
        guess = did_you_mean(nearest(name, known)) or f"See: {command('coursework')}"
        raise UserError(f"there is no coursework {name!r}", f"one of {', '.join(known)}", guess)
    module = importlib.import_module(f"gradschool.classroom.coursework.{name.replace('-', '_')}.work")
    kind: type[Coursework] = getattr(module, class_name(name))
    return kind
