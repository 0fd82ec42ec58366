"""Where and in which precision a run computes, chosen in this one place.

bf16 and channels_last are probed once on the machine with a small convolution block and used only where
they are faster; the answer is kept in the user's cache. Processes and mixed precision are Hugging Face
Accelerate's work.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from gradschool.engine.alone import Alone
from gradschool.errors import UserError, WorkFailed
from gradschool.phrases import counted

Precision = Literal["auto", "fp32", "bf16", "fp16"]
SLOW = 3.0  # how many times slower than the best a format is no longer tried
WORTH = 1.1  # a change of format must gain a tenth to be used: below that it is noise


@dataclass(frozen=True)
class Machine:
    """A device, its arithmetic and memory layout, and the sentence that says why."""

    device: str
    precision: Literal["fp32", "bf16", "fp16"]
    channels_last: bool
    reason: str = ""

    def place(self, value: Tensor) -> Tensor:
        """Move a tensor to the device; images (four axes) take the chosen memory layout."""
        layout = torch.channels_last if self.channels_last and value.dim() == 4 else torch.preserve_format
        return value.to(self.device, non_blocking=True, memory_format=layout)

    def placed(self, batches: Iterable[Sequence[Tensor]]) -> Iterator[tuple[Tensor, ...]]:
        """Batches with their tensors on the device."""
        return (tuple(map(self.place, batch)) for batch in batches)

    def place_module(self, module: nn.Module) -> nn.Module:
        """Move a module to the device, convolution weights in the chosen memory layout."""
        layout = torch.channels_last if self.channels_last else torch.preserve_format
        return module.to(self.device, memory_format=layout)  # type: ignore[call-overload]

    def autocast(self) -> torch.autocast:
        """The context for a forward pass outside the engine (reports, predictions) in the run's precision."""
        dtype = torch.float16 if self.precision == "fp16" else torch.bfloat16
        return torch.autocast(self.device.split(":")[0], dtype, enabled=self.precision != "fp32")


@contextmanager
def on_threads(count: int | None) -> Iterator[None]:
    """Compute on so many processor threads inside the block; None leaves them as they are."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def choose(device: str = "auto", precision: Precision = "auto", cache: Path | None = None) -> Machine:
    """Pick device, precision and layout.

    Args:
        device: "auto" (CUDA, then Apple's, then the CPU), "cpu", "cuda", "cuda:1" or "mps".
        precision: "auto" takes what is fastest and safe here; else what is asked for.
        cache: folder in which the probe's answer is kept; None probes every time.
    Raises:
        UserError: the device is unknown or not there, or the precision does not run on it.
    """
    device = find_device(device)
    kind = device.split(":")[0]
    if kind == "cpu":
        speeds = probed(cache)
        return machine_for_cpu(speeds, precision)
    if kind == "mps":
        if precision not in ("auto", "fp32"):
            raise UserError(f"precision is {precision}", "fp32 on Apple's GPU", "Leave the precision out.")
        return Machine(device, "fp32", False, "Apple GPU, float32")
    has_bf16 = torch.cuda.get_device_capability(device)[0] >= 8
    if precision == "bf16" and not has_bf16:
        raise UserError(
            "precision is bf16, which this GPU does not have", "fp16 or fp32", "Use --set precision=fp16."
        )
    chosen = precision if precision != "auto" else ("bf16" if has_bf16 else "fp16")
    name = torch.cuda.get_device_name(device)
    return Machine(device, chosen, chosen != "fp32", f"{name}, {chosen}, channels last")


def find_device(device: str) -> str:
    """The device that "auto" stands for, or the one named, refused with a sentence if it is not there."""
    has_mps = torch.backends.mps.is_available()
    found = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * has_mps
    if device == "auto":
        local = os.environ.get("LOCAL_RANK")
        return f"cuda:{local}" if local and "cuda" in found else ("cuda" if "cuda" in found else found[-1])
    if device.split(":")[0] not in found:
        raise UserError(
            f"device is {device}", f"one of {', '.join(found)} on this machine", "Leave --device out."
        )
    index = device.partition(":")[2]
    if index and (not index.isdigit() or int(index) >= torch.cuda.device_count()):
        raise UserError(f"device is {device}", f"cuda:0 to cuda:{torch.cuda.device_count() - 1}", "")
    return device


def machine_for_cpu(speeds: dict[str, float], precision: Precision) -> Machine:
    """The fastest safe combination for a CPU, given images a second for each of the four combinations."""
    if precision == "fp16":
        raise UserError("precision is fp16", "fp32 or bf16 on a CPU", "Use --set precision=bf16.")
    base = speeds["fp32"]
    layouts = {"bf16": ["bf16", "bf16 last"], "fp32": ["fp32", "fp32 last"]}
    wanted = layouts["bf16"] + layouts["fp32"] if precision == "auto" else layouts[precision]
    best = max(wanted, key=lambda name: speeds[name])
    if precision != "bf16" and speeds[best] < WORTH * base:
        best = "fp32"
    chosen: Literal["bf16", "fp32"] = "bf16" if best.startswith("bf16") else "fp32"
    name, gain = best.replace(" last", ", channels last"), speeds[best] / base
    note = f"{name} is {gain:.1f}x faster here: used"
    if gain < WORTH:
        note = "float32 is fastest here" if best == "fp32" else f"{name} was asked for; it is not faster here"
    if best == precision == "fp32" and max(speeds[name] for name in layouts["bf16"]) >= WORTH * base:
        note = "float32 was asked for"
    return Machine("cpu", chosen, best.endswith("last"), note)


MEASURED: dict[str, dict[str, float]] = {}  # by this process


def probed(cache: Path | None) -> dict[str, float]:
    """The probe's answer from the cache, measured now if this machine, torch or thread count is new to it.

    What a process has measured holds for all of its runs, kept or not: equal seeds give equal runs.
    """
    facts = f"{platform.machine()}|{cpu_name()}|{torch.__version__}|{torch.get_num_threads()}"
    file = cache / f"probe-{hashlib.sha256(facts.encode()).hexdigest()[:12]}.json" if cache else None
    if file is not None:
        try:
            speeds: dict[str, float] = json.loads(file.read_text())
            if {"fp32", "fp32 last", "bf16", "bf16 last"} <= speeds.keys():
                return speeds
        except (OSError, ValueError):
            pass  # no answer yet, or a damaged one: measure
    key = f"{cache}|{facts}"
    if key in MEASURED:
        return MEASURED[key]
    speeds = MEASURED[key] = probe()
    if file is not None and not crowded():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(speeds))
        except OSError:
            pass  # an unwritable cache costs half a second at the next start, nothing else
    return speeds


def crowded() -> bool:
    """Whether other work wants the cores: a probe of such a moment is not kept."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > (os.cpu_count() or 1) + 0.5


def probe(repeats: int = 4) -> dict[str, float]:
    """Steps a second, forward and backward, of two convolutions with batch normalisation in four formats."""
    blocks, seconds = {}, {}
    for name in ("fp32", "fp32 last", "bf16", "bf16 last"):
        layout = torch.channels_last if name.endswith("last") else torch.contiguous_format
        block = nn.Sequential(
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)
        ).to(memory_format=layout)
        blocks[name], seconds[name] = (block, torch.ones(32, 32, 24, 24).to(memory_format=layout)), [9e9]
    # 1. In turn, so that other work slows all of them; the first round warms up, the second drops the slow.
    for round_ in range(repeats + 1):
        best = min(map(min, seconds.values()))
        for name, (block, images) in blocks.items():
            if round_ > 1 and min(seconds[name]) > SLOW * best:
                continue
            start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=name.startswith("bf16")):
                block(images).float().square().mean().backward()
            seconds[name] += [time.perf_counter() - start] if round_ else []
    # 2. The best of each is the least disturbed.
    return {name: 1 / min(each) for name, each in seconds.items()}


