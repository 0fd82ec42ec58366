"""What many ops refuse: numbers that are no floats, shapes that would broadcast, unknown words.

Every refusal is a ValueError of one sentence: what came and what was wanted.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor


def floating(**tensors: Tensor | None) -> None:
    """Refuse what is no tensor of floating-point numbers; None is left out."""
    for name, x in tensors.items():
        if x is not None and not (isinstance(x, Tensor) and x.is_floating_point()):
            kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise ValueError(f"{name} is of type {kind}, a tensor of floating-point numbers was wanted")


def one_type(x: Tensor, **others: Tensor | None) -> None:
    """Refuse floats of two precisions where a kernel wants one; autocast, which converts them, may mix."""
    floating(x=x, **others)
    if x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):  # no arithmetic on meta
        return
    for name, other in others.items():
        if other is not None and other.dtype != x.dtype:
            raise ValueError(
                f"{name} has type {other.dtype} and x {x.dtype}, one was wanted: convert with .to(x.dtype)"
            )


def alike(first: Tensor, *others: Tensor) -> None:
    """Refuse to broadcast: (n, 1) against (n,) would quietly compare everything with everything."""
    for other in others:
        if first.shape != other.shape:
            raise ValueError(
                f"shapes are {tuple(first.shape)} and {tuple(other.shape)}, equal ones were wanted"
            )


def shaped(name: str, x: Tensor | None, shape: Sequence[int]) -> None:
    """Refuse a tensor of another shape; None is left out."""
    if x is not None and tuple(x.shape) != tuple(shape):
        raise ValueError(f"{name} has shape {tuple(x.shape)}, {tuple(shape)} was wanted")


def spreads(name: str, x: Tensor | None, shape: Sequence[int]) -> None:
    """Refuse weights that do not broadcast to exactly this shape; None is left out."""
    if x is not None:
        axes = list(zip(reversed(x.shape), reversed(shape), strict=False))
        if x.dim() > len(shape) or any(own not in (1, wanted) for own, wanted in axes):
            raise ValueError(
                f"{name} has shape {tuple(x.shape)}, one that spreads over {tuple(shape)} was wanted"
            )


def axes(name: str, x: Tensor, wanted: str, least: int, most: int | None = None) -> None:
    """Refuse a tensor of fewer or more axes than its names say."""
    if x.dim() < least or (most is not None and x.dim() > most):
        single = wanted.startswith("(batch") and x.dim() == least - 1
        hint = "; one example gets its batch axis from x.unsqueeze(0)" if single else ""
        raise ValueError(f"{name} has shape {tuple(x.shape)}, {wanted} was wanted{hint}")


def one_of(name: str, value: object, words: Sequence[str]) -> None:
    """Refuse a word that is not among these."""
    if value not in words:
        raise ValueError(f"{name} is {value!r}, {', '.join(words[:-1])} or {words[-1]} was wanted")


def readable(x: Tensor) -> bool:
    """Whether looking at a tensor's numbers is cheap: on a GPU the program would have to wait for them, and
    a compiler that traces and a fake tensor have none. There the kernels' own assertions stop the program.
    """
    has_numbers = not isinstance(x, FakeTensor) and not torch.compiler.is_compiling()
    return x.device.type == "cpu" and x.numel() > 0 and has_numbers


def within(name: str, x: Tensor, low: int, high: int, ignored: int | None = None, nan: bool = True) -> None:
    """Refuse numbers outside low to high (where reading them is cheap); the number that is ignored passes,
    and NaN where `nan` is set.
    """
    if not readable(x):
        return
    # 1. One look is enough if all is well, which it nearly always is; with NaN among them it says nothing.
    least, most = (v.item() for v in x.aminmax())
    if low <= least and most <= high:
        return
    # 2. Which number is outside.
    outside = (x < low) | (x > high) if nan else ~((x >= low) & (x <= high))
    if ignored is not None:
        outside &= x != ignored
    if outside.any():
        raise ValueError(
            f"{name} holds {x[outside][0].item():g}, numbers from {low:g} to {high:g} were wanted"
        )


Check = TypeVar("Check", bound=Callable[..., None])


def looks_at_numbers(check: Check) -> Check:
    """Mark what has to be asked at every call, as shapes and types alone do not decide it."""
    check.looks_at_numbers = True  # type: ignore[attr-defined]
    return check
