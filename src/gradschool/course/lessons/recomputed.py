"""Activation checkpointing in its smallest form: a block forgets its activations and computes them again.

Source: Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost. Deviations from what runs use
(`--set recompute=true`, by torch.utils.checkpoint): one input and one output, no random numbers in the block.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class Recomputed(torch.autograd.Function):
    """A block as one step of the graph that keeps its input alone."""

    @staticmethod
    def forward(ctx: Any, block: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """The block's output; no activation inside it is kept, for autograd does not look in here."""
        ctx.block = block
        ctx.save_for_backward(x)
        return block(x)

    @staticmethod
    def backward(ctx: Any, up: Tensor) -> tuple[None, Tensor]:
        """The gradient of the block's input; gradients of its weights are added to their `.grad`.

        Args:
            ctx: holds `ctx.block`, a function from x to y, and the saved x in `ctx.saved_tensors`.
            up: the gradient of the output y.

        Returns:
            None for the block, which is no tensor, and the gradient of x.
        """
        # 1. The block once more, with a graph of its own that begins at x.
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            y = ctx.block(x)
        # 2. Back through it.
        y.backward(up)
        return None, x.grad


def in_segments(layers: Sequence[nn.Module], x: Tensor, segments: int) -> Tensor:
    """The layers one after the other, in so many blocks that are computed again; 0 keeps everything."""
    if not segments:
        return nn.Sequential(*layers)(x)
    length = -(-len(layers) // segments)
    for start in range(0, len(layers), length):
        x = Recomputed.apply(nn.Sequential(*layers[start : start + length]), x)
    return x


class Live:
    """Bytes of the tensors that autograd keeps at a moment, and the most so far; weights are not counted."""

    def __init__(self) -> None:
        self.now = self.peak = 0

    def add(self, size: int) -> None:
        """So many bytes more, or fewer."""
        self.now += size
        self.peak = max(self.peak, self.now)


class Held:
    """A saved tensor that tells when it is forgotten."""

    def __init__(self, value: Tensor, live: Live) -> None:
        self.value, self.live = value, live
        live.add(value.nbytes)

    def __del__(self) -> None:
        self.live.add(-self.value.nbytes)


@contextmanager
def counted(weights: Sequence[Tensor]) -> Iterator[Live]:
    """Count what autograd keeps inside the block; a tensor that is saved twice counts twice."""
    live, known = Live(), {each.data_ptr() for each in weights}

    def pack(value: Tensor) -> Any:
        return value if value.data_ptr() in known else Held(value, live)

    def unpack(kept: Any) -> Tensor:
        return kept.value if isinstance(kept, Held) else kept

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        yield live
