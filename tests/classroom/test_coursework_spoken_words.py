"""The coursework on spoken words: cells, the mark scheme by hand, and the whole of it on tones."""

import dataclasses
import json

import pytest
import torch
from tones import folder

from gradschool.classroom.coursework.frame import Desk, Lost, written
from gradschool.classroom.coursework.spoken_words import cells
from gradschool.classroom.coursework.spoken_words.marks import (
    BY_HAND,
    beats,
    directions,
    level,
    marks,
    strangers,
)
from gradschool.classroom.coursework.spoken_words.record import NETWORKS, PARTS, PIECES, Asked, ask, reach
from gradschool.classroom.coursework.spoken_words.work import QUICK, SpokenWords
from gradschool.data.audio.features import Features
from gradschool.data.audio.open import Wished, open_recordings
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models import catalogue
from gradschool.ops.sequence import recurrent as ops

EACH = ("speaker=_([^_]+)_", "epochs=1", "batch_size=18", 'tested=["s1"]', "evaluations=2")
FEW = tuple(f"{part}.{word}" for part in PARTS for word in EACH)


pytestmark = pytest.mark.timeout(600)  # it trains twelve networks


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    return folder(tmp_path_factory.mktemp("tones") / "words", each=4)


@pytest.fixture(scope="module")
def done(tones, tmp_path_factory):
    out = tmp_path_factory.mktemp("work") / "out"
    out.mkdir()
    work = SpokenWords(data=str(tones), set=FEW, device="cpu")
    return out, work.work(Desk(out, say=lambda text: None))


def answers(accuracy, n=100, classes=10, best=0.7, known=(), part="ten", name="lstm_1"):
    true = torch.arange(n) % classes
    called = torch.where(torch.arange(n) < accuracy * n, true, (true + 1) % classes)
    size = sum(p.numel() for p in catalogue.find(name, "bands")(24, classes).parameters())
    speakers = dict.fromkeys(("ann", "bob"), (1, 50))
    names, baselines = [str(i) for i in range(classes)], {"linear": best, "other": 0.2}
    return Asked(name, part, names, true, called, speakers, known, 24, size, [(1, accuracy)], baselines,
                 [0.1] * PIECES)  # fmt: skip


def all_answers(accuracy, **more):
    return {
        (part, name): answers(accuracy, part=part, name=name, **more) for part in PARTS for name in NETWORKS
    }


def test_the_librarys_cells_are_torchs():
    assert cells.cell_share(cells.lstm, cells.torch_lstm, 4)[0] == 1
    assert cells.cell_share(cells.gru, cells.torch_gru, 3)[0] == 1
    assert cells.stack_share()[0] == 1


def test_wrong_cells_lose_their_points(monkeypatch):
    taught = ops.lstm_cell.taught

    def constant(u, v, c, norm=None):  # values are right, the path of gradients is cut
        return tuple(x.detach() + 0 * u.sum() for x in taught(u, v, c, norm))

    monkeypatch.setattr(ops.lstm_cell, "mine", constant)
    share, told = cells.cell_share(cells.lstm, cells.torch_lstm, 4)
    assert share == 0.5 and "gradients differ" in told
    monkeypatch.setattr(ops.lstm_cell, "mine", lambda u, v, c, norm=None: taught(v, u, c + 1, norm))
    with pytest.raises(Lost, match="states differ from torch's by"):
        cells.cell_share(cells.lstm, cells.torch_lstm, 4)
    share, told = cells.stack_share()
    assert share == 0.5 and "GRU the same" in told

    def broken(*_):
        raise IndexError("no such gate")

    monkeypatch.setattr(ops.gru_cell, "mine", broken)
    with pytest.raises(Lost, match="stops with IndexError: no such gate"):
        cells.cell_share(cells.gru, cells.torch_gru, 3)
    assert cells.stack_share()[0] == 0


