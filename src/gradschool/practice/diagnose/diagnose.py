"""Why does it not train? A short look at a run before it is trained, and what is wrong with it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from gradschool.data.cache import cache_folder
from gradschool.engine.device import choose, on_threads
from gradschool.errors import UserError
from gradschool.ops import switch
from gradschool.phrases import counted
from gradschool.practice.diagnose import finding as names
from gradschool.practice.diagnose import label_rules, rules
from gradschool.practice.diagnose.finding import Finding, causes
from gradschool.practice.diagnose.labelled import Labelled, labelled
from gradschool.practice.diagnose.look import STEPS, Look, look
from gradschool.practice.diagnose.memorise import memorise
from gradschool.runs.kind import Kind
from gradschool.runs.request import Request, Say, silent
from gradschool.runs.run import Pieces, Run
from gradschool.tasks.classify import Classify
from gradschool.tasks.classify_sequences import ClassifySequences

HELD = 2000  # held-out examples that the network is tested on
LOWER = (0.1, 0.01)  # rates that are tried where the loss rises, as shares of the run's own
WATCHED = "what is watched while it trains: dead units, gradients, the learning rate"


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Args:
        findings: causes.
        follows: what they explain.
        checked: names of the faults that were looked for.
        unchecked: names and reasons of those that were not.
        look: what was seen; None where the run could not begin.
        seconds: that it took.
    """

    findings: Sequence[Finding]
    follows: Sequence[Finding]
    checked: Sequence[str]
    unchecked: Sequence[tuple[str, str]]
    look: Look | None
    seconds: float

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "findings": [each.facts() for each in self.findings],
            "follows": [each.facts() for each in self.follows],
            "checked": list(self.checked),
            "unchecked": dict(self.unchecked),
            "steps": self.look.steps if self.look else 0,
            "seconds": self.seconds,
        }


