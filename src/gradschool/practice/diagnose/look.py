"""A short look at a run: at most a hundred of its own steps, with its own data, optimiser and rate."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradschool.engine.seeds import mix
from gradschool.engine.task import Batch, Batches
from gradschool.practice.diagnose.measures import dead_share, first_to_last, median
from gradschool.practice.diagnose.watch import Probe, watched
from gradschool.runs.run import Pieces

STEPS, SECONDS = 100, 20.0  # of a look at most
LEAST, JUDGED = 5, 20  # steps that a look takes, however long they are, and those that say something
PROBES = (0.0, 0.2, 0.4, 0.6, 0.8)  # shares of the look at which gradients and units are looked at


@dataclass(frozen=True)
class Layer:
    """A rectifier's units.

    Args:
        name: which one it is.
        units: how many it has.
        dead: share of them that never fired.
    """

    name: str
    units: int
    dead: float


@dataclass(frozen=True)
class Look:
    """What was seen.

    Args:
        steps: taken.
        seconds: that they took.
        examples: that units were watched on.
        losses: "loss" of each step; empty where a task has several parts.
        rate: the highest learning rate.
        ratios: gradient of the first layer over that of the last, of each part and probe.
        moves: median over layers of the relative update of a step, for each step that was watched, as it
            would be at the highest rate.
        layers: the rectifiers.
    """

    steps: int
    seconds: float
    examples: int
    losses: Sequence[float]
    rate: float
    ratios: Mapping[str, Sequence[float]]
    moves: Sequence[float]
    layers: Sequence[Layer]

    @property
    def is_finite(self) -> bool:
        """Whether no loss became NaN or infinite."""
        return all(math.isfinite(value) for value in self.losses)

    @property
    def is_long_enough(self) -> bool:
        """Whether what became of weights and loss says something; in the first steps zeros may stand in the
        way of gradients, and the rate is still rising.
        """
        return self.steps >= JUDGED or not self.is_finite


def look(pieces: Pieces, steps: int = STEPS, seconds: float = SECONDS) -> Look:
    """Train for a few steps and watch.

    Args:
        pieces: of a run of so many steps; its weights are changed.
        steps: at most.
        seconds: after which no further step is taken.
    """
    stepper, task, seed = pieces.stepper, pieces.task, pieces.plan.seed
    probe, start, waiting = Probe(stepper), time.monotonic(), list(PROBES)
    losses: list[float] = []
    moved: list[tuple[float, float]] = []
    rate, done = 0.0, 0
    for step, batch in enumerate(endless(pieces.batches)):
        progress = max(step / steps, (time.monotonic() - start) / seconds)
        if progress >= 1 and (step >= steps or step >= LEAST):
            break
        placed = tuple(map(stepper.machine.place, batch))
        torch.manual_seed(mix(seed, step, 0))
        stepper.begin(min(progress, 1.0))
        rate, is_watched = max(rate, stepper.rate), bool(waiting) and progress >= waiting[0]
        # 1. Now and then the gradients and the units, without a step.
        if is_watched:
            waiting = [share for share in waiting if share > progress]
            probe.progress, probe.rate = stepper.progress, stepper.rate
            task.step(placed, probe)
        # 2. The step.
        found, change = one_step(pieces, placed, is_watched)
        moved += [(stepper.rate, change)] if change is not None and stepper.rate else []
        done = step + 1
        if len(stepper.modules) == 1 and "loss" in found:
            losses.append(float(found["loss"]))
            if not math.isfinite(losses[-1]):
                break
    ratios = {p: [first_to_last([*s.values()]) for s in seen] for p, seen in probe.gradients.items() if seen}
    moves = [change * rate / own for own, change in moved]
    examples = max(each.examples for each in probe.firing.values())
    return Look(done, time.monotonic() - start, examples, losses, rate, ratios, moves, layers(probe))


def one_step(pieces: Pieces, batch: Batch, is_watched: bool) -> tuple[Mapping[str, Tensor], float | None]:
    """A step of the run: its losses and, if it is watched, the median relative update of its layers."""
    if not is_watched:
        return pieces.task.step(batch, pieces.stepper), None
    with watched(pieces.stepper.modules) as change:
        found = pieces.task.step(batch, pieces.stepper)
    return found, median([*change.values()]) if change else None


def endless(batches: Batches) -> Iterator[Batch]:
    """Training batches, epoch after epoch."""
    number = 0
    while True:
        yield from batches.epoch(number)
        number += 1


def layers(probe: Probe) -> list[Layer]:
    """The rectifiers of all parts with the share of their units that never fired."""
    found = []
    for part, firing in probe.firing.items():
        of = "" if len(probe.firing) == 1 else f" of the {part}"
        for index, peaks in firing.peaks.items():
            name = f"rectifier {index + 1} of {len(firing.peaks)}{of}"
            found.append(Layer(name, len(peaks), dead_share(peaks)))
    return found
