"""One switch for three layers of an operation: plain (taught), fast (torch-native) and mine (the learner's).

An op is written once, plainly, under `@op`. Its fast twin, when there is one, is the function of the same
name in the module of the same name in `gradschool.fast`; it is looked up by that name at the first call. What
both refuse, so that they accept alike, is the function of that name in `gradschool.ops.accepts`. A learner's
function, put in as `.mine`, goes before both, so that every caller gets it however it was imported.
"""

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, Literal, ParamSpec, TypeVar

import torch
from torch import Tensor

from gradschool import scan
from gradschool.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")
Layer = Literal["fast", "plain"]
MOST = 4096  # descriptions of accepted arguments that an op keeps
_layer: Layer = "fast"
_checked = True


def described(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> object:
    """All that a check of shapes and types can depend on; 1, 1.0 and True are told apart."""
    return (*kwargs, *map(told, (*args, *kwargs.values())))


def mixed(x: Tensor) -> torch.dtype | None:
    """The precision of products under autocast, which is on for a kind of device; None where it is off."""
    kind = x.device.type
    on = kind != "meta" and torch.is_autocast_enabled(kind)  # which refuses tensors without numbers
    return torch.get_autocast_dtype(kind) if on else None


def told(value: object) -> object:
    """One argument without its numbers, if it holds tensors: `repr` would format every one of them."""
    if isinstance(value, Tensor):
        return value.shape, value.dtype, value.device.type, mixed(value)
    if isinstance(value, tuple | list):
        return type(value), *map(told, value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), *(told(getattr(value, each.name)) for each in fields(value))
    if callable(value):
        return type(value), getattr(value, "__qualname__", None)  # each lambda has an address of its own
    return repr(value)


class Op(Generic[P, R]):
    """A callable with up to three implementations: `.plain`, `.fast` (or None) and `.mine` (or None)."""

    def __init__(self, plain: Callable[P, R]) -> None:
        functools.update_wrapper(self, plain)
        self.taught = plain
        self.mine: Callable[P, R] | None = None
        self.accepted: set[object] = set()

    @functools.cached_property
    def plain(self) -> Callable[P, R]:
        """The function as it is written, after a look at its arguments."""
        return self.accepting(self.taught)

    @functools.cached_property
    def fast(self) -> Callable[P, R] | None:
        """The twin `gradschool.fast.<module>.<name>`, or None where the plain form is all there is."""
        twin = self.namesake("gradschool.fast")
        return twin and self.accepting(twin)

    def namesake(self, package: str) -> Callable[..., Any] | None:
        """The function of the op's name in the module of its module's name in another package."""
        module = self.taught.__module__.replace("gradschool.ops", package, 1)
        held = imported(module) if module != self.taught.__module__ else None
        return getattr(held, self.taught.__name__, None)

    def accepting(self, form: Callable[P, R]) -> Callable[P, R]:
        """A form that refuses what `gradschool.ops.accepts` refuses, and arguments that it does not have."""
        accepts = self.namesake("gradschool.ops.accepts")
        if accepts is None:
            return form

        always = getattr(accepts, "looks_at_numbers", False)

        @functools.wraps(form)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            # 1. What is compiled or traced has run before; its sizes are symbols now, or tensors.
            if not _checked or torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
                return form(*args, **kwargs)
            # 2. What fitted once fits again: training asks the same for every batch.
            asked = None if always else described(args, kwargs)
            if always or asked not in self.accepted:
                try:
                    accepts(*args, **kwargs)
                except TypeError:
                    self.refuse_unknown(args, kwargs)
                    raise
                if len(self.accepted) < MOST:
                    self.accepted.add(asked)
            return form(*args, **kwargs)

        return run

    def refuse_unknown(self, args: Any, kwargs: Any) -> None:
        """Say in a sentence which argument is too many or missing, if that is what is wrong."""
        signature = inspect.signature(self.taught)
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            wanted = f"arguments among {', '.join(signature.parameters)}"
            raise UserError(f"{self.taught.__name__}: {error}", wanted, "Leave the others out.") from None

    @property
    def is_replaceable(self) -> bool:
        """Whether the fast layer is in force and no learner's function, so that a caller may fuse it."""
        return self.mine is None and _layer == "fast"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the layer in force."""
        if self.mine is not None:
            return self.mine(*args, **kwargs)
        if _layer == "fast" and self.fast is not None:
            return self.fast(*args, **kwargs)
        return self.plain(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<op {self.taught.__module__}.{self.taught.__qualname__}>"


def op(function: Callable[P, R]) -> Op[P, R]:
    """Mark a plain function as an op that a run may replace by its fast twin or by the learner's."""
    return Op(function)


def imported(module: str) -> ModuleType | None:
    """A module by its dotted name; None where it, or a folder on the way to it, does not exist."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            return None
        raise


def find_twins() -> None:
    """Look up the forms of every op now, since a compiler that traces a first call could not."""
    for name in scan.modules("gradschool.ops", Path(__file__).parent):
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, Op):
                value.plain, value.fast  # noqa: B018 - kept by cached_property


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


@contextmanager
def unchecked() -> Iterator[None]:
    """Leave out the look at arguments, for a block that calls again and again what has run before.

    A decoder reads token after token through hundreds of ops, whose work is as short as the look at it.
    """
    global _checked
    before, _checked = _checked, False
    try:
        yield
    finally:
        _checked = before
