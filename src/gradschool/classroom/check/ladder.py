"""The ladder: shape, dtype, value, gradient, invariance, state, training; the first failing stage is told.

A chapter's checks.py holds one function an exercise that is handed a Ladder and climbs it. Oracles are
independent of the code under test: closed forms, float64, torch, torchvision, scikit-learn.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from gradschool.classroom.author.manifest import STAGES, Stage
from gradschool.classroom.check.report import Failure
from gradschool.classroom.check.wire import Other


class Subject(Protocol):
    """The function under test, wherever it runs; `changed` names arguments that a call has changed."""

    changed: list[str]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the truth: atol + rtol |truth|.

    Args:
        rtol, atol: relative and absolute part.
        why: the reason for them.
    """

    rtol: float
    atol: float
    why: str


@dataclass(frozen=True)
class Case:
    """One call.

    Args:
        about: the case in words, as they follow "For".
        args, kwargs: what the function is called with.
    """

    about: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


class Ladder:
    """Climbs one exercise's stages; every method raises Failure at the first thing that is wrong.

    Args:
        subject: the function under test.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.stage: Stage = "signature"
        self.passed: list[str] = []
        self.compared = 0

    def enter(self, stage: Stage) -> None:
        """Go up to a stage, or stay on it."""
        if stage == self.stage:
            return
        if self.compared and STAGES.index(stage) < STAGES.index(self.stage):
            raise ValueError(f"the check goes down from {self.stage} to {stage}")
        if self.stage not in self.passed and self.compared:
            self.passed.append(self.stage)
        self.stage = stage

    def finish(self) -> None:
        """End the climb: arguments must be as they were, and something must have been compared."""
        self.unchanged()
        if not self.compared:
            raise Failure("infra_error", "this exercise's check compares nothing")
        self.passed.append(self.stage)

    def agrees(self, cases: Sequence[Case], oracle: Callable[..., Any], tolerance: Tolerance) -> None:
        """Results have the oracle's types and shapes, then its dtypes, then its values, in every case."""
        self.enter("shape")
        pairs, came = [], []
        for case in cases:
            got = self.subject(*case.args, **case.kwargs)
            pairs.append((case, got, oracle(*case.args, **case.kwargs)))
            came.append(got)
        for case, got, want in pairs:
            same_kinds(case.about, got, want, came)
        for case, got, want in pairs:
            same_shapes(case.about, got, want, came)
        self.compared += len(pairs)
        self.enter("dtype")
        for case, got, want in pairs:
            same_dtypes(case.about, got, want)
        self.enter("value")
        for case, got, want in pairs:
            close("wrong_value", f"For {case.about}:", got, want, tolerance, came)

    def gradients(self, cases: Sequence[Case], oracle: Callable[..., Any], tolerance: Tolerance) -> None:
        """Gradients agree for every floating-point argument; the result is summed with random weights."""
        import torch

        self.enter("gradient")
        came: list[Any] = []
        found: list[tuple[Case, list[str], Any, Any]] = []
        for case in cases:
            names = list(inspect.signature(oracle).parameters)
            sides = []
            for function in (self.subject, oracle):
                args = [leaf(a) for a in case.args]
                inputs = [a for a in args if getattr(a, "requires_grad", False)]
                result = function(*args, **case.kwargs)
                if not result.requires_grad:
                    raise Failure("wrong_gradient", f"For {case.about}: the result carries no gradient.")
                up = torch.randn(
                    result.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
                )
                total = (result * up.to(result.dtype)).sum()
                sides.append(torch.autograd.grad(total, inputs, allow_unused=True))
            which = [n for n, a in zip(names, case.args, strict=False) if is_float(a)]
            came.append([NO_GRADIENT if g is None else g for g in sides[0]])
            found.append((case, which, sides[0], sides[1]))
        for case, which, got, want in found:
            for name, g, w in zip(which, got, want, strict=True):
                lead = f"For {case.about}: the gradient of {name}:"
                if g is None and w is not None and bool(w.any()):
                    raise Failure("wrong_gradient", f"{lead} none flows back.", came=came)
                if g is not None and w is not None:
                    close("wrong_gradient", lead, g, w, tolerance, came)
        self.compared += len(found)

    def same(self, sentence: str, got: Any, want: Any, tolerance: Tolerance) -> None:
        """Two results that must be the same are; `sentence` says what must hold."""
        self.enter("invariance")
        close("broken_invariant", f"{sentence} does not hold:", got, want, tolerance, [got])
        self.compared += 1

    def holds(self, sentence: str, true: bool, came: object = None) -> None:
        """A property that must hold does; `sentence` says what was expected and what came."""
        self.enter("invariance")
        if not true:
            raise Failure("broken_invariant", sentence, came=came)
        self.compared += 1

    def trains(self, sentence: str, true: bool) -> None:
        """A short training gets where it should; `sentence` says where it was to get and where it got."""
        self.unchanged()
        self.enter("training")
        if not true:
            raise Failure("fails_training", sentence)
        self.compared += 1

    def unchanged(self) -> None:
        """Every call so far has left its arguments as they were."""
        if self.subject.changed:
            if STAGES.index(self.stage) < STAGES.index("invariance"):
                self.enter("invariance")
            raise Failure(
                "broken_invariant", "A call changed its own arguments; they were to stay as they are."
            )


