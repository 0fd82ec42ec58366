"""A table of a network's layers: output shape, parameters, FLOPs, receptive field.

FLOPs are torch's own count (`FlopCounterMode`: 2 for a multiply-add). The receptive field is followed
through every tensor operation, not through the list of layers, so branches and skip connections are right as
well; gates that see the whole image (squeeze and excitation) are left out.
Source: Araujo et al. 2019 (receptive-field arithmetic).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.weak import WeakIdKeyDictionary

from gradschool.evals.inference import evaluating
from gradschool.ops.switch import using


@dataclass(frozen=True)
class Reach:
    """Along one axis, output i sees the input pixels from start + i·jump to stop + i·jump."""

    start: int
    stop: int
    jump: int

    def through(self, kernel: int, stride: int, padding: int, dilation: int) -> Reach:
        """After a window slides over. Source: Araujo et al. 2019, eqs. 1 and 2."""
        first = self.start - padding * self.jump
        last = self.stop + ((kernel - 1) * dilation - padding) * self.jump
        return Reach(first, last, self.jump * stride)

    def joined(self, other: Reach) -> Reach:
        """Where two branches meet, both are seen."""
        return Reach(min(self.start, other.start), max(self.stop, other.stop), max(self.jump, other.jump))


Field = tuple[Reach, Reach]


@dataclass(frozen=True)
class Row:
    """One layer. `field` is (height, width) in input pixels, None once the image is flattened or averaged."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    flops: int
    field: tuple[int, int] | None


@dataclass(frozen=True)
class Summary:
    """All layers in the order in which they ran; the totals are of the model itself, for one image."""

    rows: list[Row]
    parameters: int
    trainable: int
    flops: int


class FieldMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, follows the receptive field of every tensor that descends from the image."""

    def __init__(self, image: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.fields: Any = WeakIdKeyDictionary()
        self.fields[image] = (Reach(0, 0, 1), Reach(0, 0, 1))

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operation as always, then note what its output has seen."""
        out = func(*args, **(kwargs or {}))
        first = out[0] if isinstance(out, tuple | list) else out
        seen = [self.fields[t] for t in _tensors(args) if t in self.fields]
        if isinstance(first, Tensor) and first.ndim >= 4 and seen:
            field = self._after(func, args, first, seen)
            if field is not None:
                for tensor in _tensors((out,)):
                    self.fields[tensor] = field
        return out

    def _after(
        self, func: Callable[..., Any], args: tuple[Any, ...], out: Tensor, seen: list[Field]
    ) -> Field | None:
        name = func.__name__.split(".")[0]
        if name in ("convolution", "_convolution", "max_pool2d_with_indices", "max_pool2d", "avg_pool2d"):
            return _window(seen[0], *_geometry(name, args))
        # A mean over the image, or anything else that changes its size in a way not listed, sees all of it.
        sized = [t for t in _tensors(args) if t in self.fields]
        if any(t.shape[-2:] != out.shape[-2:] for t in sized) or name in ("mean", "_adaptive_avg_pool2d"):
            return None
        field = seen[0]
        for other in seen[1:]:
            field = (field[0].joined(other[0]), field[1].joined(other[1]))
        return field


def summarise(model: nn.Module, example: Tensor) -> Summary:
    """Run the model once on one image and write down every layer.

    Args:
        model: any module that maps the example to a tensor.
        example: (1, channels, height, width) on the model's device; only its shape matters.
    """
    rows: dict[str, Row] = {}
    fields = FieldMode(example)

    def note(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            own = sum(p.numel() for p in module.parameters(recurse=False))
            if isinstance(output, Tensor) and (own or not list(module.children())):
                seen = fields.fields.get(output)
                field = (
                    None
                    if seen is None
                    else (seen[0].stop - seen[0].start + 1, seen[1].stop - seen[1].start + 1)
                )
                rows[name] = Row(name, type(module).__name__, tuple(output.shape[1:]), own, 0, field)

        return hook

    # 1. One pass with three observers: hooks for shapes, one mode for fields, one for FLOPs.
    handles = [m.register_forward_hook(note(n)) for n, m in model.named_modules()]
    counter = FlopCounterMode(display=False)
    try:
        with evaluating(model), torch.no_grad(), using("fast"), counter, fields:
            model(example)
    finally:
        for handle in handles:
            handle.remove()
    # 2. Torch's names start with the root's class; what a container's children did is theirs.
    counts = {
        n.partition(".")[2]: sum(ops.values())
        for n, ops in counter.get_flop_counts().items()
        if n != "Global"
    }
    for name, module in model.named_modules():
        if name in rows:
            inside = sum(counts.get(f"{name}.{child}".lstrip("."), 0) for child, _ in module.named_children())
            rows[name] = replace(rows[name], flops=counts.get(name, 0) - inside)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return Summary(
        list(rows.values()), sum(p.numel() for p in model.parameters()), trainable, counter.get_total_flops()
    )


def _tensors(values: Any) -> list[Tensor]:
    """The tensors among arguments, one level of lists deep (torch.cat takes a list)."""
    flat = [v for value in values for v in (value if isinstance(value, list | tuple) else [value])]
    return [v for v in flat if isinstance(v, Tensor)]


def _geometry(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """(kernel, stride, padding, dilation), each a list of two, from the arguments of one aten operation."""
    if "conv" in name:
        return args[1].shape[2:], args[3], args[4], args[5]
    kernel, stride, padding = args[1], args[2] if len(args) > 2 and args[2] else args[1], [0, 0]
    padding = args[3] if len(args) > 3 else padding
    dilation = args[4] if "max" in name and len(args) > 4 else [1, 1]
    return kernel, stride, padding, dilation


def _window(field: Field, *geometry: Any) -> Field:
    down, across = ([g[axis] if len(g) > 1 else g[0] for g in geometry] for axis in (0, 1))
    return field[0].through(*down), field[1].through(*across)
