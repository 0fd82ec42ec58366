"""Looks after calls of a function: what arguments it changes, what global random generators it draws from.

It runs beside the learner's code, where a driver calls their function with what never travels.
"""

import functools
import inspect
import random
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradschool.classroom.check.wire import raw

CHANGED = "A call changed its argument {}; it was to stay as it is."
DREW = "It drew from the global random generator of {}; it was to use the generator it is given, or none."
CALLS = 100  # that are looked after: a training loop makes thousands, all alike
Fault = tuple[str, Any]


def watched(subject: Any, name: str, faults: list[Fault]) -> Any:
    """A function, or for `Class.method` the class, whose calls add to `faults` what they do besides."""
    _, _, method = name.partition(".")
    if method:
        plain = inspect.getattr_static(subject, method, None)
        if isinstance(plain, types.FunctionType):
            setattr(subject, method, guarded(plain, faults, 1))
        return subject
    return guarded(subject, faults) if isinstance(subject, types.FunctionType) else subject


def guarded(function: Callable[..., Any], faults: list[Fault], skip: int = 0) -> Callable[..., Any]:
    """The function with an eye on every call; its first `skip` arguments (self) may change."""
    names, calls = list(inspect.signature(function).parameters)[skip:], 0

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > CALLS:
            return function(*args, **kwargs)
        given = named(names, args[skip:], kwargs)
        before, states = {name: held(value) for name, value in given.items()}, generators()
        try:
            return function(*args, **kwargs)
        finally:
            for name, value in given.items():
                if held(value) != before[name]:
                    faults.append((CHANGED.format(name), value if is_array(value) else None))
            now = generators()
            faults.extend((DREW.format(who), None) for who in now if now[who] != states.get(who, now[who]))

    return call


def named(names: Sequence[str], args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name; what is left over of `*args` is numbered."""
    numbered = [*names[: len(args)], *map(str, range(len(names), len(args)))]
    return dict(zip(numbered, args, strict=True)) | kwargs


def is_draw(fault: Fault) -> bool:
    """Whether it is about a random generator."""
    return fault[0].startswith(DREW.split("{")[0])


def is_array(value: Any) -> bool:
    """Whether it is a tensor or a NumPy array."""
    return hasattr(value, "requires_grad") or isinstance(value, np.ndarray)


def held(value: Any) -> Any:
    """What a value holds, to compare it with itself later; None for what is no data."""
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes() if value.dtype.kind in "biufc" else str(value)
    if hasattr(value, "requires_grad") and hasattr(value, "detach"):
        try:
            graph = (value.requires_grad, held(value.grad)) if value.is_leaf else None
            return tuple(value.shape), raw(value), graph
        except RuntimeError:  # inside a transform of torch.func there are no bytes to read
            return None
    if isinstance(value, list | tuple):
        return [held(part) for part in value]
    if isinstance(value, dict):
        return [(str(key), held(part)) for key, part in value.items()]
    return repr(value) if isinstance(value, bool | int | float | str) else None


def generators() -> dict[str, Any]:
    """The states of the random generators that all code of a process shares."""
    kind, keys, position, *_ = np.random.get_state(legacy=True)  # noqa: NPY002
    states: dict[str, Any] = {
        "Python": hash(random.getstate()),
        "NumPy": (kind, np.asarray(keys).tobytes(), position),
    }
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].default_generator.get_state().numpy().tobytes()
    return states
