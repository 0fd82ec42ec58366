"""Write a network as ONNX, and prove that the file computes what the network computes.

The batch size stays free; classes and normalisation travel inside the file as metadata, so that the file
alone is enough to use it.
"""

import copy
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.engine.checkpoint import disk_errors
from gradschool.errors import WorkFailed
from gradschool.parts import need

# The batch sizes of the check: the exported graph must not have kept the one it was traced with.
BATCHES = (1, 2, 5)
Draw = Callable[[int, torch.Generator], Tensor]
"""A batch of so many inputs by a generator."""
# Two libraries sum float32 in different orders: some 1e-7 a layer, relative, and many layers.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class ExportCheck:
    """What was written, and the largest difference of logits: absolute, and relative to the largest logit."""

    path: Path
    size: int
    batches: tuple[int, ...]
    difference: float
    relative: float


def export_onnx(
    model: nn.Module, example: Tensor, path: Path, metadata: Mapping[str, Any] | None = None,
    tokens: Draw | None = None, longest: int | None = None, name: str = "",
) -> ExportCheck:  # fmt: skip
    """Write `model` to `path` as ONNX and compare it with torch on several batch sizes.

    Args:
        model: any network of one input; exported from a float32 copy on the CPU in eval mode.
        example: one input batch, (b, ...); only its shape beyond the batch matters.
        path: where the file goes, e.g. runs/digits-0001/model.onnx; replaced whole or not at all.
        metadata: written into the file as JSON by name, e.g. classes, mean, std, size.
        tokens: draws an input batch of so many sequences, of any length, for a network that takes tokens (b,
            t) or rows of features (b, t, d): then the length stays free as well, and the input is called
            tokens; None: the network takes images.
        longest: tokens of a text at most, for a network that takes no more; None: any number.
        name: of the input, where it is neither tokens nor images.

    Returns:
        The check's numbers.

    Raises:
        UserError: the ONNX packages are not installed, or the folder cannot be written.
        WorkFailed: the file does not compute what the network computes.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        need(package, "practice", "export")
    # 1. A copy, so that nothing of the caller's model moves or changes mode.
    still = copy.deepcopy(model).cpu().float().eval()
    example = example.detach().cpu() if tokens else example.detach().cpu().float()
    name = name or ("tokens" if tokens else "images")
    free = {0: "batch", 1: "length"} if tokens else {0: "batch"}
    pair = torch.cat([example, example])[:2]  # a batch of one would be taken for a constant
    # 2. Export with a free batch axis.
    program = torch.onnx.export(
        still, (pair,), dynamo=True, verbose=False, input_names=[name], output_names=["logits"],
        dynamic_shapes=(
            {axis: torch.export.Dim(each, max=longest if axis else None) for axis, each in free.items()},
        ),
    )  # fmt: skip
    # 3. Compare before the file gets its name.
    return keep_checked(
        program, path, metadata or {}, lambda part: _compare(still, part, tokens or noise_like(pair), name)
    )


def keep_checked(
    program: Any, path: Path, metadata: Mapping[str, Any], compared: Callable[[Path], tuple[float, float]]
) -> ExportCheck:
    """Write an exported program under another name, compare it, and give it its own.

    Args:
        program: what `torch.onnx.export` returned.
        path: of the file; replaced whole or not at all.
        metadata: written into the file as JSON by name.
        compared: the largest difference between a file and the network, absolute and relative to the largest
            output, on batches of `BATCHES`.

    Raises:
        UserError: the folder cannot be written.
        WorkFailed: the file does not compute what the network computes.
    """
    assert program is not None
    program.model.metadata_props.update({name: json.dumps(value) for name, value in metadata.items()})
    part = path.with_name(path.name + ".part")
    try:
        with disk_errors(path.parent, "Free some space, or use another path."):
            path.parent.mkdir(parents=True, exist_ok=True)
            program.save(str(part), external_data=False)
        difference, relative = compared(part)
        if not relative <= TOLERANCE:
            what = f"The ONNX file differs from the network by {relative:.2g} of the largest output"
            raise WorkFailed(what, f"at most {TOLERANCE:g}", "Nothing was written.")
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()
    return ExportCheck(path, path.stat().st_size, BATCHES, difference, relative)


def noise_like(example: Tensor) -> Draw:
    """Draws batches of noise of an example's shape."""
    return lambda size, generator: torch.randn(size, *example.shape[1:], generator=generator)


def _compare(model: nn.Module, path: Path, draw: Draw, name: str) -> tuple[float, float]:
    """The largest difference of logits on drawn batches, absolute and relative."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    generator = torch.Generator().manual_seed(0)
    difference = largest = 0.0
    for size in BATCHES:
        x = draw(size, generator)
        with torch.no_grad():
            wanted = model(x)
        (found,) = session.run(None, {name: x.numpy()})
        difference = max(difference, float((torch.from_numpy(found) - wanted).abs().max()))
        largest = max(largest, float(wanted.abs().max()))
    return difference, difference / max(largest, 1e-12)
