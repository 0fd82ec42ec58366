"""A network as ONNX in 8-bit integers, and what that is worth here: accuracy, size and latency, measured.

Both files answer the same test part in onnxruntime, and calls that are timed take turns.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gradschool.engine.checkpoint import disk_errors
from gradschool.evals.export import ExportCheck
from gradschool.evals.quantised import describe, quantised
from gradschool.evals.turns import Latency, in_turn
from gradschool.parts import need
from gradschool.phrases import counted

Batch = tuple[Tensor, Tensor]  # inputs and labels
LOST = 0.005  # share of the examples; whoever loses more should know
INT8 = "model-int8.onnx"
WHOLE = {Path(name).stem: name for name in ("float32.onnx", "int8.onnx")}


@dataclass(frozen=True)
class Plan:
    """What to quantise with and how to judge it.

    Args:
        calibration: inputs from the training part; empty for dynamic quantisation.
        test: makes the batches of the test part.
        timed: an input for each size of a batch whose latency is wanted.
        unit: what an example is called, e.g. "image".
        threads: of the processor.
    """

    calibration: Sequence[Tensor]
    test: Callable[[], Iterator[Batch]]
    timed: Mapping[int, Tensor]
    unit: str
    threads: int


@dataclass(frozen=True)
class Int8Check:
    """What was written, and what it is worth beside the same network in float32.

    Args:
        path: of the file in 8-bit integers.
        bytes: of both files.
        accuracy: of both on the test part, shares.
        same: share of the test examples that both give the same class.
        tested: examples of the test part.
        latency: by batch size, of both, in milliseconds.
        unit: what an example is called.
        threads: of the processor.
        method: how it was quantised, in words.
    """

    path: Path
    bytes: tuple[int, int]
    accuracy: tuple[float, float]
    same: float
    tested: int
    latency: dict[int, tuple[Latency, Latency]]
    unit: str
    threads: int
    method: str

    @property
    def lost(self) -> float:
        """Accuracy that was lost, a share of the test examples; below 0 for what was won."""
        return self.accuracy[0] - self.accuracy[1]

    def speedup(self, size: int) -> float:
        """How many times as fast the integers are for batches of this size."""
        before, after = self.latency[size]
        return before.median / after.median

    def lines(self) -> list[str]:
        """For a terminal."""
        (large, small), (before, after) = self.bytes, self.accuracy
        told = [
            f" {self.path} ({small / 1e6:.2f} MB, {large / small:.1f} times smaller than float32)",
            f" method   {self.method}",
            f" accuracy {100 * before:.2f} % in float32, {100 * after:.2f} % in int8 "
            f"({100 * (after - before):+.2f} points) on {counted(self.tested, f'test {self.unit}')}; "
            f"{100 * self.same:.2f} % have the same class",
        ]
        for size, (whole, integers) in self.latency.items():
            told.append(
                f" latency  {whole.median:.2f} ms in float32, {integers.median:.2f} ms in int8: "
                f"{self.speedup(size):.2f} times as fast ({counted(size, self.unit)} a call, "
                f"{counted(self.threads, 'thread')}, median of calls in turn)"
            )
        return [*told, *(f" note     {each}" for each in self.warnings())]

    def warnings(self) -> list[str]:
        """Why a person may not want this file, in sentences; empty where nothing speaks against it."""
        told = []
        if self.lost > LOST:
            told.append(
                f"int8 loses {100 * self.lost:.1f} points of accuracy, more than half a point: keep float32, "
                "or train longer with more data and try again."
            )
        slower = [size for size in self.latency if self.speedup(size) < 1]
        if slower:
            sizes = " and ".join(counted(size, self.unit) for size in slower)
            told.append(
                f"int8 is slower here for {sizes} a call: the file is smaller, but this processor computes "
                "the network faster in float32."
            )
        return told

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "onnx": self.path, "bytes": self.bytes, "accuracy": self.accuracy, "lost": self.lost,
            "same": self.same, "tested": self.tested, "threads": self.threads, "method": self.method,
            "milliseconds": {
                size: {name: vars(each) for name, each in zip(WHOLE, both, strict=True)}
                for size, both in self.latency.items()
            },
            "speedup": {size: self.speedup(size) for size in self.latency}, "warnings": self.warnings(),
        }  # fmt: skip


def export_int8(
    write: Callable[[Path], ExportCheck], path: Path, plan: Plan, metadata: Mapping[str, Any]
) -> Int8Check:
    """Write a network as ONNX in 8-bit integers and compare it with its float32 file.

    Args:
        write: writes the float32 file to a path and checks it.
        path: where the file goes; replaced whole or not at all.
        plan: examples to calibrate, judge and time with.
        metadata: written into the file as JSON by name.

    Raises:
        UserError: the ONNX packages are not installed, the folder cannot be written, or the network has no
            layer that onnxruntime quantises.
        WorkFailed: the float32 file does not compute what the network computes.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        need(package, "practice", "export")
    with tempfile.TemporaryDirectory(prefix="gradschool-int8-") as place:
        # 1. Both files.
        files = [Path(place) / name for name in WHOLE.values()]
        write(files[0])
        method = quantised(files[0], files[1], plan.calibration, plan.unit)
        describe(files[1], {**metadata, "quantisation": method})
        # 2. What they answer, and how fast.
        sessions = [session(file, plan.threads) for file in files]
        labels, first, second = answered(sessions, plan.test())
        latency = {size: timed(sessions, x) for size, x in plan.timed.items()}
        # 3. The file gets its place.
        sizes = files[0].stat().st_size, files[1].stat().st_size
        with disk_errors(path.parent, "Free some space, or use another path."):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(path.name + ".part")
            shutil.copyfile(files[1], part)
            part.replace(path)
    right = [float((each == labels).double().mean()) for each in (first, second)]
    same = float((first == second).double().mean())
    return Int8Check(
        path, sizes, (right[0], right[1]), same, len(labels), latency, plan.unit, plan.threads, method
    )  # fmt: skip


def session(file: Path, threads: int) -> Any:
    """A file that is ready to be called, on so many processor threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; warnings of its optimiser are no news for anyone
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def called(one: Any, x: Tensor) -> Tensor:
    """The logits of a session for an input."""
    (found,) = one.run(None, {one.get_inputs()[0].name: x.numpy()})
    return torch.from_numpy(found)


def answered(sessions: Sequence[Any], batches: Iterator[Batch]) -> tuple[Tensor, Tensor, Tensor]:
    """The labels of all batches and the class that each of two sessions gives."""
    labels, first, second = [], [], []
    for x, y in batches:
        labels.append(y)
        first.append(called(sessions[0], x).argmax(-1))
        second.append(called(sessions[1], x).argmax(-1))
    return torch.cat(labels), torch.cat(first), torch.cat(second)


def timed(sessions: Sequence[Any], x: Tensor) -> tuple[Latency, Latency]:
    """The latency of two sessions for one input, in turn."""
    names = [one.get_inputs()[0].name for one in sessions]
    fed = x.numpy()
    first, second = in_turn(
        [partial(one.run, None, {name: fed}) for one, name in zip(sessions, names, strict=True)]
    )
    return first, second
