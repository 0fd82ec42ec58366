"""One switch for three layers of an operation: plain (taught), fast (torch-native) and mine (the learner's).

An op is written once, plainly, under `@op`. Its fast twin, when there is one, is the function of the same
name in the module of the same name in `gradschool.fast`; it is looked up by that name at the first call. A
learner's function, put in as `.mine`, goes before both, so that every caller gets it however it was
imported.
"""

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, Literal, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")
Layer = Literal["fast", "plain"]
_layer: Layer = "fast"


class Op(Generic[P, R]):
    """A callable with up to three implementations: `.plain`, `.fast` (or None) and `.mine` (or None)."""

    def __init__(self, plain: Callable[P, R]) -> None:
        functools.update_wrapper(self, plain)
        self.plain = plain
        self.mine: Callable[P, R] | None = None

    @functools.cached_property
    def fast(self) -> Callable[P, R] | None:
        """The twin `gradschool.fast.<module>.<name>`, or None where the plain form is all there is."""
        module = self.plain.__module__.replace("gradschool.ops", "gradschool.fast", 1)
        if importlib.util.find_spec(module) is None:
            return None
        twin = getattr(importlib.import_module(module), self.plain.__name__, None)
        return cast("Callable[P, R] | None", twin)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the layer in force."""
        if self.mine is not None:
            return self.mine(*args, **kwargs)
        if _layer == "fast" and self.fast is not None:
            return self.fast(*args, **kwargs)
        return self.plain(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<op {self.plain.__module__}.{self.plain.__qualname__}>"


def op(function: Callable[P, R]) -> Op[P, R]:
    """Mark a plain function as an op that a run may replace by its fast twin or by the learner's."""
    return Op(function)


def find_twins() -> None:
    """Look up the fast twin of every op now, since a compiler that traces a first call could not."""
    for topic in pkgutil.iter_modules([str(Path(__file__).parent)]):
        for value in vars(importlib.import_module(f"gradschool.ops.{topic.name}")).values():
            if isinstance(value, Op):
                value.fast  # noqa: B018 - kept by cached_property


def use(layer: Layer) -> None:
    """Choose the layer for the whole process: "fast" (the default) or "plain" (`--plain`)."""
    global _layer
    _layer = layer


@contextmanager
def using(layer: Layer) -> Iterator[None]:
    """Choose the layer for a block of code, then go back."""
    before = _layer
    use(layer)
    try:
        yield
    finally:
        use(before)
