"""The learning-rate range test: the rate rises from step to step while the loss is watched.

Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3. Below a good
rate the loss hardly falls, above it the loss rises. Batches, task and optimiser are the run's own.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from gradschool.data.cache import cache_folder
from gradschool.engine.device import choose, on_threads
from gradschool.engine.log import main_losses, patiently
from gradschool.engine.loop import fit
from gradschool.engine.plan import Plan
from gradschool.engine.run import RunFolder
from gradschool.engine.schedule import Schedule
from gradschool.errors import Interrupted, UserError, WorkFailed
from gradschool.evals.report import page
from gradschool.evals.report.rates import SECTIONS, RateFacts, drawn
from gradschool.ops import switch
from gradschool.runs.kind import Kind
from gradschool.runs.request import Request, Say
from gradschool.runs.run import Run

STEPS = 100
LOWEST, HIGHEST = 1e-7, 10.0  # rates
RUNNING = 0.8  # decay of the running mean that tells a divergence
WORSE = 4.0  # times the best running mean: the loss has diverged
WARM = 10  # steps before a divergence is looked for
SMOOTH = 2.0  # steps: standard deviation of the smoothing, which looks at both sides and so shifts nothing
FEWEST = 5  # points without which there is nothing to say


@dataclass(frozen=True)
class Rising(Schedule):
    """The factor rises exponentially from `low` to `high` over the run."""

    low: float = 1.0
    high: float = 1.0

    def factor(self, progress: float) -> float:
        """The factor on the base learning rate at `progress`, from 0 to 1."""
        return float(self.low * (self.high / self.low) ** progress)


class Curve:
    """A hook that keeps (rate, loss) of every step, and knows when the loss has diverged."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.mean, self.weight, self.best = 0.0, 0.0, np.inf
        self.why = ""

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Take a line of the journal."""
        found = main_losses(line)
        if "lr" not in line or "loss" not in found:
            return
        self.rates.append(line["lr"])
        self.losses.append(found["loss"])
        # A running mean; its weights sum to 1 from the first step on.
        self.mean = RUNNING * self.mean + (1 - RUNNING) * found["loss"]
        self.weight = RUNNING * self.weight + (1 - RUNNING)
        now = self.mean / self.weight
        if len(self.losses) > WARM and now > self.best + (WORSE - 1) * abs(self.best):
            self.why = "the loss has diverged"
        self.best = min(self.best, now)

    def verdict(self) -> str:
        """Why the test should end here; "" to go on."""
        return self.why


@dataclass(frozen=True)
class Found:
    """What the test says.

    Args:
        rates: of every step.
        losses: of every step.
        smoothed: the losses, smoothed over neighbouring steps.
        steepest: the rate at which the smoothed loss falls fastest per factor of the rate; None if it never
            falls.
        diverged: the rate at which the loss diverged; None if it did not.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    steepest: float | None
    diverged: float | None

    @property
    def tenth(self) -> float | None:
        """A tenth of the rate at which the loss diverged."""
        return None if self.diverged is None else self.diverged / 10


def judge(rates: NDArray[np.floating], losses: NDArray[np.floating], diverged: float | None) -> Found:
    """Read a curve.

    Args:
        rates: rising.
        losses: one for each rate, finite.
        diverged: the rate at which the loss diverged.

    Raises:
        WorkFailed: there are too few points.
    """
    if len(rates) < FEWEST:
        raise WorkFailed(
            f"the loss diverged after {len(rates)} steps", f"{FEWEST} or more", "Use more --steps."
        )
    smoothed = gaussian_filter1d(losses, SMOOTH, mode="nearest")
    # The slope before the minimum; behind it the loss only comes back from where it should not be.
    lowest = max(int(smoothed.argmin()), 1)
    slope = np.gradient(smoothed, np.log(rates))[: lowest + 1]
    steepest = float(rates[slope.argmin()]) if slope.min() < 0 else None
    return Found(tuple(rates.tolist()), tuple(losses.tolist()), tuple(smoothed.tolist()), steepest, diverged)


def find_rate(run: Kind, request: Request, say: Say = print) -> Found:
    """Train with a rising rate until the loss diverges; nothing of it is kept.

    Args:
        run: the recipe's settings.
        request: seed, device and steps; None takes 100.
        say: told what a person should read.

    Raises:
        UserError: the run has no one loss and one rate.
        WorkFailed: the loss diverged at once.
        Interrupted: it was asked to stop.
    """
    if not isinstance(run, Run):
        raise UserError(f"{request.recipe} trains itself", "a run through the engine, such as digits", "")
    steps = request.steps or STEPS
    machine = choose(request.device, run.precision, cache_folder())
    curve, diverged = Curve(), None
    with switch.using("plain" if request.plain else "fast"), on_threads(run.threads):
        with patiently(f"reading {run.data}"):
            pieces = run.assemble(replace(request, steps=steps), machine, say)
        if len(pieces.task.parts) > 1:
            what = f"{request.recipe} trains {' and '.join(pieces.task.parts)}, each with a rate of its own"
            raise UserError(what, "a run of one network", "")
        base = run.learning_rate
        pieces.stepper.schedule = Rising(low=LOWEST / base, high=HIGHEST / base)
        plan = Plan(steps, request.seed, halt=curve.verdict)
        try:
            fit(pieces.task, pieces.batches, None, pieces.stepper, plan, None, [curve])
        except Interrupted as error:
            what = f"the range test was stopped after {len(curve.rates)} steps"
            raise Interrupted(what, "", "Nothing of it is kept.") from error
        except WorkFailed as error:
            if error.wanted != "a finite number":
                raise
            diverged = pieces.stepper.rate
    if curve.why:
        diverged = curve.rates[-1]
    if not curve.losses and diverged is None:
        raise UserError(f"{request.recipe} reports no loss while it trains", "a run with a loss", "")
    return judge(np.array(curve.rates), np.array(curve.losses), diverged)


def write(found: Found, run: Kind, request: Request, folder: RunFolder) -> Path:
    """Write rates.json, rates.png and report.html; returns the path of the report."""
    known = {"recipe": request.recipe, "seed": request.seed, "tenth": found.tenth, **asdict(found)}
    folder.write("rates.json", json.dumps(known, indent=1))
    facts = RateFacts(
        rates=found.rates, losses=found.losses, smoothed=found.smoothed, steepest=found.steepest,
        diverged=found.diverged, recipe=request.recipe, present=getattr(run, "learning_rate", None),
    )  # fmt: skip
    drawn(facts, folder.path / "rates.png")
    return page.write_report(folder.path, facts, SECTIONS)
