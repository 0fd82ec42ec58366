"""How much memory a run will need, before anything is trained: one step with tensors that have no content.

Torch's fake tensors know shapes, types and lifetimes of all that a step makes, and its MemTracker adds them
up. It does not see what kernels take for themselves, for which a measured constant stands on a CPU, nor
pieces of freed memory that a C library keeps, so resident memory may be higher; `bench/memory.py` compares
the two.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker
from torch.optim import Optimizer

from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits
from gradschool.engine.device import Machine, choose
from gradschool.engine.ema import Ema
from gradschool.engine.recompute import recompute
from gradschool.engine.task import Batch, LossOf, Task
from gradschool.errors import UserError
from gradschool.ops import switch
from gradschool.runs.request import Request
from gradschool.runs.run import Run, optimizer_for

KINDS = {"Parameter": "parameters", "Buffer": "parameters", "Gradient": "gradients", "Optstate": "optimiser",
         "Activation": "activations", "Temp": "temporary", "Other": "batch"}  # fmt: skip


WORKSPACE = 8_000_000  # bytes that kernels took on a CPU, the median of the recipes of bench/memory.py
ENOUGH = 2  # micro-batches after which every further one needs what the second needed


@dataclass(frozen=True)
class Memory:
    """Bytes at the moment when most are in use.

    Args:
        parameters: weights and buffers, and averaged weights where there are any.
        gradients: of the weights.
        optimiser: its state.
        activations: kept for the backward pass.
        temporary: gradients of activations and what a kernel's result needs for a moment.
        batch: inputs and targets.
        workspace: what kernels take for themselves; counted on a CPU.
    """

    parameters: int
    gradients: int
    optimiser: int
    activations: int
    temporary: int
    batch: int
    workspace: int = 0

    @property
    def peak(self) -> int:
        """All together."""
        return sum(getattr(self, each.name) for each in fields(self))

    def facts(self) -> dict[str, int]:
        """For JSON."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"peak": self.peak}


@dataclass(frozen=True)
class Opened:
    """What a prediction needs of a run's data.

    Args:
        splits: the data.
        pipeline: as the kind of run has it.
        batch: the first of training.
        per_epoch: steps.
        machine: where it computes.
        most: rows of a batch, where there are too few examples for a whole one.
    """

    splits: Splits[Any]
    pipeline: Any
    batch: Batch
    per_epoch: int
    machine: Machine
    most: int | None = None


def opened(run: Run, request: Request) -> Opened:
    """The data of a run and its first batch; no model is built."""
    machine = choose(request.device, run.precision, cache_folder())
    splits = run.open(request.seed)
    pipeline = run.pipeline(splits.train)
    batches = run.loader(splits, pipeline, request, machine)
    steps = request.steps or max(1, round(run.epochs * len(batches)))
    batch = tuple(next(iter(run.paced(batches, steps).epoch(0))))
    rows = len(batch[0]) if batch[0].dim() else run.batch_size
    return Opened(splits, pipeline, batch, len(batches), machine, rows if rows < run.batch_size else None)


def predict(run: Run, known: Opened, plain: bool = False) -> Memory:
    """The memory of a training step.

    Args:
        run: settings.
        known: its data; the batch's size may differ from the run's, which counts.
        plain: with plain ops.

    Raises:
        UserError: a step cannot be made without numbers, e.g. because it plays.
    """
    machine = at_precision(run, known.machine)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True) as mode, switch.using("plain" if plain else "fast"):
            rows = min(run.batch_size, known.most or run.batch_size)
            batch = tuple(fake(value, mode, rows) for value in known.batch)
            update = set_up(run, known, machine, plain, is_real=False)
            tracker = Tracker()
            tracker.track_external(*update.task.parts.values(), *update.optimizers.values(), *batch)
            with tracker:
                for _ in range(2):  # the first makes the optimiser's state
                    tracker.reset_mod_stats()
                    update.task.step(batch, update)
            averages = sum(value.nbytes for value in update.averages())
    except (RuntimeError, TypeError, NotImplementedError, AttributeError, ValueError) as error:
        what = f"a step of {run.title} cannot be followed without its numbers ({type(error).__name__})"
        wanted = "a run whose step depends on shapes alone"
        raise UserError(what, wanted, "Train it for a few steps.") from error
    found = split(tracker.get_tracker_snapshot("peak"))
    workspace = WORKSPACE if machine.device == "cpu" else 0
    return replace(found, parameters=found.parameters + averages, workspace=workspace)


