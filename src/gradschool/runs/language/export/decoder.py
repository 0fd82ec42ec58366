"""Write a language model as ONNX, with its state or cache, and check that it computes the same."""

import copy
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.evals.export import BATCHES, ExportCheck, keep_checked
from gradschool.evals.language.reading import has_state
from gradschool.nn.attention.cache import GrowingCache
from gradschool.parts import need

# Calls of the check: (tokens, tokens that were read before). With a state, exported kernels keep the number
# of tokens that they were traced with.
STATE, WINDOWS, CACHE = ((1, 1),), ((1, 0), (7, 0)), ((1, 0), (7, 0), (1, 6), (3, 4))
TRACED = (4, 3)  # numbers that are no special case: each stays free


class Flat(nn.Module):
    """A model whose state is a flat list of tensors, as a file knows it.

    Args:
        model: with a state or without.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Logits, and the next state."""
        if not has_state(self.model):
            return (self.model(tokens),)
        logits, after = self.model(tokens, state if len(state) > 1 else state[0])
        return (logits, *after) if isinstance(after, tuple) else (logits, after)


class Cached(nn.Module):
    """A decoder whose cache is one tensor, (layers, 2, b, heads, m, size), as a file knows it.

    Args:
        model: with a cache; one with n-gram vectors takes the tokens before, (b, m), as well.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, past: Tensor, seen: Tensor | None = None) -> tuple[Tensor, ...]:
        """Logits, and the cache with the new tokens."""
        cache = GrowingCache(past, seen)
        logits = self.model(tokens, cache=cache)
        return (logits, cache.whole(), cache.seen) if cache.seen is not None else (logits, cache.whole())

    def empty(self, rows: int) -> tuple[Tensor, ...]:
        """The cache at the beginning of texts."""
        none = torch.zeros(rows, 0, dtype=torch.int64)
        seen = () if getattr(self.model, "grams", None) is None else (none,)
        layers = self.model.cache(rows, 1).layers  # type: ignore[operator]
        past = torch.stack([torch.stack([each.keys, each.values]) for each in layers])
        return past[..., :0, :], *seen


def export(model: nn.Module, kinds: int, path: Path, metadata: Mapping[str, Any]) -> ExportCheck:
    """Write `model` to `path` and compare it with torch.

    A model with a state takes one token a call: the inputs are `tokens` (b, 1) and `state_0` ..., the outputs
    `logits` (b, 1, k) and `next_0` ..., which are the states of the next call; a text begins with zeros. A
    decoder takes any number of tokens (b, n) and `past` (layers, 2, b, heads, m, size), keys and values of
    the m tokens before, and gives `logits` (b, n, k) and `present`, the past of the next call; a text begins
    with m of 0. One with n-gram vectors takes and gives the tokens themselves as well, as `seen` and `read`
    (b, m). Any other takes `tokens` (b, t) and gives `logits` (b, t, k).

    Args:
        model: exported from a float32 copy on the CPU.
        kinds: number of different tokens.
        path: replaced whole or not at all.
        metadata: written into the file as JSON by name.

    Raises:
        UserError: the ONNX packages are not installed, or the folder cannot be written.
        WorkFailed: the file does not compute what the network computes.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        need(package, "practice", "export")
    # 1. A copy in eval mode, an example, and names for everything.
    copied = copy.deepcopy(model).cpu().float().eval()
    still = Cached(copied) if has_cache(model) else Flat(copied)
    example = inputs(still, kinds, 2, *(STATE[0] if has_state(model) else TRACED))
    free = torch.export.Dim.DYNAMIC
    shapes: tuple[Any, ...]
    if has_cache(model):
        held = len(example) - 1
        names, after = ["past", "seen"][:held], ["present", "read"][:held]
        shapes = ({0: free, 1: free}, {2: free, 4: free}, {0: free, 1: free})[: 1 + held]
    else:
        names = [f"state_{i}" for i in range(len(example) - 1)]
        after = [name.replace("state", "next") for name in names]
        shapes = ({0: free}, tuple({1: free} for _ in names)) if names else ({0: free, 1: free},)
    # 2. Export with free axes.
    program = torch.onnx.export(
        still.eval(), example, dynamo=True, verbose=False, input_names=["tokens", *names],
        output_names=["logits", *after], dynamic_shapes=shapes,
    )  # fmt: skip
    # 3. Compare before the file gets its name.
    return keep_checked(program, path, metadata, lambda part: compared(still, part, kinds))


def has_cache(model: nn.Module) -> bool:
    """Whether a model is a decoder that keeps keys and values."""
    return not has_state(model) and hasattr(model, "cache")


def inputs(still: Flat | Cached, kinds: int, rows: int, steps: int, before: int) -> tuple[Tensor, ...]:
    """Random tokens, and the state or cache after some others, where the model has one."""
    generator = torch.Generator().manual_seed(rows + steps)
    text = torch.randint(kinds, (rows, before + steps), generator=generator)
    earlier, tokens = text[:, :before], text[:, before:]
    with torch.no_grad():
        if isinstance(still, Cached):
            past = still.empty(rows)
            return (tokens, *(still(earlier, *past)[1:] if before else past))
        if not has_state(still.model):
            return (tokens,)
        _, state = still.model(earlier)
    return (tokens, *state) if isinstance(state, tuple) else (tokens, state)


def compared(still: Flat | Cached, path: Path, kinds: int) -> tuple[float, float]:
    """The largest difference of logits and states, absolute and relative to the largest of them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    calls = CACHE if isinstance(still, Cached) else STATE if has_state(still.model) else WINDOWS
    difference = largest = 0.0
    for rows, call in product(BATCHES, calls):
        given = inputs(still, kinds, rows, *call)
        with torch.no_grad():
            wanted = still(*given)
        fed = dict(zip(names, (value.numpy() for value in given), strict=True))
        for found, true in zip(session.run(None, fed), wanted, strict=True):
            difference = max(difference, float((torch.from_numpy(found) - true).abs().max()))
            if true.is_floating_point():  # else token numbers, beside which every difference is small
                largest = max(largest, float(true.abs().max()))
    return difference, difference / max(largest, 1e-12)
