"""The command that repeats a run: its recipe, and every setting in which it differs from the recipe."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from gradschool.runs.request import Request


def command(request: Request, settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """What to type for the same run.

    Args:
        request: of the run.
        settings: its settings as plain values.
        defaults: those of its kind, for where the recipe's own are not known.
    """
    words = ["gradschool", "train", request.recipe, "--seed", str(request.seed)]
    words += ["--steps", str(request.steps)] if request.steps else []
    words += ["--plain"] if request.plain else []
    words += ["--mine"] if request.mine else []
    for key, value in changed(defaults if request.usual is None else request.usual, settings):
        words += ["--data", value] if key == "data" else ["--set", f"{key}={text(value)}"]
    return shlex.join(words)


def changed(usual: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
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
