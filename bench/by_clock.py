"""Networks that train side by side for equal time of the processor: who has used less takes the next step."""

import time
from collections.abc import Collection
from typing import Any, TypeVar

from gradschool.engine.device import Machine
from gradschool.runs.request import Request, silent
from gradschool.runs.run import Pieces, Run


class ByClock:
    """One network on its way, by a clock of its own.

    Args:
        run: its settings.
        recipe: whose.
        seed: of everything.
        machine: where it trains.
        seconds: of the processor that it has.
    """

    def __init__(self, run: Run, recipe: str, seed: int, machine: Machine, seconds: float) -> None:
        self.machine, self.seconds = machine, seconds
        self.pieces: Pieces = run.assemble(Request(recipe, seed=seed), machine, silent)
        self.used, self.steps = 0.0, 0

    def step(self) -> None:
        """One batch, loaded and learnt; the learning rate follows the time used."""
        start, loader = time.process_time(), self.pieces.batches
        epoch, position = divmod(self.steps, len(loader))
        batch = next(iter(loader.epoch(epoch, position)))
        self.pieces.stepper.begin(min(1.0, self.used / self.seconds))
        self.pieces.task.step(tuple(map(self.machine.place, batch)), self.pieces.stepper)
        self.steps += 1
        self.used += time.process_time() - start

    def scores(self) -> dict[str, Any]:
        """Of what it has learnt, with its steps, seconds and parameters."""
        count = sum(p.numel() for p in self.pieces.model.parameters())
        return {"steps": self.steps, "cpu_s": self.used, "parameters": count}


S = TypeVar("S", bound=ByClock)


def side_by_side(sides: Collection[S]) -> None:
    """Train all, step by step, until each has used its seconds."""
    while (behind := min(sides, key=lambda side: side.used)).used < behind.seconds:
        behind.step()