class Notes:
    """Collects what is found, what was looked for and what was not."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.checked: list[str] = []
        self.unchecked: list[tuple[str, str]] = []

    def add(self, name: str | Sequence[str], found: Iterator[Finding] | Sequence[Finding]) -> None:
        """Take what a check found."""
        self.checked += [name] if isinstance(name, str) else name
        self.found += found

    def leave(self, name: str, reason: str) -> None:
        """Say that a check was not made."""
        self.unchecked.append((name, reason))


def diagnose(run: Kind, request: Request, say: Say = silent) -> Diagnosis:
    """Look at a run for at most a hundred steps. Nothing is written.

    Args:
        run: the recipe's settings.
        request: seed, device, steps.
        say: told what a run says of its data.

    Raises:
        UserError: the run trains itself, so that there is nothing to look into.
    """
    if not isinstance(run, Run):
        what = f"{request.recipe} is {run.title}, which trains itself"
        raise UserError(what, "a run with a model and batches, such as digits", "Leave --diagnose out.")
    start, notes = time.monotonic(), Notes()
    with switch.using("plain" if request.plain else "fast"), on_threads(run.threads):
        pieces = assembled(run, request, say)
        batch = next(iter(pieces.batches.epoch(0)))
        # 1. The data.
        notes.add([names.NOT_FINITE, names.NORMALISATION], rules.input_faults(batch))
        rows = labelled(pieces)
        look_at_data(run, pieces, rows, notes)
        # 2. The network: one batch by heart, then the run's own steps.
        notes.add(names.BATCH_NORM, rules.batch_norm_fault(run, pieces.model, batch))
        seen = None
        if {names.NOT_FINITE, names.BATCH_NORM} & {each.name for each in notes.found}:
            notes.leave(WATCHED, "what was found comes first")
        else:
            by_heart(pieces, notes)
            seen = look(pieces, min(STEPS, request.steps or STEPS))
            look_at_training(run, request, pieces, seen, notes)
            look_at_labels(pieces, rows, notes)
    found, follows = causes(notes.found)
    return Diagnosis(found, follows, notes.checked, notes.unchecked, seen, time.monotonic() - start)


def assembled(run: Run, request: Request, say: Say) -> Pieces:
    """The pieces of a run that is as long as the look, so that its learning rate rises and falls in it."""
    machine = choose(request.device, run.precision, cache_folder())
    return run.assemble(replace(request, steps=min(STEPS, request.steps or STEPS)), machine, say)


def look_at_data(run: Run, pieces: Pieces, rows: Labelled | None, notes: Notes) -> None:
    """Leaks, imbalance, noise: what the data say without a network."""
    notes.add(names.LEAK, label_rules.leak(pieces.splits, rows))
    if rows is None:
        notes.leave("faults of labels", "the run is no classification of rows with one label each")
        return
    notes.add(names.TARGET, label_rules.target(rows))
    notes.add(names.IMBALANCE, label_rules.imbalance(rows, getattr(run, "balance", False)))
    noisy, reason = label_rules.noise(rows)
    if reason:
        notes.leave(names.NOISE, reason)
    else:
        notes.add(names.NOISE, noisy)


def by_heart(pieces: Pieces, notes: Notes) -> None:
    """Learn one batch by heart, where the task has an end that can be reached."""
    if not can_memorise(pieces):
        notes.leave(names.NO_OVERFIT, "the task has no loss that one batch brings down")
        return
    batch = tuple(map(pieces.stepper.machine.place, next(iter(pieces.batches.epoch(0)))))
    found = memorise(pieces.task, batch, pieces.stepper)
    if found.is_judged:
        notes.add(names.NO_OVERFIT, rules.memory_fault(found))
    else:
        notes.leave(names.NO_OVERFIT, f"{found.steps} steps on it took too long")


def can_memorise(pieces: Pieces) -> bool:
    """Whether one small batch can be learnt by heart: one part, one loss, nothing played."""
    module = type(pieces.task).__module__.rpartition("tasks.")[2]
    played = module.startswith("rl.") or module in ("q_learning", "grpo")
    return len(pieces.stepper.modules) == 1 and not played and not hasattr(pieces.task, "carried")


def look_at_training(run: Run, request: Request, pieces: Pieces, seen: Look, notes: Notes) -> None:
    """Units, gradients and the rate."""
    notes.add(names.DEAD, rules.unit_faults(seen))
    if not seen.is_long_enough:
        notes.leave("gradients and learning rate", f"{counted(seen.steps, 'step')} took {seen.seconds:.0f} s")
        return
    notes.add([names.VANISHING, names.EXPLODING], rules.gradient_faults(seen))
    planned = request.steps or max(1, round(run.epochs * len(pieces.batches)))
    notes.add(names.TOO_LOW, rules.too_low(seen, planned))
    if not seen.losses:
        notes.leave(names.TOO_HIGH, "the task has several losses that pull against each other")
        return
    notes.add(names.TOO_HIGH, at_lower_rates(run, request, seen) if rules.is_stuck(seen) else [])


def at_lower_rates(run: Run, request: Request, seen: Look) -> list[Finding]:
    """Try again at lower rates, where the loss rises: is it the rate?"""
    steps = min(STEPS, request.steps or STEPS)
    for share in LOWER:
        slower = replace(run, learning_rate=share * run.learning_rate)
        lower = look(assembled(slower, request, silent), steps)
        if found := list(rules.too_high(seen, lower)):
            return found
    return []


def look_at_labels(pieces: Pieces, rows: Labelled | None, notes: Notes) -> None:
    """Whether labels have to do with inputs; the network is asked as well, after the look."""
    if rows is not None:
        found = label_rules.shuffled(rows, None)
        notes.add(names.SHUFFLED, label_rules.shuffled(rows, held_out_accuracy(pieces)) if found else [])


def held_out_accuracy(pieces: Pieces) -> tuple[float, float] | None:
    """How much of the held-out part the network has right, and how much guessing one class explains."""
    task = pieces.task
    if not isinstance(task, Classify | ClassifySequences):
        return None
    taken: list[tuple[Tensor, ...]] = []
    for batch in islice(pieces.held_out(), HELD):
        taken.append(batch)
        if sum(len(each[-1]) for each in taken) >= HELD:
            break
    for module in pieces.stepper.modules.values():
        module.eval()
    with torch.inference_mode():
        scores = task.evaluate(pieces.stepper.machine.placed(taken))
    for module in pieces.stepper.modules.values():
        module.train()
    y = torch.cat([each[-1] for each in taken])
    share = float(y.bincount().max()) / len(y)
    error = (share * (1 - share) / len(y)) ** 0.5
    accuracy = next(value for name, value in scores.items() if name.endswith("accuracy"))
    return accuracy, share + 2.5 * error
