"""Activation checkpointing: forget what blocks computed, and compute it again in the backward pass.

A third more time for a fraction of the activations; the gradients are the same. Source: Chen et al. 2016,
Training Deep Nets with Sublinear Memory Cost. The recomputation is torch.utils.checkpoint's.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def blocks(module: nn.Module) -> list[nn.Module]:
    """The parts of a network that are computed anew: the outermost members of its sequences that have parts
    with weights themselves; where there are none, its outermost parts with weights.
    """
    found: list[nn.Module] = []

    def search(part: nn.Module) -> None:
        for child in part.children():
            is_block = isinstance(part, nn.Sequential | nn.ModuleList) and any(
                any(True for _ in each.parameters()) for each in child.children()
            )
            if is_block and not isinstance(child, nn.Sequential | nn.ModuleList):
                found.append(child)
            else:
                search(child)

    search(module)
    return found or [child for child in module.children() if any(True for _ in child.parameters())]


def recompute(module: nn.Module, keeps_random: bool = True) -> int:
    """Let the blocks of a network forget their activations while it trains.

    Args:
        module: changed in place; its weights and their names stay as they are.
        keeps_random: draw the same random numbers again, for dropout.

    Returns:
        How many blocks there are.
    """
    found = blocks(module)
    for block in found:
        block.forward = partial(again, block, block.forward, keeps_random)
    return len(found)


def again(block: nn.Module, forward: Callable[..., Any], keeps_random: bool, *args: Any, **words: Any) -> Any:
    """A block's forward pass, whose activations are computed again when gradients want them."""
    if not (block.training and torch.is_grad_enabled()):
        return forward(*args, **words)

    def contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
        return nullcontext(), statistics_kept(block)

    return checkpoint(
        forward, *args, use_reentrant=False, preserve_rng_state=keeps_random, context_fn=contexts, **words
    )


@contextmanager
def statistics_kept(block: nn.Module) -> Iterator[None]:
    """Inside, running statistics may move; afterwards they are what they were: a batch counts once."""
    kept: list[tuple[Tensor, Tensor]] = [(buffer, buffer.clone()) for buffer in block.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in kept:
                buffer.copy_(value)
