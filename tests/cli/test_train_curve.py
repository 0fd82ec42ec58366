"""The row of small bars behind a finished run's accuracy."""

import json

import pytest

from gradschool.cli.runs.train import curve
from gradschool.engine.run import RunFolder


def folder_with(path, accuracies) -> RunFolder:
    lines = [{"step": i, "test_accuracy": a} for i, a in enumerate(accuracies)] + [{"step": 9, "loss": 0.1}]
    (path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return RunFolder(path)


class Out:
    def __init__(self, encoding: str) -> None:
        self.encoding = encoding


@pytest.mark.parametrize(
    ("accuracies", "bars"),
    [
        ([0.1, 0.5, 0.9, 0.9], "▁▅██  "),
        ([0.5, 0.5, 0.5], "▁▁▁  "),
        ([0.2, 0.9], ""),
        ([i / 100 for i in range(100)], "▁▁▂▂▂▃▃▄▄▄▅▅▅▆▆▇▇▇██  "),
    ],
)
def test_bars_go_from_the_lowest_to_the_highest(tmp_path, monkeypatch, accuracies, bars):
    monkeypatch.setattr("sys.stdout", Out("utf-8"))
    assert curve(folder_with(tmp_path, accuracies), "accuracy") == bars


def test_a_terminal_that_cannot_draw_them_gets_none(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdout", Out("cp1252"))
    assert curve(folder_with(tmp_path, [0.1, 0.5, 0.9]), "accuracy") == ""
