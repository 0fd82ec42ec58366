"""Recipes: one function a run, found by scanning: a new file with a function of its name is enough."""

import ast
import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from gradschool import scan
from gradschool.errors import UserError
from gradschool.phrases import command, did_you_mean, nearest
from gradschool.runs.request import Request

FORMER = {"hymenoptera_transfer": "transfer"}  # names of 0.1.0


def places() -> dict[str, tuple[str, str]]:
    """Every recipe's name with its module and the first line of its docstring, without importing any."""
    found = {}
    for module, node in scan.definitions(__name__, Path(__file__).parent):
        is_own = isinstance(node, ast.FunctionDef) and node.name == module.rpartition(".")[2]
        if is_own and isinstance(node, ast.FunctionDef) and not node.args.args:
            found[node.name] = module, (ast.get_docstring(node) or "").split("\n")[0]
    return dict(sorted(found.items()))


def listing() -> dict[str, str]:
    """Every recipe's name and the first line of its docstring, without importing any."""
    return {name: text for name, (_, text) in places().items()}


@cache
def data_of() -> dict[str, str | None]:
    """Every recipe's name and the set it trains on, without importing any: "" where it is to be named, None
    where the recipe makes its data or chooses when it is called.

    A recipe that is a variant of another, or stands on one, trains on that one's set.
    """
    known = places()
    found = scan.definitions(__name__, Path(__file__).parent)
    nodes = {node.name: node for _, node in found if isinstance(node, ast.FunctionDef) and node.name in known}

    def data(name: str) -> str | None:
        calls = [each for each in ast.walk(nodes[name]) if isinstance(each, ast.Call)]
        for word in (word for call in calls for word in call.keywords if word.arg == "data"):
            if isinstance(word.value, ast.Constant):
                return str(word.value.value)
            return None
        others = [call.func.id for call in calls if isinstance(call.func, ast.Name) and call.func.id in nodes]
        return next((data(other) for other in others if other != name), None)

    return {name: data(name) for name in nodes}


def find(name: str) -> Callable[..., Any]:
    """The function that makes a recipe's settings.

    Raises:
        UserError: there is no such recipe; the nearest is named.
    """
    name = name.replace("-", "_")
    known, name = places(), FORMER.get(name, name)
    if name not in known:
        guess = did_you_mean(nearest(name, known))
        advice = guess or f"For images of your own: {command('train folder --data PATH')}. "
        raise UserError(f"there is no recipe {name!r}", "", f"{advice}All recipes: {command('train')}")
    function: Callable[..., Any] = getattr(importlib.import_module(known[name][0]), name)
    return function


def choices(name: str, assignments: Sequence[str]) -> dict[str, str]:
    """What words of the form key=value say of the arguments of a recipe's function, which choose the kind of
    run; data is not among them.
    """
    known = set(inspect.signature(find(name)).parameters) - {"data"}
    pairs = [(key.strip(), value.strip()) for key, _, value in (word.partition("=") for word in assignments)]
    return {key: value for key, value in pairs if key in known}


def on(name: str, data: str | None = None, assignments: Sequence[str] = ()) -> Any:
    """A recipe's settings for other data than its own; a recipe whose function takes data looks at them.

    Args:
        name: of the recipe.
        data: a set by name, or a path.
        assignments: words of the form key=value, of which those count that choose the kind of run.
    """
    make, chosen = find(name), choices(name, assignments)
    if data and "data" in inspect.signature(make).parameters:
        return make(data=data, **chosen)
    return replace(make(**chosen), data=data) if data else make(**chosen)


def ask(name: str, data: str | None = None, assignments: Sequence[str] = (), **words: Any) -> Request:
    """A request for a recipe's run, which knows the recipe's own settings; words as of `Request`."""
    from gradschool.runs.settings import to_dict  # pydantic takes a while to load, and listing needs none

    usual = to_dict(on(name, data, assignments)) | {"data": to_dict(find(name)()).get("data")}
    return Request(name, usual=usual | dict.fromkeys(choices(name, assignments)), **words)