def cpu_name() -> str:
    """The processor's name as its maker gives it, or what Python knows of it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def told(machine: Machine) -> str:
    """What computes, in one line for the terminal, e.g. "Python 3.12 · torch 2.15 · cpu, 2 cores"."""
    python = ".".join(platform.python_version_tuple()[:2])
    torch_version = ".".join(torch.__version__.split(".")[:2])
    cores = f", {counted(os.cpu_count() or 1, 'core')}" if machine.device == "cpu" else ""
    reason = f", {machine.reason}" if machine.reason else ""
    return f"Python {python} · torch {torch_version} · {machine.device}{cores}{reason}"


def describe(machine: Machine) -> dict[str, object]:
    """Hardware and versions for a run's environment file."""
    import numpy

    from gradschool import __version__

    device_name = (
        torch.cuda.get_device_name(machine.device) if machine.device.startswith("cuda") else cpu_name()
    )
    return {
        **asdict(machine), "device_name": device_name, "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "world_size": int(os.environ.get("WORLD_SIZE", "1")), "platform": platform.platform(),
        "python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__,
        "gradschool": __version__,
    }  # fmt: skip


def accelerator(machine: Machine):  # type: ignore[no-untyped-def]
    """Accelerate's handle on processes and precision, with the number of processes we were promised.

    Under torchrun without a GPU Accelerate must be told `cpu=True`, or every process silently trains alone.
    One process in float32 does without it.

    Raises:
        WorkFailed: fewer processes joined than the launcher started.
    """
    promised = int(os.environ.get("WORLD_SIZE", "1"))
    if promised == 1 and machine.precision == "fp32":
        return Alone()
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state()  # a process may make several runs in different precisions
    precision = "no" if machine.precision == "fp32" else machine.precision
    made = Accelerator(cpu=machine.device == "cpu", mixed_precision=precision)
    if made.num_processes != promised:
        raise WorkFailed(
            f"{made.num_processes} process joined the run", f"{promised} as the launcher started",
            "Start with torchrun --nproc-per-node N -m gradschool train ...",
        )  # fmt: skip
    return made
