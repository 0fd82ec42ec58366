"""Write a language model as ONNX, its state as input and output, and check that it computes the same."""

import copy
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.engine.checkpoint import disk_errors
from gradschool.errors import WorkFailed
from gradschool.evals.export import BATCHES, TOLERANCE, ExportCheck
from gradschool.evals.language.reading import has_state
from gradschool.parts import need

STEPS = 1  # tokens a call, for a model with a state: exported kernels keep the number they were traced with
WINDOWS = (1, 7)  # tokens a call in the check of a model without


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


def export(model: nn.Module, kinds: int, path: Path, metadata: Mapping[str, Any]) -> ExportCheck:
    """Write `model` to `path` and compare it with torch.

    A model with a state takes one token a call: the inputs are `tokens` (b, 1) and `state_0` ..., the outputs
    `logits` (b, 1, k) and `next_0` ..., which are the states of the next call; a text begins with zeros. One
    without takes `tokens` (b, t) and gives `logits` (b, t, k).

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
    still = Flat(copy.deepcopy(model).cpu().float().eval())
    example = inputs(still, kinds, 2, STEPS if has_state(model) else max(WINDOWS))
    names = [f"state_{i}" for i in range(len(example) - 1)]
    batch, steps = torch.export.Dim("batch"), {} if names else {1: torch.export.Dim("steps")}
    shapes = ({0: batch, **steps}, tuple({1: batch} for _ in names))
    # 2. Export with free axes.
    program = torch.onnx.export(
        still, example, dynamo=True, verbose=False, input_names=["tokens", *names],
        output_names=["logits", *(name.replace("state", "next") for name in names)], dynamic_shapes=shapes,
    )  # fmt: skip
    assert program is not None
    program.model.metadata_props.update({name: json.dumps(value) for name, value in metadata.items()})
    # 3. Compare before the file gets its name.
    part = path.with_name(path.name + ".part")
    try:
        with disk_errors(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            program.save(str(part), external_data=False)
        difference, relative = compared(still, part, kinds)
        if not relative <= TOLERANCE:
            what = f"The ONNX file differs from the network by {relative:.2g} of the largest logit"
            raise WorkFailed(what, f"at most {TOLERANCE:g}", "Nothing was written.")
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()
    return ExportCheck(path, path.stat().st_size, BATCHES, difference, relative)


def inputs(still: Flat, kinds: int, rows: int, steps: int) -> tuple[Tensor, ...]:
    """Random tokens, and the state after some others, where the model has one."""
    generator = torch.Generator().manual_seed(rows + steps)
    tokens = torch.randint(kinds, (rows, steps), generator=generator)
    if not has_state(still.model):
        return (tokens,)
    with torch.no_grad():
        _, state = still.model(tokens)
    return (tokens, *state) if isinstance(state, tuple) else (tokens, state)


def compared(still: Flat, path: Path, kinds: int) -> tuple[float, float]:
    """The largest difference of logits and states, absolute and relative to the largest of them."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    difference = largest = 0.0
    for rows in BATCHES:
        for steps in (STEPS,) if has_state(still.model) else WINDOWS:
            given = inputs(still, kinds, rows, steps)
            with torch.no_grad():
                wanted = still(*given)
            fed = dict(zip(names, (value.numpy() for value in given), strict=True))
            for found, true in zip(session.run(None, fed), wanted, strict=True):
                difference = max(difference, float((torch.from_numpy(found) - true).abs().max()))
                largest = max(largest, float(true.abs().max()))
    return difference, difference / max(largest, 1e-12)
