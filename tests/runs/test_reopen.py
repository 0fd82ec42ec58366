"""A run is taken up as it was: its data, its machine, its precision; and what cannot be taken up says so."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.cli.main import main
from gradschool.data.examples import as_it_was, inventory
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
    place = pictures(tmp_path / "pets")
    run = replace(find("digits")(), data=str(place), image_size=8, val=0.0, save_every=0.0, evaluations=2)
    return run, train(run, ask("digits", steps=2, out=tmp_path / "run"), silent)


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


def names_of_test(run, folder) -> set[str]:
    return set(splits_again(run, folder).test.names)


def test_a_report_keeps_the_runs_own_parts_when_the_folder_has_grown(trained, capsys):
    """Cut anew, the larger folder would put former training pictures into the test part."""
    run, folder = trained
    known = folder.read("data.json")["parts"]
    pictures(folder.path.parent / "pets", 30, ("cat", "dog", "emu"))  # the old ones as they were
    again = splits_again(run, folder)
    assert {name: list(part.names) for name, part in again.parts.items()} == {
        name: list(part["examples"]) for name, part in known.items()
    }
    assert again.train.classes == ("cat", "dog") and set(again.test.labels.tolist()) == {0, 1}
    said = capsys.readouterr().out
    assert "74 new (first: " in said and "part is not what the run had" in said
    assert "74 new (first: " in run.report(folder).read_text()
    (folder.path / "result.json").unlink()
    with pytest.raises(UserError, match=r"cannot go on.*74 new"):
        resume(folder, *reopen(folder), say=silent)


def test_what_has_other_content_is_left_out_and_a_lost_test_part_is_refused(trained):
    run, folder = trained
    place, lost = folder.path.parent / "pets", sorted(names_of_test(run, folder))
    (place / lost[0]).write_bytes((place / next(iter(splits_again(run, folder).train.names))).read_bytes())
    assert names_of_test(run, folder) == set(lost[1:])
    for name in lost:
        (place / name).unlink()
    with pytest.raises(UserError, match=r"nothing of its test part is left.*--data PATH"):
        splits_again(run, folder)


def test_examples_without_names_are_refused_where_there_are_more(tmp_path):
    stack = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "stack.npy", stack)
    run = replace(find("vae_digits")(), data=str(tmp_path / "stack.npy"))
    before = inventory(run.open(0))
    np.save(tmp_path / "stack.npy", stack + np.uint8(1))
    other = as_it_was(run.open(0), before, None)
    assert "other content" in other.notes[-1]
    np.save(tmp_path / "stack.npy", np.concatenate([stack, stack]))
    with pytest.raises(UserError, match="not what the run had"):
        as_it_was(run.open(0), before, None)


def test_data_that_have_moved_are_asked_for_and_found(trained, cut_short):
    run, folder = trained
    cut = RunFolder(cut_short(folder))
    place, new = folder.path.parent / "pets", folder.path.parent / "elsewhere"
    place.rename(new)
    with pytest.raises(UserError, match=r"no data set or folder '.*pets' any more.*report .* --data PATH"):
        run.report(folder)
    assert run.report(folder, data=str(new)).is_file()
    with pytest.raises(UserError, match=r"train --resume .* --data PATH"):
        resume(cut, *reopen(cut), say=silent)
    with pytest.raises(SystemExit) as left:
        main(["train", "--resume", str(cut.path), "--data", str(new), "--no-report"])
    assert left.value.code == 0 and cut.read("config.json")["settings"]["data"] == str(new)
    assert str(new) in cut.read("config.json")["command"] and cut.read("result.json")


def test_the_share_of_the_largest_class_stands_beside_the_accuracy(tmp_path):
    place = pictures(pictures(tmp_path / "pets", 40, ("many",)), 5, ("few",))
    run = replace(find("digits")(), data=str(place), image_size=8, val=0.0)
    folder = train(run, ask("digits", steps=1, out=tmp_path / "run"), silent)
    result = folder.read("result.json")
    assert result["baseline"] == {"class": "many", "share": 8 / 9}
    line = run.conclusion(result | {"metrics": {"test_accuracy": 1.0}}, "")
    assert line.endswith("\n baseline 88.9 % are many, the largest class")
    poor = run.conclusion(result | {"metrics": {"test_accuracy": 8 / 9}}, "")
    assert "always answering it is as good" in poor and "balance=true" in poor
    assert "88.9 % are many, the largest class" in run.report(folder).read_text()


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
