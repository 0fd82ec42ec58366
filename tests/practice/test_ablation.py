"""The rungs of the coursework's ladder: one baseline, and changes of one thing each."""

from dataclasses import fields

import pytest

from gradschool.practice.ladder import climb, rungs
from gradschool.runs.settings import override

CHANGED = {
    "baseline": set(),
    "schedule": {"schedule", "warmup"},
    "weight decay": {"weight_decay", "optimizer"},  # AdamW is Adam but for how it decays
    "augmentation": {"augment"},
    "batch norm and depth": {"model"},
    "label smoothing": {"label_smoothing"},
    "averaged weights": {"ema"},
    "flip at test": {"flip_test"},
}


def test_every_rung_changes_one_thing():
    runs = rungs("somewhere")
    start = runs["baseline"]
    for name, changed in CHANGED.items():
        found = {f.name for f in fields(start) if getattr(start, f.name) != getattr(runs[name], f.name)}
        assert found == changed, name
    assert list(runs) == [*CHANGED, "all of them"]
    assert all(run.data == "somewhere" for run in runs.values())


def test_the_last_rung_has_every_change_of_training():
    last, start = rungs()["all of them"], rungs()["baseline"]
    assert last.schedule != start.schedule and last.weight_decay and last.label_smoothing and last.flip_test
    assert last.augment != start.augment and last.model is not start.model


@pytest.mark.long
def test_climbing_trains_every_rung_with_every_seed(tmp_path):
    small = ("epochs=1", "data=digits", "sizes=[]", "test_size=null", "threads=1")
    start = override(rungs()["baseline"], small, "ladder")
    rows = list(climb({"baseline": start, "again": start}, 2, tmp_path))
    assert [row.name for row in rows] == ["baseline", "again"]
    assert rows[0].test == rows[1].test and len(rows[0].test) == 2  # the same settings and seeds
    assert 0 <= rows[0].mean <= 1 and rows[0].spread >= 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again-0", "again-1", "baseline-0", "baseline-1"]