def test_marks_lie_between_chance_and_the_best_linear_model():
    assert level(answers(0.1))[0] == 0 and level(answers(0.7))[0] == level(answers(0.9))[0] == 1
    assert level(answers(0.4))[0] == pytest.approx(0.5)
    assert beats([answers(0.6), answers(0.71)])[0] == 1 and beats([answers(0.7)])[0] == 0


def test_speakers_who_were_heard_in_training_lose_the_points():
    assert strangers([answers(0.5)] * 6) == (1.0, "Tested on ann and bob, 100 recordings.")
    with pytest.raises(Lost, match="Heard in training as well: bob"):
        strangers([answers(0.5), answers(0.5, known=("bob",))])
    other = dataclasses.replace(answers(0.5), speakers={"cat": (1, 2)})
    with pytest.raises(Lost, match="different speakers"):
        strangers([answers(0.5), other])


def test_the_scheme_gives_all_points_and_nearly_none():
    best = all_answers(0.9)
    for name in ("bilstm_1", "bigru_2", "bilstm_2"):
        best["ten", name] = answers(0.95, name=name)
    found = marks(best)
    assert sum(mark.points for mark in found) == sum(mark.of for mark in found) == 80
    assert sum(of for *_, of, _ in BY_HAND) == 20 and len({mark.item for mark in found}) == len(found)
    worst = marks(all_answers(0.1, known=("ann",)))
    assert sum(mark.points for mark in worst) == 36  # cells and sizes of the library
    small = all_answers(0.5) | {("ten", "lstm_1"): dataclasses.replace(answers(0.5), parameters=7)}
    assert {mark.item: mark.points for mark in marks(small)}["1.4"] == 5
    assert directions(all_answers(0.5))[0] == 0


@pytest.mark.long
def test_all_figures_and_marks_are_made_on_tones(done, tmp_path):
    out, outcome = done
    points, most = outcome.points
    assert most == 80 and 36 <= points <= 80
    assert {mark.item: mark.points for mark in outcome.marks}["1.4"] == 6
    assert outcome.facts["three"]["lstm_1"]["n"] == 12 and len(outcome.facts["baselines"]["ten"]) == 4
    page = written(outcome, out, "spoken-words").read_text(encoding="utf-8")
    for shown in outcome.shown:
        assert (out / f"{shown.name}.png").stat().st_size > 5000
    assert "Curves without names" in page and "Marked by a person" in page
    assert json.loads((out / "marks.json").read_text())["of"] == 80


@pytest.mark.long
def test_runs_that_are_brought_along_are_marked_and_not_trained_again(done, tones, tmp_path):
    out, outcome = done
    again = SpokenWords(data=str(tones), set=FEW, device="cpu", runs=out).work(
        Desk(tmp_path, say=lambda text: None)
    )
    assert [mark.told for mark in again.marks] == [mark.told for mark in outcome.marks]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="is another run; wanted: gru_2 on rise, stay"):
        ask(RunFolder.open(out / "three-lstm_1"), "gru_2", "three", ("rise", "stay"))
    with pytest.raises(UserError, match="is no folder"):
        SpokenWords(data=str(tones), runs=out / "none").work(Desk(tmp_path))


def test_gradients_of_one_direction_are_largest_at_the_end(tones):
    part = open_recordings(tones, Wished(speaker="_([^_]+)_")).train
    features = Features(part.rate).learnt(part)
    torch.manual_seed(0)
    one, both = (
        reach(catalogue.find(name, "bands")(24, 3), features, part) for name in ("lstm_1", "bilstm_1")
    )
    assert sum(one) == pytest.approx(1, abs=1e-5) == sum(both)
    assert one[-1] == max(one) and one[0] < 0.1 * one[-1] < both[0]


def test_settings_of_a_part_are_its_own():
    work = SpokenWords(quick=True, set=("ten.epochs=2",))
    three, ten = (work.settings(part) for part in PARTS)
    assert (
        three.epochs == QUICK and ten.epochs == 2 and three.words == ("one", "two", "three") and not ten.words
    )
    with pytest.raises(UserError, match=r"--set three.epochs=2 or --set ten.epochs=2"):
        SpokenWords(set=("two.epochs=2",)).settings("ten")
