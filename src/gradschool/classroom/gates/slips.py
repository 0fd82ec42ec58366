"""What mutants call where a slip depends on the values at hand; each notes whether it changed something."""

from typing import Any

import numpy as np

APPLIED: list[str] = []  # slips that changed something; a mutant that never does is no mutant


def narrowed(value: Any) -> Any:
    """Floating-point results in a narrower dtype."""
    return mapped(value, "narrowed", narrow)


def narrow(value: Any) -> Any:
    """One array or tensor in the next narrower dtype; as it is where there is none."""
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype(np.float32)
    name = str(getattr(value, "dtype", ""))
    if name == "torch.float64":
        return value.float()
    return value.half() if name == "torch.float32" else value


def first_for_all(value: Any) -> Any:
    """Every row of a result is its first row."""
    return mapped(value, "first", first)


def first(value: Any) -> Any:
    """One array or tensor whose rows are all the first; as it is where there is no second."""
    if not hasattr(value, "shape") or len(value.shape) == 0 or value.shape[0] < 2:
        return value
    if isinstance(value, np.ndarray):
        return np.broadcast_to(value[:1], value.shape).copy()
    return value[:1].expand(value.shape).clone()


def mapped(value: Any, slip: str, change: Any) -> Any:
    """A result with its arrays changed, however it is nested."""
    if isinstance(value, tuple | list) and type(value) in (tuple, list):
        return type(value)(mapped(part, slip, change) for part in value)
    if isinstance(value, dict):
        return {key: mapped(part, slip, change) for key, part in value.items()}
    changed = change(value)
    if changed is not value:
        APPLIED.append(slip)
    return changed


def written_into(target: Any, value: Any) -> Any:
    """The value, written into an argument as `-=` would do it; as it is where it does not fit."""
    fits = getattr(target, "shape", None) == getattr(value, "shape", 0)
    if not fits or target.dtype != value.dtype or getattr(target, "requires_grad", False):
        return value
    target[...] = value
    APPLIED.append("written into")
    return target


def copied(value: Any) -> Any:
    """A copy of an argument that was to be changed in place."""
    if hasattr(value, "clone") or isinstance(value, np.ndarray):
        APPLIED.append("copied")
        return value.clone() if hasattr(value, "clone") else value.copy()
    return value
