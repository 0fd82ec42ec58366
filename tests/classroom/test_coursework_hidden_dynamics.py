"""The coursework on hidden units: one command does it; tables and networks, right, wrong and missing."""

import json

import numpy as np
import pytest

from gradschool.classroom.coursework.frame import Lost
from gradschool.classroom.coursework.hidden_dynamics import tables, work
from gradschool.classroom.coursework.hidden_dynamics.marks import BY_HAND, marks
from gradschool.classroom.coursework.hidden_dynamics.work import PARTS, HiddenDynamics
from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.runs.language import formal
from gradschool.scratch.neurons import encoders


def call(*words):
    with pytest.raises(SystemExit) as end:
        main([*map(str, words)])
    return end.value.code


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """All of it, after a few steps of training."""
    place = tmp_path_factory.mktemp("runs") / "dynamics"
    few = [f"--set={name}.steps=30" for name in PARTS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formal, "TESTED", 20)
        patch.setattr(work, "MOST", 500)
        assert call("coursework", "hidden-dynamics", "--quick", "--out", place, *few) == 0
    return place


@pytest.mark.long
def test_one_command_draws_all_figures_and_marks_all_items(done):
    record = json.loads((done / "marks.json").read_text())
    assert record["of"] == 16 and {mark["item"] for mark in record["marks"]} >= {"1.1", "2.1a", "2.5"}
    # The tables that the library hands in are the pictures; networks of a few steps know little.
    by_item = {mark["item"]: mark for mark in record["marks"]}
    assert by_item["1.1"]["points"] == 1 and by_item["1.3"]["points"] == by_item["1.4"]["points"] == 2
    assert len(record["by_hand"]) == len(BY_HAND)
    for name in ("encoder-9-2-9", "pictures", *PARTS, "anbncn-space", "embedded-cells"):
        assert (done / f"{name}.png").stat().st_size > 5000
    page = (done / "report.html").read_text(encoding="utf-8")
    assert "Marked by a person" in page and "the last b" in page


@pytest.mark.long
def test_finished_runs_are_marked_and_not_trained_again(done, tmp_path):
    given = {name: RunFolder.open(done / name).path for name in PARTS}
    words = [word for name, path in given.items() for word in (f"--{name}", path)]
    place = tmp_path / "again"
    command = ("coursework", "hidden-dynamics", "--quick", "--tables", done / "tables", "--out", place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formal, "TESTED", 20)
        patch.setattr(work, "MOST", 500)
        assert call(*command, *words) == 0
    first, again = (json.loads((each / "marks.json").read_text()) for each in (done, place))
    assert first["marks"] == again["marks"] and not (place / "reber").exists()


@pytest.mark.long
def test_another_run_is_refused(done, tmp_path):
    asked = HiddenDynamics(quick=True).asked
    with pytest.raises(UserError, match=r"--anbn .* is another run"):
        asked("anbn", RunFolder.open(done / "reber"))
    assert call("coursework", "hidden-dynamics", "--tables", tmp_path / "no", "--out", tmp_path / "x") == 2


def test_tables_that_are_right_wrong_and_missing(tmp_path):
    place = tables.write(tmp_path / "tables")
    assert set(tables.read(place)) == {"star16", "heart18", "ch34", "own1", "own2"}
    rng = np.random.default_rng(0)
    heart = tables.ours()["heart18"]
    # Dots and lines in another order, and the sides of some lines exchanged: the same picture.
    other = heart[rng.permutation(18)][:, rng.permutation(14)] ^ rng.integers(0, 2, 14)
    np.savetxt(place / "heart18.txt", other, fmt="%d")
    np.savetxt(place / "ch34.txt", tables.ours()["ch34"][:, :-1], fmt="%d")
    wrong = tables.ours()["star16"].copy()
    wrong[0] ^= 1
    np.savetxt(place / "star16.txt", wrong, fmt="%d")
    (place / "own1.txt").write_text("0 1\n2 0\n")
    (place / "own2.txt").write_text("a table")
    handed = tables.read(place)
    assert tables.picture_share(handed, "heart18")[0] == 1
    assert tables.picture_share(handed, "ch34") == (
        0.0,
        "ch34.txt has 34 dots and 22 lines; 34 and 23 were wanted.",
    )
    assert tables.picture_share(handed, "star16")[0] == 0.25
    for name in ("own1", "own2"):
        with pytest.raises(Lost, match=f"{name}.txt is missing"):
            tables.own_share(handed, {}, name)


def test_a_design_of_ones_own_is_new_large_and_can_be_learnt():
    handed = {"star16": encoders.star(8), "own1": encoders.star(8)[::-1], "own2": np.eye(3, dtype=int)}
    good, bad = (encoders.Pictures(np.array(each), *[np.zeros((2, 1))] * 3) for each in ([5, -1], [-1, -1]))
    with pytest.raises(Lost, match="same picture"):
        tables.own_share(handed, {"own1": good}, "own1")
    assert tables.own_share(handed, {"own2": good}, "own2")[0] == 0.5, "three dots are too few"
    handed["own2"] = encoders.star(6)
    assert tables.own_share(handed, {"own2": good}, "own2")[0] == 1
    assert tables.own_share(handed, {"own2": bad}, "own2")[0] == 0.5


def test_networks_are_marked_by_their_errors():
    fine = {name: {"test_error": 0.001, "test_strings": 1.0} for name in PARTS}
    poor = {name: {"test_error": 0.5, "test_strings": 0.49} for name in PARTS}
    handed = tables.ours()
    learnt = {name: encoders.Pictures(np.array([3, 4]), *[np.zeros((2, 1))] * 3) for name in handed}
    best = marks(handed, learnt, fine, {"alike": 1.0, "tested": 300})
    worst = marks({}, {}, poor, {"alike": 0.5, "tested": 300})
    assert sum(mark.points for mark in best) == sum(mark.of for mark in best) == 16
    assert sum(mark.points for mark in worst) == 1.0  # half of the strings are remembered by chance
    halves = {
        name: {"test_error": 0.0055 if name == "reber" else 0.015, "test_strings": 1.0} for name in PARTS
    }
    by_item = {
        mark.item: mark.points for mark in marks(handed, learnt, halves, {"alike": 0.9, "tested": 300})
    }
    assert by_item["2.1"] == by_item["2.2"] == by_item["2.3"] == 0.5 and by_item["2.4"] == 1
    assert by_item["2.1a"] == 0.8
