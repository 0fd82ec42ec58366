"""The ladder that makes a run fit: changes that need less memory, each with what it is predicted to need."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gradschool.errors import UserError
from gradschool.practice.plan.memory import Memory, Opened, predict
from gradschool.runs.run import Run

MOST = 64  # micro-batches
PROCESSES = (2, 4, 8)
RANK = 8  # of LoRA's matrices


@dataclass(frozen=True)
class Rung:
    """A change.

    Args:
        name: what it is called in the field.
        words: how it is asked for.
        memory: what it needs then, in each process.
        is_same: whether the result is the same but for rounding.
        costs: what it costs, in words.
    """

    name: str
    words: str
    memory: Memory
    is_same: bool
    costs: str

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name, "set": self.words, "memory": self.memory.facts(), "same": self.is_same,
                "costs": self.costs}  # fmt: skip


def ladder(run: Run, known: Opened, whole: Memory, room: float) -> Iterator[Rung]:
    """Changes in the order in which they are worth trying.

    Args:
        run: settings.
        known: its data.
        whole: what the run needs as it is.
        room: bytes that there are; micro-batches become smaller until they fit, or down to single examples.
    """
    # 1. What keeps the result.
    accumulated = None
    for pieces in halved(run):
        found = attempted(replace(run, accumulate=pieces), known)
        if found is None:
            break
        accumulated = Rung(
            "gradient accumulation", f"accumulate={pieces}", found, True,
            "a little time; batch normalisation sees the smaller batch",
        )  # fmt: skip
        if found.peak <= room:
            break
    if accumulated:
        yield accumulated
    if not run.recompute and (found := attempted(replace(run, recompute=True), known)):
        costs = "a third more time"
        yield Rung("activation checkpointing", "recompute=true", found, True, costs)
    # 2. What changes it a little.
    if known.machine.precision == "fp32" and (found := attempted(replace(run, precision="bf16"), known)):
        yield Rung("mixed precision", "precision=bf16", found, False, "rounding; often faster")
    if run.optimizer in ("adam", "adamw") and (
        found := attempted(replace(run, optimizer="adamw8bit"), known)
    ):
        costs = "its state is rounded to bytes; steps take longer"
        yield Rung("optimiser state of 8 bits", "optimizer=adamw8bit", found, False, costs)
    if getattr(run, "lora", None) == 0 and (found := attempted(replace(run, lora=RANK), known)):  # type: ignore[call-arg]
        costs = "two thin matrices a layer learn in place of all weights: search the learning rate anew"
        yield Rung("low-rank adapters (LoRA)", f"lora={RANK}", found, False, costs)
    has_state = run.optimizer not in ("sgd", "momentum")
    if has_state and (found := attempted(replace(run, optimizer="momentum"), known)):
        costs = "another optimiser: search its learning rate anew"
        yield Rung("an optimiser with half the state", "optimizer=momentum", found, False, costs)
    # 3. More machines.
    for count in PROCESSES:
        if run.batch_size % count == 0 and not run.whole_batches:
            costs = f"torchrun --nproc-per-node {count}"
            yield Rung(f"sharding over {count}", "shard=true", sharded(whole, count), True, costs)


def halved(run: Run) -> Iterator[int]:
    """Numbers of micro-batches: twice as many each time, up to single examples."""
    pieces = 2 * run.accumulate
    while pieces <= min(MOST, run.batch_size):
        yield pieces
        pieces *= 2


def attempted(run: Run, known: Opened) -> Memory | None:
    """What a changed run needs; None where it cannot be followed."""
    try:
        return predict(run, known)
    except UserError:
        return None


def sharded(whole: Memory, count: int) -> Memory:
    """What each of several processes needs that share weights, gradients, state and batch (ZeRO, stage 3).

    Args:
        whole: what one process needs.
        count: processes.

    Source: Rajbhandari et al. 2020, ZeRO, section 5.
    """
    shares = Memory(*(-(-getattr(whole, name) // count) for name in Memory.__dataclass_fields__))
    return replace(shares, workspace=whole.workspace)
