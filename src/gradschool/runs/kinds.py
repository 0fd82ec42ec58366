"""Find a kind of run by its name: a class of this package that has a `kind`, found by reading the source."""

import ast
import importlib
from pathlib import Path
from typing import Any

from gradschool import scan
from gradschool.errors import UserError
from gradschool.phrases import did_you_mean, nearest

PACKAGE = "gradschool.runs"


def places() -> dict[str, tuple[str, str]]:
    """Every kind's name with its module and its class, without importing any."""
    found = {}
    for module, node in scan.definitions(PACKAGE, Path(__file__).parent):
        for line in node.body if isinstance(node, ast.ClassDef) else []:
            is_name = isinstance(line, ast.AnnAssign) and getattr(line.target, "id", "") == "kind"
            if is_name and isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Constant):
                found[str(line.value.value)] = module, node.name  # type: ignore[attr-defined]
    return found


def find_kind(name: str) -> type[Any]:
    """The class of a kind of run.

    Raises:
        UserError: there is none of this name; the nearest is named.
    """
    known = places()
    if name not in known:
        guess = did_you_mean(nearest(name, known))
        advice = f"{guess}A newer gradschool may have made this run."
        raise UserError(f"there is no kind of run {name!r}", f"one of {', '.join(known)}", advice)
    module, kind = known[name]
    found: type[Any] = getattr(importlib.import_module(module), kind)
    return found
