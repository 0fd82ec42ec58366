"""Checkpoints are whole or not there; a damaged one is refused and the one before it is named."""

import errno
import json

import pytest
import torch

from gradschool.engine import checkpoint
from gradschool.engine.checkpoint import Checkpoints
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed

TENSORS = {"model": {"w": torch.arange(6.0).view(2, 3), "n": torch.tensor(3)}}


def saved(tmp_path, steps=(1, 2, 3)) -> Checkpoints:
    kept = Checkpoints(tmp_path / "checkpoints")
    for step in steps:
        kept.save(step, TENSORS, {"step": step}, best=step == 1)
    return kept


def test_what_is_saved_is_loaded(tmp_path):
    tensors, state = saved(tmp_path).load("last")
    torch.testing.assert_close(tensors["model"], TENSORS["model"], rtol=0, atol=0)
    assert state == {"step": 3}


def test_the_last_two_and_the_best_are_kept(tmp_path):
    kept = saved(tmp_path, range(1, 8))
    assert kept.index() == {
        "all": ["step-00000001", "step-00000006", "step-00000007"],
        "best": "step-00000001",
    }
    assert sorted(p.name for p in kept.folder.glob("step-*")) == kept.index()["all"]


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "sums"])
def test_a_damaged_checkpoint_is_refused_and_the_previous_offered(tmp_path, damage):
    kept = saved(tmp_path)
    file = kept.find() / ("checksums.json" if damage == "sums" else "model.safetensors")
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[-1] ^= 1
        file.write_bytes(content)
    elif damage in ("cut", "sums"):
        file.write_bytes(content[: len(content) // 2])
    else:
        file.unlink()
    with pytest.raises(UserError, match=r"step-00000003 is damaged.*--checkpoint step-00000002"):
        kept.load("last")
    assert kept.load("step-00000002")[1] == {"step": 2}


def test_a_full_disk_is_a_sentence_and_leaves_the_old_checkpoints(tmp_path, monkeypatch):
    kept = saved(tmp_path)

    def full(file, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "write_whole", full)
    with pytest.raises(WorkFailed, match=r"disk of .* is full"):
        kept.save(4, TENSORS, {})
    monkeypatch.undo()
    assert kept.load("last")[1] == {"step": 3}
    assert not list(kept.folder.glob(".new*"))


def test_an_unwritable_place_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("I am not a folder")
    with pytest.raises(UserError, match=r"cannot be written.*--out"):
        RunFolder.create("t", tmp_path / "file" / "run")


def test_a_broken_index_is_rebuilt_from_the_folders(tmp_path):
    kept = saved(tmp_path)
    (kept.folder / "index.json").write_text('{"all": [')
    assert kept.load("last")[1] == {"step": 3}


def test_runs_are_numbered_and_never_overwritten(tmp_path):
    paths = [RunFolder.create("digits", root=tmp_path).path.name for _ in range(3)]
    assert paths == ["digits-0001", "digits-0002", "digits-0003"]
    out = tmp_path / "mine"
    RunFolder.create("digits", out).write("config.json", {})
    with pytest.raises(UserError, match="already holds a run"):
        RunFolder.create("digits", out)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is not a run"):
        RunFolder.open(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="not readable"):
        RunFolder.open(tmp_path).read("config.json")


def test_no_pickle_is_written(tmp_path):
    folder = saved(tmp_path).find()
    assert {file.suffix for file in folder.iterdir()} == {".safetensors", ".json"}
    json.loads((folder / "state.json").read_text())