def set_up(run: Run, known: Opened, machine: Machine, plain: bool, is_real: bool) -> "Step":
    """Model, task and optimisers of a run, with real tensors or, in a mode of them, with fake ones."""
    model = run.start_model(known.splits.train, known.pipeline)
    if is_real or machine.device != "cpu":
        model = machine.place_module(model)  # fake weights cannot be moved where they are
    if run.recompute:
        recompute(model, keeps_random=is_real)
    task, optim = run.task(model, known.splits, "val"), run.optim()
    optimizers = {name: optimizer_for(part, optim, plain) for name, part in task.parts.items()}
    return Step(task, optimizers, machine, run, None if is_real else ENOUGH)


def at_precision(run: Run, machine: Machine) -> Machine:
    """The machine in the arithmetic that a run asks for."""
    return machine if run.precision == "auto" else replace(machine, precision=run.precision)


def fake(value: Tensor, mode: FakeTensorMode, rows: int) -> Tensor:
    """A tensor without content for a batch of so many rows."""
    shape = (rows, *value.shape[1:]) if value.dim() else ()
    with mode:
        return torch.empty(shape, dtype=value.dtype)


def split(snapshot: dict[torch.device, dict[Any, int]]) -> Memory:
    """MemTracker's peak by our names, summed over devices."""
    found = dict.fromkeys((each.name for each in fields(Memory)), 0)
    for kinds in snapshot.values():
        for kind, size in kinds.items():
            name = KINDS.get(getattr(kind, "value", str(kind)))
            if name:
                found[name] += size
    return Memory(**found)


class Nobody:
    """Stands where torch keeps the handle of a hook, for a weight without one."""

    def remove(self) -> None:
        """There is nothing to take away."""


NOBODY = Nobody()


class Tracker(MemTracker):  # type: ignore[no-untyped-call]
    """Torch's tracker, for modules that are called more than once a step: micro-batches, or a discriminator
    that sees real and generated pictures.
    """

    def _pre_fw_hook(self, module: nn.Module, inputs: Any) -> None:
        if module in self.memory_tracking and not self._mod_tracker.is_bw:
            del self.memory_tracking[module]
        super()._pre_fw_hook(module, inputs)

    def _track_module_params_and_buffers(
        self, module: nn.Module, install_grad_hooks: bool = True
    ) -> tuple[int, int]:
        # A frozen weight gets no gradient, and torch lets nobody wait for one.
        for parameter in module.parameters():
            if not parameter.requires_grad:
                self._param_to_grad_hook_handles[parameter] = (NOBODY, NOBODY)
        return super()._track_module_params_and_buffers(module, install_grad_hooks)

    def _update_peak_stats(self, peak_state: Any) -> None:
        # The peak of the whole alone: that of every module would be looked for at every operation.
        for device, now in self._curr_mem_snap.items():
            if self._peak_mem.get(device, 0) < now["Total"]:
                self._peak_mem[device], self._peak_mem_snap[device] = now["Total"], dict(now)


class Step:
    """An `update` as the engine's, without the look at the loss, which fake tensors do not have.

    Args:
        task: whose steps it takes.
        optimizers: one for each part.
        machine: where and how precisely.
        run: accumulation, clipping and averaging.
        most: micro-batches that are computed; None for all.
    """

    def __init__(
        self,
        task: Task,
        optimizers: dict[str, Optimizer],
        machine: Machine,
        run: Run,
        most: int | None = None,
    ) -> None:
        self.task, self.optimizers, self.machine, self.run = task, optimizers, machine, run
        self.most = most
        parts = task.parts
        self.emas = {name: Ema(parts[name], run.ema) for name in optimizers} if run.ema else {}
        self.progress, self.rate = 0.5, run.learning_rate

    def averages(self) -> Iterator[Tensor]:
        """The averaged weights."""
        return (value for ema in self.emas.values() for value in ema.shadow.values())

    def __call__(self, part: str, batch: Batch, loss_of: LossOf) -> dict[str, Tensor]:
        """One step; as `engine.task.Update`."""
        means: dict[str, Tensor] = {}
        pieces = list(zip(*(value.chunk(self.run.accumulate) for value in batch), strict=True))
        for piece in pieces[: self.most]:
            with self.machine.autocast() if self.machine.precision != "fp32" else contextlib.nullcontext():
                losses = loss_of(piece)
            (losses["loss"] * (len(piece[0]) / len(batch[0]))).backward()  # type: ignore[no-untyped-call]
            means = {name: value.detach() for name, value in losses.items()}
            del losses
        if self.run.clip is not None:
            nn.utils.clip_grad_norm_(self.task.parts[part].parameters(), self.run.clip)
        self.optimizers[part].step()
        self.optimizers[part].zero_grad()
        if part in self.emas:
            self.emas[part].update(self.task.parts[part])
        return means
