"""Recipes: one function a run, found by scanning: a new file with a function of its name is enough."""

import ast
import difflib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradschool.errors import UserError


def listing() -> dict[str, str]:
    """Every recipe's name and the first line of its docstring, without importing any."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == file.stem and not node.args.args:
                found[node.name] = (ast.get_docstring(node) or "").split("\n")[0]
    return found


def find(name: str) -> Callable[[], Any]:
    """The function that makes a recipe's settings.

    Raises:
        UserError: there is no such recipe; the nearest is named.
    """
    name = name.replace("-", "_")
    known = listing()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        guess = (
            f"Did you mean {near[0]}?"
            if near
            else "For images of your own: gradschool train folder --data PATH"
        )
        raise UserError(f"there is no recipe {name!r}", f"one of {', '.join(known)}", guess)
    function: Callable[[], Any] = getattr(importlib.import_module(f"gradschool.recipes.{name}"), name)
    return function
