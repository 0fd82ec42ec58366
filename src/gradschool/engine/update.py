"""One optimiser step, wherever and however it runs: accumulation, precision, clipping, averaging, several
processes.

The batch is cut into `accumulate` micro-batches whose gradients are weighted by their size, so the step
equals that of the whole batch. Accelerate runs the backward pass, scales it in half precision and averages
it over processes.
"""

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gradschool.engine.checkpoint import SHARDS
from gradschool.engine.device import Machine, accelerator
from gradschool.engine.ema import Ema
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Plateau, Schedule
from gradschool.engine.shard import is_sharded
from gradschool.engine.task import Batch, LossOf, Task
from gradschool.errors import UserError, WorkFailed

CARRIED = "carried"  # the file of what a task carries from step to step


@dataclass(frozen=True)
class Stepping:
    """How steps are taken.

    Args:
        schedule: multiplies every learning rate.
        accumulate: micro-batches a step, >= 1.
        clip: largest gradient norm, > 0, or None.
        ema: decay of the averaged weights, 0 to below 1, or None.
    """

    schedule: Schedule = field(default_factory=Schedule)
    accumulate: int = 1
    clip: float | None = None
    ema: float | None = None


class Stepper:
    """Owns the optimisers of a task and takes their steps. It is the `update` that a task's step calls.

    Args:
        task: its parts are replaced by what Accelerate makes of them; they are on the machine already.
        optimizers: one for each part that is trained.
        machine: where and in which precision to compute.
        how: schedule, accumulation, clipping, averaging.
    """

    def __init__(
        self, task: Task, optimizers: dict[str, Optimizer], machine: Machine, how: Stepping | None = None
    ) -> None:
        how = how or Stepping()
        self.task, self.machine, self.schedule = task, machine, how.schedule
        self.accumulate, self.clip = how.accumulate, how.clip
        self.accelerator = accelerator(machine)
        self.modules = dict(task.parts)
        self.optimizers: dict[str, Optimizer] = {}
        self.is_sharded = any(is_sharded(module) for module in task.parts.values())
        if self.is_sharded and hasattr(task, "carried"):
            wanted = "a run without: a sharded checkpoint would not hold it"
            raise UserError(
                "shard is on in a run that carries a state", wanted, "Leave --set shard=true out."
            )
        for name, module in task.parts.items():
            task.parts[name] = module if self.is_sharded else self.accelerator.prepare(module)
        for name, optimizer in optimizers.items():
            self.optimizers[name] = self.accelerator.prepare(optimizer)
        self.plateau = Plateau(how.schedule)
        self.progress = 0.0
        self.emas = {name: Ema(self.modules[name], how.ema) for name in optimizers} if how.ema else {}

    @property
    def rank(self) -> int:
        """This process's number, 0 in the main one."""
        return int(self.accelerator.process_index)

    @property
    def rate(self) -> float:
        """The learning rate now, of the first group of the first part."""
        return float(next(iter(self.optimizers.values())).param_groups[0]["lr"])

    def begin(self, progress: float) -> None:
        """Set the learning rates for the step at `progress` (0 to 1) of the run."""
        self.progress = progress
        factor = self.schedule.factor(progress) * self.plateau.factor
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor

    def __call__(self, part: str, batch: Batch, loss_of: LossOf) -> dict[str, Tensor]:
        """Make one optimiser step for `part`; see `engine.task.Update`.

        Args:
            part: name of the part in `self.optimizers` and `self.task.parts`.
            batch: tensors whose first axis counts the examples; cut into `self.accumulate` micro-batches.
            loss_of: from a micro-batch to its mean losses by name; "loss" is the one to minimise.

        Returns:
            The mean of each loss over the whole batch, detached. If "loss" is not finite (on a CPU), no step
            is made, and the gradients are cleared.
        """
        # 1. Gradients, micro-batch by micro-batch, each weighted by its share of the examples; processes
        #    exchange them once, after the last.
        optimizer, module = self.optimizers[part], self.task.parts[part]
        pieces = list(zip(*(value.chunk(self.accumulate) for value in batch), strict=True))
        means: dict[str, Tensor] = {}
        for index, piece in enumerate(pieces):
            share = len(piece[0]) / len(batch[0])
            waits = index < len(pieces) - 1 and not self.is_sharded
            with self.accelerator.no_sync(module) if waits else contextlib.nullcontext():
                losses = self._losses(loss_of, piece)
                self.accelerator.backward(losses["loss"] * share)
            for name, value in losses.items():
                means[name] = means.get(name, 0) + value.detach() * share
        # 2. If the loss is not finite, clear the gradients and make no step.
        if self.machine.device == "cpu" and not math.isfinite(means["loss"].item()):
            optimizer.zero_grad()
            return means
        # 3. Clip the gradients to the norm `self.clip`, step, clear the gradients, update the moving average.
        if self.clip is not None:
            self.accelerator.clip_grad_norm_(module.parameters(), self.clip)
        optimizer.step()
        optimizer.zero_grad()
        if part in self.emas:
            self.emas[part].update(self.modules[part])
        return means

    def _losses(self, loss_of: LossOf, piece: Batch) -> Mapping[str, Tensor]:
        # Accelerate runs what it has prepared in the run's precision; a sharded module it has not.
        precision = self.machine.autocast() if self.is_sharded else contextlib.nullcontext()
        try:
            with precision:
                return loss_of(piece)
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise self._too_large(loss_of, piece) from error

    def _too_large(self, loss_of: LossOf, piece: Batch) -> WorkFailed:
        """Find by halving what would have fitted, and say so."""
        size = len(piece[0])
        fits = size
        while fits > 1:
            fits //= 2
            with contextlib.suppress(torch.OutOfMemoryError, MemoryError):
                if self.machine.device.startswith("cuda"):
                    torch.cuda.empty_cache()
                loss_of(tuple(value[:fits] for value in piece))["loss"].backward()
                more = self.accumulate * math.ceil(size / fits)
                advice = (
                    f"Use --set accumulate={more} (same result, a little slower) or --set batch_size={fits}."
                )
                return WorkFailed(
                    f"{size} examples at once do not fit on {self.machine.device}", f"{fits} would", advice
                )
        return WorkFailed(
            f"not even one example fits on {self.machine.device}", "a smaller model or image size", ""
        )

    @contextlib.contextmanager
    def averaged(self):  # type: ignore[no-untyped-def]
        """Inside, every part has its averaged weights, if averaging is on."""
        with contextlib.ExitStack() as stack:
            for name, ema in self.emas.items():
                stack.enter_context(ema.applied(self.modules[name]))
            yield

    def tensors(self, filled: bool = False) -> dict[str, dict[str, Tensor]]:
        """Everything a checkpoint keeps as tensors: weights, averages, optimiser states.

        Args:
            filled: make the optimisers' states first, by a step of zero gradients that is undone, so that
                there is a place to load each into.
        """
        if filled:
            self._fill_states()
        found = {name: dict(module.state_dict()) for name, module in self.modules.items()}
        found |= {f"{name}.ema": ema.shadow for name, ema in self.emas.items()}
        for name, optimizer in self.optimizers.items():
            states = optimizer.state_dict()["state"]
            found[f"{name}.optimizer"] = {
                f"{index}/{key}": value for index, state in states.items() for key, value in state.items()
                if isinstance(value, Tensor)
            }  # fmt: skip
        return found

    def _fill_states(self) -> None:
        kept = {name: {k: v.clone() for k, v in m.state_dict().items()} for name, m in self.modules.items()}
        for each in self.optimizers.values():
            for group in each.param_groups:
                for parameter in group["params"]:
                    parameter.grad = torch.zeros_like(parameter)
            each.step()
            each.zero_grad()
        for name, module in self.modules.items():
            module.load_state_dict(kept[name])

    def state(self) -> dict[str, Any]:
        """Everything a checkpoint keeps as JSON."""
        scaler = self.accelerator.scaler
        return {
            "plateau": self.plateau.state(),
            "ema_steps": {name: ema.steps for name, ema in self.emas.items()},
            "scaler": scaler.state_dict() if scaler is not None else None,
        }  # fmt: skip

    def save(self, run: RunFolder, at: Mapping[str, Any], best: bool) -> None:
        """Write a checkpoint; every process calls it, those that have nothing to write return at once."""
        state = {**self.state(), **at}
        carried = {name: self.accelerator.gather(rows.contiguous()) for name, rows in self._carried().items()}
        if self.is_sharded:
            run.checkpoints.save_shards(int(at["step"]), self.tensors(), state, best, self.rank)
        elif run.writes:
            tensors = self.tensors() | ({CARRIED: carried} if carried else {})
            run.checkpoints.save(int(at["step"]), tensors, state, best)

    def _carried(self) -> dict[str, Tensor]:
        return getattr(self.task, "carried", {})

    def _carry_on(self, saved: Mapping[str, Tensor]) -> None:
        """Give the task what it carried, each process its rows."""
        if hasattr(self.task, "carried"):
            world = self.accelerator.num_processes
            own = {name: rows.chunk(world)[self.rank] for name, rows in saved.items()}
            self.task.carried = {name: self.machine.place(rows) for name, rows in own.items()}

    def load(self, run: RunFolder, which: str = "last") -> dict[str, Any]:
        """Take up a checkpoint; returns its state.

        Raises:
            UserError: it is damaged, or belongs to another architecture.
        """
        if (run.checkpoints.find(which) / SHARDS).is_dir():
            tensors = {name: dict(group) for name, group in self.tensors(filled=True).items()}
            state = run.checkpoints.load_shards(which, tensors)
        else:
            tensors, state = run.checkpoints.load(which)
        for name, module in self.modules.items():
            load_weights(module, tensors[name])
        for name, ema in self.emas.items():
            ema.load(tensors[f"{name}.ema"], state["ema_steps"][name])
        for name, optimizer in self.optimizers.items():
            states: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.get(f"{name}.optimizer", {}).items():
                index, field = key.split("/")
                states.setdefault(int(index), {})[field] = value
            optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
            lay_alike(optimizer)
        self._carry_on(tensors.get(CARRIED, {}))
        self.plateau.load(state["plateau"])
        if self.accelerator.scaler is not None and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        return state

    def agree(self, *flags: bool) -> tuple[bool, ...]:
        """The main process's answers, in every process."""
        if self.accelerator.num_processes == 1:
            return flags
        answers = torch.tensor(flags, dtype=torch.uint8, device=self.machine.device)
        torch.distributed.broadcast(answers, 0)
        return tuple(map(bool, answers.tolist()))


def lay_alike(optimizer: Optimizer) -> None:
    """Give every state tensor its parameter's memory layout: fused kernels read both in the same order."""
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def load_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load a state dict, or say which entry does not belong.

    Raises:
        UserError: a name is missing or extra, or a shape differs.
    """
    own = module.state_dict()
    for name in sorted(own.keys() ^ weights.keys()):
        side = "lacks" if name in own else "has besides"
        raise UserError(
            f"the checkpoint {side} {name!r}", "one of this very architecture", "Check recipe and model."
        )
    for name, value in own.items():
        if value.shape != weights[name].shape:
            raise UserError(
                f"{name!r} in the checkpoint has shape {tuple(weights[name].shape)}", f"{tuple(value.shape)}",
                "It belongs to another architecture or number of classes.",
            )  # fmt: skip
    module.load_state_dict(weights)
