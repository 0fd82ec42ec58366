"""Modules that have moved: work from an earlier version imports them by the names that they had then."""

import ast
import types
from collections.abc import Sequence

from gradschool.classroom.exercise.manifest import PACKAGE, source_of
from gradschool.errors import UserError
from gradschool.scan import modules


def compiled(text: str, path: str) -> types.CodeType:
    """A work file's code; `from` imports of our modules that have moved find them where they are now.

    Raises:
        SyntaxError: it is not Python.
    """
    tree = ast.parse(text, path)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            node.module = name_now(node.module)
    return compile(tree, path, "exec")


def name_now(module: str) -> str:
    """The name of a module today: its own, or that of the only one deeper down that is called alike."""
    before = module.split(".")
    if before[0] != PACKAGE.name:
        return module
    try:
        source_of(module)
    except UserError:
        found = [name for name in modules(PACKAGE.name, PACKAGE) if lies_below(before, name.split("."))]
        return found[0] if len(found) == 1 else module
    return module


def lies_below(before: Sequence[str], now: Sequence[str]) -> bool:
    """Whether a dotted name has all parts of another in their order, and the same last one."""
    rest = iter(now)
    return before[-1] == now[-1] and all(part in rest for part in before)
