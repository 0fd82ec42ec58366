"""One trial: a run of the recipe with the values that were drawn, in a folder of its own.

A trial that was cut off goes on from its last checkpoint. Its value is the validation score of the weights
that it ends with: the last, or the best where the recipe keeps the best.
"""

import gc
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from gradschool.engine.log import Hook
from gradschool.engine.run import RunFolder
from gradschool.errors import Interrupted, UserError, WorkFailed
from gradschool.phrases import raised
from gradschool.practice.search.space import Dimension
from gradschool.practice.search.study import Study
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, silent
from gradschool.runs.run import Run
from gradschool.runs.settings import override
from gradschool.runs.train import resume, train

PRUNED = "pruned by the search"


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Args:
        state: how.
        value: the validation score, of a trial that went to its end.
        why: the sentence of one that failed.
    """

    state: Literal["complete", "pruned", "failed"]
    value: float | None = None
    why: str = ""


class Watch:
    """Reports every validation score to the study, and knows whether the trial should end.

    It is a hook, so it only observes; the loop asks `verdict` whether to go on.

    Args:
        trial: as Optuna has it.
        scored: the name of the score.
        folder: of the run; earlier scores are counted there when a trial goes on.
    """

    def __init__(self, trial: Any, scored: str, folder: RunFolder) -> None:
        self.trial, self.scored, self.folder = trial, scored, folder
        self.count, self.why = -1, ""

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Take a line of the journal; those without the score are left alone."""
        if self.scored not in line:
            return
        if self.count < 0:
            before = (each for each in self.folder.metrics() if each.get("step", 0) < line["step"])
            self.count = sum(self.scored in each for each in before)
        self.count += 1
        self.trial.report(line[self.scored], self.count)
        if self.trial.should_prune():
            self.why = f"{PRUNED} after evaluation {self.count}"

    def verdict(self) -> str:
        """Why the run should end here; "" to go on."""
        return self.why


def suggested(trial: Any, space: tuple[Dimension, ...]) -> list[str]:
    """The values of a trial as words of the form key=value; those that were not drawn yet are drawn."""
    return [each.assignment(suggest(trial, each)) for each in space]


def suggest(trial: Any, dimension: Dimension) -> Any:
    """The value of one setting."""
    found = dimension.distribution()
    if dimension.choices:
        return trial.suggest_categorical(dimension.name, found.choices)
    draw = trial.suggest_int if dimension.whole else trial.suggest_float
    return draw(dimension.name, found.low, found.high, step=found.step, log=found.log)


def run_trial(study: Study, trial: Any) -> Outcome:
    """Train a trial to its end, or from where it was cut off.

    Raises:
        Interrupted: the search was asked to stop; the trial's last step is saved.
    """
    place = study.place(trial.number)
    watch = Watch(trial, study.scored, RunFolder(place))
    is_pruning = study.asked.pruner != "none"
    try:
        run = override(study.run, suggested(trial, study.space), study.asked.recipe)
        request = replace(study.request(trial.number), halt=watch.verdict if is_pruning else None)
        trained(run, request, [watch] if is_pruning else [])
        return outcome_of(study, RunFolder(place))
    except Interrupted:
        raise
    except UserError as error:
        return Outcome("failed", why=str(error))
    except Exception as error:  # whatever a network of unusual settings does: the search goes on
        return Outcome("failed", why=raised(error))
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def trained(run: Any, request: Request, hooks: list[Hook]) -> None:
    """Train from the start, or go on from the last checkpoint where there is one."""
    assert request.out is not None, "every trial has a place"
    folder = RunFolder(request.out)
    if folder.read("result.json"):
        return
    if isinstance(run, Run) and folder.checkpoints.index()["all"]:
        again, before = reopen(folder)
        resume(folder, again, replace(before, halt=request.halt), silent, hooks)
        return
    if folder.path.exists():
        shutil.rmtree(folder.path)
    train(run, request, silent, hooks)


def outcome_of(study: Study, folder: RunFolder) -> Outcome:
    """What a finished run folder says.

    Raises:
        WorkFailed: it has no validation score.
    """
    result = folder.read("result.json")
    if str(result.get("stopped", "")).startswith(PRUNED):
        return Outcome("pruned")
    values = [line[study.scored] for line in folder.metrics() if study.scored in line]
    if not values and study.scored in result["metrics"]:
        values = [result["metrics"][study.scored]]
    if not values:
        what = f"{folder.path} has no {study.scored}"
        raise WorkFailed(what, "a validation score", "Add --set val=0.1.")
    is_best = getattr(study.run, "keep", "last") == "best"
    return Outcome("complete", study.metric.best(values) if is_best else values[-1])
