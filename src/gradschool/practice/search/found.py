"""What a study has found: its trials as rows, the best one, and how much each setting matters."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradschool.engine.run import RunFolder
from gradschool.evals.metric import metric_of
from gradschool.practice.search.study import Study
from gradschool.practice.search.work import SECONDS, WHY

STATES = {
    "COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting",
}  # fmt: skip
FEWEST = 4  # finished trials from which on the importance of settings says something
TREES = 64  # of the forest behind it


@dataclass(frozen=True)
class Row:
    """One trial.

    Args:
        number: from 0.
        state: done, pruned, failed or running.
        value: its validation score; of a pruned one the last; None for none.
        params: the values that were drawn, by setting.
        seconds: that it took; None while it runs.
        why: the sentence of one that failed.
        run: its folder.
    """

    number: int
    state: str
    value: float | None
    params: dict[str, Any]
    seconds: float | None
    why: str
    run: Path

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"trial": self.number, "state": self.state, "value": self.value, "params": self.params,
                "seconds": self.seconds, "why": self.why, "run": self.run}  # fmt: skip


@dataclass(frozen=True)
class Best:
    """The best trial, and what only it is asked for: its score on the test part.

    Args:
        row: the trial.
        test: its numbers on the test part by name; {} where its folder is on another machine.
        shown: the test score for people; "" for none.
        command: what trains it again.
    """

    row: Row
    test: dict[str, float]
    shown: str
    command: str


def row_of(study: Study, trial: Any) -> Row:
    """A trial as a row."""
    attrs = trial.user_attrs
    return Row(trial.number, STATES[trial.state.name], trial.value, dict(trial.params), attrs.get(SECONDS),
               attrs.get(WHY, ""), study.place(trial.number))  # fmt: skip


def rows(study: Study) -> list[Row]:
    """All trials by number."""
    return [row_of(study, trial) for trial in study.load().get_trials(deepcopy=False)]


def best_of(study: Study, found: list[Row]) -> Best | None:
    """The best of the trials that went to their end; of equal ones the first; None where there is none."""
    done = [row for row in found if row.state == "done" and row.value is not None]
    if not done:
        return None
    best = study.metric.best([row.value for row in done if row.value is not None])
    row = next(row for row in done if row.value == best)
    folder = RunFolder(row.run)
    result, config = folder.read("result.json"), folder.read("config.json")
    scores = {name: value for name, value in result.get("metrics", {}).items() if name.startswith("test_")}
    main = result.get("main", "")
    shown = metric_of(result, main).shown(scores[main]) if main in scores else ""
    return Best(row, scores, shown, config.get("command", ""))


def so_far(study: Study, found: list[Row]) -> list[tuple[int, float]]:
    """(trials finished, best score of the complete ones among them), by the order of their numbers."""
    points, best = [], None
    for count, row in enumerate(found, 1):
        if row.state == "done" and row.value is not None:
            best = row.value if best is None else study.metric.best([best, row.value])
        if best is not None:
            points.append((count, best))
    return points


def importance(study: Study) -> dict[str, float]:
    """The share of the score's variance that each setting explains (fANOVA); {} where too little is known.

    Source: Hutter et al. 2014.
    """
    import optuna.importance

    loaded = study.load()
    done = [each for each in loaded.get_trials(deepcopy=False) if each.state.name == "COMPLETE"]
    different = [each.name for each in study.space if len({str(t.params[each.name]) for t in done}) > 1]
    if len(done) < FEWEST or len(different) < 2 or len({t.value for t in done}) < 2:
        return {}
    judge = optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=study.asked.seed % 2**32)
    return optuna.importance.get_param_importances(loaded, evaluator=judge, params=different)


def in_words(study: Study, row: Row, best: Row | None) -> str:
    """A finished trial as a line for the terminal."""
    reached = study.metric.shown(row.value) if row.value is not None and row.state != "failed" else ""
    state = {"done": "", "pruned": " pruned", "failed": f"failed: {row.why}"}.get(row.state, row.state)
    values = " ".join(f"{name}={valued(value)}" for name, value in row.params.items())
    took = f"{row.seconds:.1f} s" if row.seconds is not None else ""
    mark = " *" if best is not None and best.number == row.number else "  "
    return f" trial {row.number:<3}{mark} {reached:>9}{state}  {values}  {took}".rstrip()


def valued(value: Any) -> str:
    """A value as people write it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def again(best: Best) -> str:
    """The command that trains the best trial again, with the bare name; its words are quoted."""
    return shlex.join(shlex.split(best.command))
