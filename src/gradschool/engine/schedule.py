"""Learning-rate schedules as functions of progress: factor(p) with p from 0 (start) to 1 (end).

The factor multiplies the base rate of every parameter group. `plateau` is the one schedule that listens:
it is told every validation score and keeps its own small state, which the checkpoint saves.
Sources: Loshchilov and Hutter 2017 (cosine), Smith and Topin 2018 (one-cycle), Goyal et al. 2017 (warm-up).
"""

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["constant", "step", "cosine", "one_cycle", "linear", "plateau"]


@dataclass(frozen=True)
class Schedule:
    """Which schedule, and its few numbers.

    Args:
        kind: the form of the curve.
        warmup: share of the run with a linear rise from zero, 0 to 1; for one_cycle the share before the
            peak.
        final: the factor at the very end, 0 to 1.
        drops: for step, the places (0 to 1) at which the rate is multiplied by `drop`.
        drop: the multiplier of step and plateau, above 0 and below 1.
        wait: for plateau, evaluations without improvement before a drop.
    """

    kind: Kind = "cosine"
    warmup: float = 0.0
    final: float = 0.0
    drops: tuple[float, ...] = (0.5, 0.75)
    drop: float = 0.1
    wait: int = 3

    def factor(self, progress: float) -> float:
        """The factor on the base learning rate at `progress`, from 0 (start) to 1 (end of the run).

        During the warm-up (progress < warmup) the factor rises linearly to 1: from 0, and for one_cycle from
        `final`. After it, cosine and one_cycle fall from 1 to `final` along half a cosine wave, and linear
        along a line. Step is `drop` to the power of the number of drops passed. Constant and plateau are 1.
        A warm-up of 1 leaves no time to fall: at progress 1 the falling kinds are at `final`.

        Args:
            progress: share of the run that is done, 0 to 1.
        """
        # 1. Warm-up.
        if progress < self.warmup:
            return (
                self.final + (1 - self.final) * progress / self.warmup
                if self.kind == "one_cycle"
                else (progress / self.warmup)
            )
        # 2. Share of the time after the warm-up that has passed, 0 to 1.
        rest = (progress - self.warmup) / (1 - self.warmup) if self.warmup < 1 else 1.0
        # 3. Kinds that do not fall smoothly; drops are shares of the whole run.
        if self.kind in ("constant", "plateau"):
            return 1.0
        if self.kind == "step":
            return self.drop ** sum(progress >= place for place in self.drops)
        # 4. Kinds that do.
        if self.kind == "linear":
            return 1 + (self.final - 1) * rest
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * rest)) / 2


class Plateau:
    """Multiply the rate by `drop` when the monitored score has not improved for `wait` evaluations."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.factor, self.best, self.waited = 1.0, math.inf, 0

    def observe(self, badness: float) -> None:
        """Be told a validation score, lower is better."""
        if self.schedule.kind != "plateau":
            return
        if badness < self.best:
            self.best, self.waited = badness, 0
            return
        self.waited += 1
        if self.waited > self.schedule.wait:
            self.factor, self.waited = self.factor * self.schedule.drop, 0

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {"factor": self.factor, "best": self.best, "waited": self.waited}

    def load(self, state: dict[str, float]) -> None:
        """Take up what a checkpoint kept."""
        self.factor, self.best, self.waited = state["factor"], state["best"], int(state["waited"])
