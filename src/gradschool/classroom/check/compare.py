"""Comparing what came with what was expected: type, shape, dtype, numbers; the first difference is told."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradschool.classroom.check.report import Failure
from gradschool.classroom.check.wire import Other


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the truth: atol + rtol |truth|.

    It is meant for float32 and for NumPy's numbers. Half precision has its own, so that one case in it costs
    the others nothing; for tensors of float64 it may be limited, since they have digits to spare.

    Args:
        rtol, atol: relative and absolute part; both 0 allow no difference in any type.
        why: the reason for them.
    """

    rtol: float
    atol: float
    why: str

    def of(self, truth: Any, double: float) -> tuple[float, float]:
        """Both parts for a truth of this type; `double` limits them for tensors of float64."""
        kind = str(truth.dtype) if hasattr(truth, "requires_grad") else ""
        if kind == "torch.float64":
            return min(self.rtol, double), min(self.atol, double)
        if kind in HALF and self.rtol:
            return max(self.rtol, 2 * HALF[kind]), max(self.atol, HALF[kind] / 8)
        return self.rtol, self.atol


DOUBLE = 1e-6  # for what float64 may be off: a number of Python that became a float32 on the way may pass
HALF = {"torch.float16": 2.0**-10, "torch.bfloat16": 2.0**-7}  # one unit in the last place of 1


Place = tuple[str | int | tuple[int, ...], ...]  # names and indices from the outside in


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """The numbers and arrays in a nested result, each with its place."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, (*place, key))
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            yield from leaves(part, (*place, i))
    else:
        yield place, numbers(value)


def in_order(got: Any, want: Any) -> Any:
    """A nested result whose dicts have their parts in the oracle's order, which is no part of an answer."""
    if isinstance(got, dict) and isinstance(want, dict) and got.keys() == want.keys():
        return {key: in_order(got[key], part) for key, part in want.items()}
    if isinstance(got, list | tuple) and isinstance(want, list | tuple) and len(got) == len(want):
        return type(got)(in_order(g, w) for g, w in zip(got, want, strict=True))
    return got


def spot(place: Place) -> str:
    """A place in words: 'loss', [2], [1][2, 3] of 'rows'."""
    parts: list[str] = []
    for key in place:
        if isinstance(key, str):
            parts.append(repr(key))
            continue
        index = f"[{', '.join(map(str, key)) if isinstance(key, tuple) else key}]"
        if parts and parts[-1].startswith("["):
            parts[-1] += index
        else:
            parts.append(index)
    return " of ".join(reversed(parts))


def at(place: Place) -> str:
    """As `spot`, with what stands before it: at [2], for 'loss'; "" for the whole."""
    told = spot(place)
    return f"{'at' if told.startswith('[') else 'for'} {told}" if told else ""


def numbers(value: Any) -> Any:
    """A tensor as an array (half precision widened); anything else as it is."""
    if hasattr(value, "requires_grad"):
        value = value.detach().resolve_conj().resolve_neg()
        return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    return value


def kind(value: Any) -> str:
    """The type of a result in words; a number and an array without axes are the same."""
    if isinstance(value, Other):
        return value.name
    if hasattr(value, "requires_grad"):
        return "a tensor"
    if isinstance(value, bool | int | float | complex | np.generic) or (
        isinstance(value, np.ndarray) and value.ndim == 0
    ):
        return "a number"
    words = {np.ndarray: "an array", type(None): "None", list: "a list", tuple: "a tuple", dict: "a dict"}
    return words.get(type(value), type(value).__name__)


def same_kinds(about: str, got: Any, want: Any, place: Place = ()) -> None:
    """Refuse a result whose type, or that of a part, is not the oracle's."""
    if kind(got) != kind(want):
        wanted, came = (repr(v[:60]) if isinstance(v, str) else kind(v) for v in (want, got))
        said = f"For {about}: {wanted} was expected {at(place)}".rstrip() + f", {came} came."
        said += " Did you forget `return`?" if got is None and not place else ""
        raise Failure("wrong_type", said)
    if isinstance(want, list | tuple | dict):
        if isinstance(want, dict) and got.keys() != want.keys():
            names = [", ".join(map(repr, one)) or "none" for one in (want, got)]
            raise Failure("wrong_type", f"For {about}: parts {names[0]} were expected, {names[1]} came.")
        if len(got) != len(want):
            raise Failure("wrong_type", f"For {about}: {len(want)} parts were expected, {len(got)} came.")
        keys = list(want) if isinstance(want, dict) else range(len(want))
        for key in keys:
            same_kinds(about, got[key], want[key], (*place, key))


def same_shapes(about: str, got: Any, want: Any) -> None:
    """Refuse an array of another shape than the oracle's."""
    for (place, g), (_, w) in zip(leaves(got), leaves(want), strict=True):
        if np.shape(g) != np.shape(w):
            which = f" of {spot(place)}" if place else ""
            said = f"For {about}: shape {np.shape(w)}{which} was expected, {np.shape(g)} came."
            raise Failure("wrong_shape", said)


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


def close(
    outcome: Any, lead: str, got: Any, want: Any, tolerance: Tolerance, double: float = math.inf
) -> None:
    """Refuse numbers that are too far from the truth; the first place that differs is told.

    Args:
        outcome: what to call the failure.
        lead: how its sentence begins.
        got, want: nested results of one form.
        tolerance: see `Tolerance`.
        double: what it may be for tensors of float64 at most.
    """
    for (place, g), (_, w), truth in zip(leaves(got), leaves(want), parts(want), strict=True):
        if isinstance(w, str) or w is None:
            wrong = np.asarray(g != w)
        else:
            g, w = np.asarray(g), np.asarray(w)
            if g.shape != w.shape:
                raise Failure(outcome, f"{lead} shape {w.shape} was expected, {g.shape} came.")
            rtol, atol = tolerance.of(truth, double)
            wrong = ~np.isclose(g, w, rtol=rtol, atol=atol, equal_nan=True)
            if not rtol and not atol:  # `isclose` makes floats of whole numbers: digits beyond 2^53 are lost
                wrong |= (g != w) & (w == w)
        if wrong.any():
            raise Failure(outcome, f"{lead} {difference(place, g, w, wrong)}")


def difference(place: Place, g: Any, w: Any, wrong: Any) -> str:
    """Expected and came, in full where they are short, else at the first differing place."""
    if wrong.ndim == 0 or wrong.size <= 6:
        want, came = told_apart(w, g)
        return f"{want} was expected {at(place)}".rstrip() + f", {came} came."
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    count = f"{int(wrong.sum())} of {wrong.size} differ"
    want, came = told_apart(w[first], g[first])
    return f"{at((*place, first))} {want} was expected, {came} came; {count}."


def told_apart(want: Any, came: Any) -> tuple[str, str]:
    """Both in digits enough to see that they differ."""
    short = spelt(want), spelt(came)
    return short if short[0] != short[1] else (spelt(want, 9), spelt(came, 9))


def spelt(value: Any, digits: int = 4) -> str:
    """A number with a few digits, a short array as (a, b, c)."""
    if np.ndim(value) == 0:
        number = value.item() if isinstance(value, np.ndarray) else value
        return f"{number:.{digits}g}" if isinstance(number, float | np.floating) else str(number)
    brackets = "()" if np.ndim(value) == 1 else "[]"
    return ", ".join(spelt(v, digits) for v in value).join(brackets)
