"""A run is taken up as it was: its data, its machine, its precision; and what cannot be taken up says so."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.data.rows import Rows, in_order
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.recipes import ask, find
from gradschool.runs.config import absolute
from gradschool.runs.reopen import machine_of, reopen, splits_again
from gradschool.runs.request import silent
from gradschool.runs.train import resume, train


def pictures(place, n=8, names=("cat", "dog")):
    for i, name in enumerate(names):
        (place / name).mkdir(parents=True, exist_ok=True)
        for k in range(n):
            pixels = np.random.default_rng(10 * i + k).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(place / name / f"{k}.png")
    return place


@pytest.fixture
def trained(tmp_path):
    run = replace(find("folder")(), data=str(pictures(tmp_path / "pets")), image_size=16, val=0.0, sizes=())
    return run, train(run, ask("folder", steps=1, out=tmp_path / "run"), silent)


def test_data_that_are_what_they_were_need_no_word(trained):
    run, folder = trained
    held = folder.read("data.json")["parts"]
    assert (
        held["train"]["count"] + held["test"]["count"] == 16 == sum(len(p["examples"]) for p in held.values())
    )
    assert not [note for note in splits_again(run, folder).notes if "not what the run had" in note]


def test_data_that_have_changed_are_named_in_the_report_and_refused_by_resume(trained):
    run, folder = trained
    place = folder.path.parent / "pets"
    known = folder.read("data.json")["parts"]["train"]["examples"]
    lost = next(iter(known))
    next(file for file in place.rglob("*.png") if lost.endswith(f"{file.parent.name}/{file.name}")).unlink()
    told = " ".join(splits_again(run, folder).notes)
    assert "not what the run had" in told and "gone" in told
    assert "not what the run had" in run.report(folder).read_text()
    (folder.path / "result.json").unlink()
    with pytest.raises(UserError, match=r"cannot go on.*not what the run had"):
        resume(folder, *reopen(folder), say=silent)


def test_a_run_that_trains_itself_is_not_resumed(tmp_path):
    folder = find("perceptron")().begin(ask("perceptron", seed=3, out=tmp_path / "run"))
    with pytest.raises(UserError, match=r"a perceptron, which cannot be resumed.*train perceptron --seed 3"):
        resume(folder, *reopen(folder), say=silent)


def test_a_folder_with_the_name_of_a_set_does_not_take_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("digits", "pets"):
        (tmp_path / name).mkdir()
    assert absolute("digits") == "digits" and absolute("pets") == str(tmp_path / "pets")
    assert absolute("./digits") == str(tmp_path / "digits")


def test_on_another_machine_the_precision_that_was_asked_for_stays(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write("environment.json", {"device": "cuda:7"})
    folder.write("config.json", {"settings": {"precision": "fp32", "shard": True}})
    machine = machine_of(folder)
    assert (machine.precision, machine.channels_last) == ("fp32", False)


@pytest.mark.parametrize(
    ("n", "size", "share", "told"),
    [
        (9, 0, (0, 1), "batch_size is 0"),
        (9, 3, (0, 2), "batch_size is 3.*a multiple of 2"),
        (1, 4, (1, 2), "rank 1 of 2 processes for 1 examples"),
    ],
)
def test_rows_that_do_not_divide_are_refused(n, size, share, told):
    with pytest.raises(UserError, match=told):
        Rows((torch.zeros(n, 2),), size, 0, share)


def test_rows_come_in_order_once():
    found = list(in_order((torch.arange(7), torch.arange(7) * 2), 3))
    assert [x.tolist() for x, _ in found] == [[0, 1, 2], [3, 4, 5], [6]]
    assert all(torch.equal(y, 2 * x) for x, y in found)
