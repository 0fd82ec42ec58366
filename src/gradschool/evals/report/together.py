"""The sections of a report about several runs as one: members with their weights, and folds."""

from statistics import mean, stdev
from typing import Any

from gradschool.evals.metric import metric_of
from gradschool.evals.report import html
from gradschool.evals.report.html import Section
from gradschool.evals.report.material import Material


def members(m: Material[Any]) -> Section | None:
    """Each member with its weight and its scores, beside the plain mean and the ensemble."""
    found = m.result.get("members")
    if not found:
        return None
    rows = [(each["name"], f"{each['weight']:.3f}", *scores(m, each)) for each in found]
    rows += [("plain mean of all", "", *scores(m, m.result["plain_mean"]))]
    rows += [("this ensemble", "", *scores(m, m.result["metrics"]))]
    head = ("member", "weight", "test error, %", "log-loss, nats")
    told = [html.paragraph(f"{head}: {text}" if head else text) for head, text in m.result.get("told", [])]
    table = html.table(head, rows, "Members, and what they are together")
    reading = (
        "Of a stack the weight is the share of a member in the size of its coefficients. Members that make "
        "different mistakes gain more from standing together than good members that make the same."
    )
    return Section("Members", reading, html.join([*told, table]))


def folds(m: Material[Any]) -> Section | None:
    """The scores of each fold, their mean and their spread."""
    found = m.result.get("folds")
    if not found:
        return None
    names = [name for name in found[0] if name not in ("fold", "seconds")]
    rows = [(str(each["fold"]), *(shown(m, name, each[name]) for name in names)) for each in found]
    columns = [[each[name] for each in found] for name in names]
    rows += [("mean", *(shown(m, *pair) for pair in zip(names, map(mean, columns), strict=True)))]
    if len(found) > 1:
        spreads = zip(names, map(stdev, columns), strict=True)
        rows += [("standard deviation", *(shown(m, *pair) for pair in spreads))]
    table = html.table(("fold", *(name.replace("_", " ") for name in names)), rows, "Scores of each fold")
    reading = (
        "Every fold is the validation part of one run, which was trained on all others. The test part is the "
        "same for all."
    )
    return Section("Folds", reading, table)


def scores(m: Material[Any], values: dict[str, Any]) -> tuple[str, str]:
    """Test error and log-loss for a table."""
    return f"{100 * (1 - values['test_accuracy']):.2f}", f"{values['test_loss']:.4f}"


def shown(m: Material[Any], name: str, value: float) -> str:
    """A score for people."""
    return metric_of(m.result, name).shown(value)
