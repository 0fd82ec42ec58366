"""The same result in another form: by methods only, since an exercise may take functions away."""

from collections.abc import Callable
from typing import Any

import numpy as np


def nested(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The change for every array and number of a nested result."""

    def all_of(value: Any) -> Any:
        if type(value) in (tuple, list):
            return type(value)(all_of(part) for part in value)
        if type(value) is dict:
            return {key: all_of(part) for key, part in value.items()}
        return change(value)

    return all_of


def is_tensor(value: Any) -> bool:
    """Whether it is a plain tensor of torch."""
    return str(getattr(value, "layout", "")) == "torch.strided"


@nested
def view(value: Any) -> Any:
    """A column of a wider table."""
    if is_tensor(value):
        wide = value.new_zeros((*value.shape, 3))
        wide[..., 1] = value
        return wide[..., 1]
    if isinstance(value, np.ndarray):
        return np.stack([value, value], -1)[..., 1]
    return value


@nested
def backwards(value: Any) -> Any:
    """An array with negative strides."""
    return value[::-1].copy()[::-1] if isinstance(value, np.ndarray) and value.ndim else value


@nested
def transposed(value: Any) -> Any:
    """Columns beside each other in memory."""
    if is_tensor(value) and value.ndim >= 2:
        return value.transpose(-1, -2).contiguous().transpose(-1, -2)
    return np.array(value, order="F") if isinstance(value, np.ndarray) else value


@nested
def expanded(value: Any) -> Any:
    """One of several that share memory."""
    return value[None].expand(2, *value.shape)[1] if is_tensor(value) else value


@nested
def parameter(value: Any) -> Any:
    """A parameter, where no gradient is to flow through it."""
    if is_tensor(value) and not value.requires_grad and value.is_floating_point():
        import torch

        return torch.nn.Parameter(value)
    return value


@nested
def array(value: Any) -> Any:
    """There and back through NumPy, where no gradient is to flow through it."""
    if is_tensor(value) and not value.requires_grad and str(value.dtype) != "torch.bfloat16":
        return value.new_tensor(value.numpy())
    return value


@nested
def number(value: Any) -> Any:
    """A number of NumPy for one of Python."""
    return np.float64(value) if type(value) is float else value