NO_GRADIENT = "no gradient"


def is_float(value: Any) -> bool:
    """Whether a value is a tensor of floating-point numbers."""
    return hasattr(value, "requires_grad") and value.is_floating_point()


def leaf(value: Any) -> Any:
    """A tensor as a leaf that asks for its gradient; anything else as it is."""
    return value.detach().clone().requires_grad_() if is_float(value) else value


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers and arrays in a nested result, each with its place."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            yield from leaves(part, f"{path}[{i}]")
    else:
        yield path, numbers(value)


def numbers(value: Any) -> Any:
    """A tensor as an array (half precision widened); anything else as it is."""
    if hasattr(value, "requires_grad"):
        value = value.detach()
        return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    return value


def kind(value: Any) -> str:
    """The type of a result in words; a number and an array without axes are the same."""
    if isinstance(value, Other):
        return value.name
    if hasattr(value, "requires_grad"):
        return "a tensor"
    if isinstance(value, bool | int | float | complex) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return "a number"
    words = {np.ndarray: "an array", type(None): "None", list: "a list", tuple: "a tuple", dict: "a dict"}
    return words.get(type(value), type(value).__name__)


def same_kinds(about: str, got: Any, want: Any, came: object, place: str = "") -> None:
    """Refuse a result whose type, or that of a part, is not the oracle's."""
    if kind(got) != kind(want):
        where = f" at {place}" if place else ""
        said = f"For {about}: {kind(want)} was expected{where}, {kind(got)} came."
        raise Failure("wrong_type", said, came=came if kind(got) not in ("None",) else None)
    if isinstance(want, list | tuple | dict):
        if len(got) != len(want) or (isinstance(want, dict) and list(got) != list(want)):
            raise Failure("wrong_type", f"For {about}: {len(want)} parts were expected, {len(got)} came.")
        keys = list(want) if isinstance(want, dict) else range(len(want))
        for key in keys:
            same_kinds(about, got[key], want[key], came, f"{place}[{key!r}]")


def same_shapes(about: str, got: Any, want: Any, came: object) -> None:
    """Refuse an array of another shape than the oracle's."""
    for (place, g), (_, w) in zip(leaves(got), leaves(want), strict=True):
        if np.shape(g) != np.shape(w):
            which = f" of {place}" if place else ""
            said = f"For {about}: shape {np.shape(w)}{which} was expected, {np.shape(g)} came."
            raise Failure("wrong_shape", said, came=came)


def same_dtypes(about: str, got: Any, want: Any) -> None:
    """Refuse an array of another dtype than the oracle's."""
    for g, w in zip(parts(got), parts(want), strict=True):
        if hasattr(w, "dtype") and hasattr(g, "dtype") and g.dtype != w.dtype:
            raise Failure("wrong_dtype", f"For {about}: dtype {w.dtype} was expected, {g.dtype} came.")


def parts(value: Any) -> Iterator[Any]:
    """The leaves of a nested result, as they are."""
    if isinstance(value, list | tuple | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from parts(part)
    else:
        yield value


def close(outcome: Any, lead: str, got: Any, want: Any, tolerance: Tolerance, came: object) -> None:
    """Refuse numbers that are too far from the truth; the first place that differs is told."""
    for (place, g), (_, w) in zip(leaves(got), leaves(want), strict=True):
        if isinstance(w, str) or w is None:
            wrong = np.asarray(g != w)
        else:
            g, w = np.asarray(g), np.asarray(w)
            if g.shape != w.shape:
                raise Failure(outcome, f"{lead} shape {w.shape} was expected, {g.shape} came.", came=came)
            wrong = ~np.isclose(g, w, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
        if wrong.any():
            raise Failure(outcome, f"{lead} {difference(place, g, w, wrong)}", came=came)


def difference(place: str, g: Any, w: Any, wrong: Any) -> str:
    """Expected and came, in full where they are short, else at the first differing place."""
    if wrong.ndim == 0 or wrong.size <= 6:
        which = f" at {place}" if place else ""
        return f"{spelt(w)} was expected{which}, {spelt(g)} came."
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f"{place}[{', '.join(map(str, at))}]"
    count = f"{int(wrong.sum())} of {wrong.size} differ"
    return f"at {where} {spelt(w[at])} was expected, {spelt(g[at])} came; {count}."


def spelt(value: Any) -> str:
    """A number with four digits, a short array as (a, b, c)."""
    if np.ndim(value) == 0:
        return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
    if np.ndim(value) == 1:
        return "(" + ", ".join(spelt(v) for v in value) + ")"
    return "[" + ", ".join(spelt(v) for v in value) + "]"
