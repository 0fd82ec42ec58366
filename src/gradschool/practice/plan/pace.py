"""How long a run will take, from a few of its own steps."""

import time
from dataclasses import dataclass

import torch

from gradschool.data.cache import cache_folder
from gradschool.engine.device import choose, on_threads
from gradschool.engine.loop import Progress as At
from gradschool.engine.loop import stream
from gradschool.engine.seeds import mix
from gradschool.ops import switch
from gradschool.practice.diagnose.measures import median
from gradschool.runs.request import Request, silent
from gradschool.runs.run import Run

WARM, STEPS, SECONDS = 2, 12, 6.0  # steps that are not counted, and those that are, at most


@dataclass(frozen=True)
class Pace:
    """What was measured.

    Args:
        step: seconds of a training step, the median.
        measured: steps.
        steps: of the whole run.
        examples: in a step.
        evaluation: seconds of an evaluation of the held-out part.
        evaluations: in the whole run.
    """

    step: float
    measured: int
    steps: int
    examples: int
    evaluation: float
    evaluations: int

    @property
    def seconds(self) -> float:
        """Of the whole run, without the test and the report at its end."""
        return self.step * self.steps + self.evaluation * self.evaluations


def pace(run: Run, request: Request) -> Pace:
    """Train for a few steps and time them.

    Args:
        run: settings.
        request: seed, device and steps of the whole run.
    """
    machine = choose(request.device, run.precision, cache_folder())
    with switch.using("plain" if request.plain else "fast"), on_threads(run.threads):
        pieces = run.assemble(request, machine, silent)
        times, start, count = [], time.perf_counter(), 0
        # 1. Steps, each with its batch.
        begun = time.perf_counter()
        for step, batch in enumerate(stream(pieces.batches, pieces.plan, At())):
            torch.manual_seed(mix(pieces.plan.seed, step, 0))
            pieces.stepper.begin(0.0)
            losses = pieces.task.step(tuple(map(machine.place, batch)), pieces.stepper)
            for value in losses.values():
                value.detach().cpu()  # waits for the device
            now = time.perf_counter()
            times.append(now - begun)
            begun, count = now, len(batch[0])
            if len(times) >= WARM + STEPS or (len(times) > WARM and now - start > SECONDS):
                break
        counted = times[WARM:] or times
        # 2. One batch of the evaluation stands for all.
        spent, share = 0.0, 0.0
        held = pieces.splits.val if pieces.splits.val is not None else pieces.splits.test
        if pieces.plan.evaluate_every:
            first = next(iter(pieces.held_out()))
            for module in pieces.stepper.modules.values():
                module.eval()
            begun = time.perf_counter()
            with torch.inference_mode():
                pieces.task.evaluate(machine.placed([first]))
            spent, share = time.perf_counter() - begun, max(1.0, len(held) / max(1, len(first[0])))
    every = pieces.plan.evaluate_every
    evaluations = pieces.plan.steps // every if every else 0
    return Pace(median(counted), len(counted), pieces.plan.steps, count, spent * share, evaluations)
