"""The command that repeats a run: its recipe, and every setting in which it differs from the recipe."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from gradschool.recipes import find, listing
from gradschool.runs.run import Request
from gradschool.runs.settings import to_dict


def command(request: Request, settings: dict[str, Any]) -> str:
    """What to type for the same run.

    Args:
        request: of the run.
        settings: its settings as plain values.
    """
    words = ["gradschool", "train", request.recipe, "--seed", str(request.seed)]
    words += ["--steps", str(request.steps)] if request.steps else []
    words += ["--plain"] if request.plain else []
    words += ["--mine"] if request.mine else []
    if request.recipe in listing():
        for key, value in changed(to_dict(find(request.recipe)()), settings):
            words += ["--data", value] if key == "data" else ["--set", f"{key}={text(value)}"]
    return shlex.join(words)


def changed(usual: dict[str, Any], own: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Settings that are not as usual, groups of settings one by one."""
    for name, value in own.items():
        before = usual.get(name)
        if isinstance(value, dict) and isinstance(before, dict) and value.keys() == before.keys():
            yield from ((f"{name}.{inner}", found) for inner, found in changed(before, value))
        elif value != before:
            yield name, value


def text(value: Any) -> str:
    """A value as `--set` reads it."""
    return value if isinstance(value, str) else json.dumps(value)
