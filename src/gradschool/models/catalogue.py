"""Find a network by name: a function of a file in this package whose first parameter is `classes`.

Listing reads the source only, so it is quick and imports nothing heavy.
"""

import ast
import difflib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gradschool.errors import UserError

if TYPE_CHECKING:
    from torch import nn


def listing() -> dict[str, str]:
    """Every size function's name and the module it is in, e.g. {"resnet18": "gradschool.models.resnet"}."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.args.args and node.args.args[0].arg == "classes":
                found[node.name] = f"gradschool.models.{file.stem}"
    return found


def find(name: str) -> Callable[..., "nn.Module"]:
    """The size function of a name, e.g. "resnet18".

    Raises:
        UserError: there is none; the nearest is named.
    """
    known = listing()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        guess = f"Did you mean {near[0]}?" if near else ""
        raise UserError(f"there is no model {name!r}", f"one of {', '.join(known)}", guess)
    function: Callable[..., nn.Module] = getattr(importlib.import_module(known[name]), name)
    return function


def name_of(function: Callable[..., "nn.Module"]) -> str:
    """The name under which `find` finds a function."""
    return function.__name__
