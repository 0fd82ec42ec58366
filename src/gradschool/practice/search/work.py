"""A worker: takes a trial, trains it, tells the study, and takes the next.

One process at a time takes a trial, under a lock in the study's folder. A trial whose process has gone, by
kill or crash, is taken up before a new one is drawn; one whose process dies again and again is failed.
"""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from gradschool.errors import Interrupted
from gradschool.practice.search.samplers import RUST, grid_size, make_sampler
from gradschool.practice.search.storage import shown
from gradschool.practice.search.study import Study
from gradschool.practice.search.trial import Outcome, run_trial, suggested

OWNER, WHY, TAKEN, SECONDS = "owner", "why", "taken_up", "seconds"  # what a trial carries besides its values
UNOWNED = 60.0  # seconds after which a trial that nobody has signed is free
CLOCKS = 2.0  # seconds by which two readings of when a process began may differ
BUSY: set[tuple[str, int]] = set()  # trials that this process is training; see `key`
ATTEMPTS = 3  # a trial whose process has died so often is failed


@dataclass(frozen=True)
class Limits:
    """When a worker takes no further trial.

    Args:
        trials: in the study, with those that were pruned or failed.
        until: time (`time.time`) after which no trial is begun; None for no limit.
        parent: process that the worker ends with; None for none.
    """

    trials: int
    until: float | None = None
    parent: int | None = None

    def over(self) -> bool:
        """Whether time is up, or the process that wanted the work has gone."""
        is_orphan = self.parent is not None and os.getppid() != self.parent
        return is_orphan or (self.until is not None and time.time() >= self.until)


def work(study: Study, limits: Limits, told: Callable[[Any], None]) -> None:
    """Train trials until the study has enough.

    Args:
        study: whose trials.
        limits: how many, how long.
        told: called with every trial that is finished.

    Raises:
        Interrupted: Ctrl-C; the trial is saved and goes on with the next search.
    """
    while (trial := claim(study, limits)) is not None:
        start = time.monotonic()
        try:
            outcome = run_trial(study, trial)
        except Interrupted:
            trial.set_user_attr(TAKEN, 0)  # a stop that was asked for is no death
            raise
        finally:
            BUSY.discard(key(study, trial.number))
        trial.set_user_attr(SECONDS, round(time.monotonic() - start, 3))
        told(settle(study, trial, outcome))


def claim(study: Study, limits: Limits) -> Any:
    """The next trial for this process, as Optuna has it: one that was cut off, or a new one; None: enough."""
    with study.lock():
        loaded = study.load()
        trials = loaded.get_trials(deepcopy=False)
        if limits.over():
            return None
        for left in (each for each in trials if each.state.name == "RUNNING"):
            if is_left(study, left) and (trial := taken_up(study, loaded, left)) is not None:
                return trial
        if len(trials) >= enough(study, limits):
            return None
        sampler = make_sampler(
            study.asked.sampler, study.space, study.asked.seed, len(trials), study.metric.higher_is_better,
            RUST in study.facts["versions"],
        )  # fmt: skip
        loaded = study.load(sampler)
        trial = loaded.ask()
        sign(study, trial)
        suggested(trial, study.space)
    if trial.number >= enough(study, limits):  # another machine has taken the last one meanwhile
        settle(study, trial, Outcome("failed", why="one more than was asked for"))
        return None
    return trial


def enough(study: Study, limits: Limits) -> int:
    """How many trials the study gets: a grid has no more than its points."""
    return min(limits.trials, grid_size(study.space)) if study.asked.sampler == "grid" else limits.trials


def taken_up(study: Study, loaded: Any, left: Any) -> Any:
    """A trial that was cut off, as this process's own; None if it has been taken up too often."""
    from optuna.trial import Trial

    trial = Trial(loaded, left._trial_id)
    times = left.user_attrs.get(TAKEN, 0) + 1
    if times >= ATTEMPTS:
        why = f"its process ended {times} times without a word, as when memory runs out"
        settle(study, trial, Outcome("failed", why=why))
        return None
    trial.set_user_attr(TAKEN, times)
    sign(study, trial)
    return trial


def key(study: Study, number: int) -> tuple[str, int]:
    """A trial among all that this process may train: where its study is, its name, and the number."""
    place = f"{shown(study.url)} {study.path.name}" if study.url is not None else str(study.path.resolve())
    return place, number


def sign(study: Study, trial: Any) -> None:
    """Write down that this process trains the trial."""
    BUSY.add(key(study, trial.number))
    trial.set_user_attr(OWNER, me())


def settle(study: Study, trial: Any, outcome: Outcome) -> Any:
    """Tell the study how a trial ended."""
    from optuna.trial import TrialState

    if outcome.why:
        trial.set_user_attr(WHY, outcome.why)
    states = {"pruned": TrialState.PRUNED, "failed": TrialState.FAIL, "complete": TrialState.COMPLETE}
    return trial.study.tell(trial, outcome.value, states[outcome.state])


def me() -> dict[str, Any]:
    """This process, so that another can see whether it is still there."""
    return {"host": platform.node(), "pid": os.getpid(), "began": psutil.Process().create_time()}


def is_left(study: Study, trial: Any) -> bool:
    """Whether nobody trains a running trial any more; one of another machine's is left to that machine."""
    owner = trial.user_attrs.get(OWNER)
    if owner is None:
        since = time.time() - (trial.datetime_start.timestamp() if trial.datetime_start else 0.0)
        return study.url is None or since > UNOWNED
    if owner["host"] != platform.node():
        return False
    try:
        process = psutil.Process(owner["pid"])
        is_gone = process.status() == psutil.STATUS_ZOMBIE
        is_other = abs(process.create_time() - owner["began"]) > CLOCKS
    except psutil.NoSuchProcess:
        return True
    if owner["pid"] == os.getpid() and not is_other:
        return key(study, trial.number) not in BUSY
    return is_gone or is_other
