"""The cache of decoded images: whole or not there, whoever writes at once, whatever the disk does."""

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gradschool.data import cache
from gradschool.data.cache import cache_folder, mapped, remembered
from gradschool.errors import WorkFailed


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


def counted(calls: list[int]):
    def build(room):
        calls.append(1)
        pixels = room("x", (5, 2))
        pixels[:] = 7
        return {"x": pixels, "y": np.arange(3)}

    return build


def test_an_entry_is_built_once_and_mapped_after():
    calls: list[int] = []
    for _ in range(3):
        found = remembered("toy", counted(calls))
        assert isinstance(found["x"], np.memmap)
        assert (found["x"] == 7).all() and found["y"].tolist() == [0, 1, 2]
    assert len(calls) == 1


@pytest.mark.parametrize("harm", ["cut", "emptied", "gone", "unfinished"])
def test_a_damaged_entry_is_made_again(harm):
    calls: list[int] = []
    remembered("toy", counted(calls))
    file = cache_folder() / "decoded" / "toy" / "x.npy"
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-3])
    elif harm == "emptied":
        file.write_bytes(b"")
    elif harm == "gone":
        file.unlink()
    else:
        (file.parent / "whole").unlink()
    assert mapped(file.parent) is None
    assert (remembered("toy", counted(calls))["x"] == 7).all() and len(calls) == 2


def test_a_build_that_fails_leaves_nothing_and_what_a_killed_one_left_is_cleared():
    def fails(room):
        room("x", (5, 2))
        raise KeyError("no")

    with pytest.raises(KeyError):
        remembered("toy", fails)
    folder = cache_folder() / "decoded"
    (folder / ".toy.99999").mkdir()
    remembered("toy", counted([]))
    assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == ["toy"]


def test_several_processes_at_once_build_it_once(tmp_path):
    script = f"""
import os, time, numpy as np
from gradschool.data.cache import remembered
def build(room):
    open(os.path.join({str(tmp_path)!r}, f"built-{{os.getpid()}}"), "w").close()
    time.sleep(0.5)
    return {{"x": np.arange(4)}}
assert remembered("shared", build)["x"].tolist() == [0, 1, 2, 3]
"""
    words = [sys.executable, "-c", script]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: subprocess.run(words, env=os.environ), range(3)))
    assert [d.returncode for d in done] == [0, 0, 0]
    assert len(list(tmp_path.glob("built-*"))) == 1


def test_a_full_disk_is_a_sentence(monkeypatch):
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda path: Full)
    with pytest.raises(WorkFailed, match=r"the disk of .*cache is full.*GRADSCHOOL_CACHE to another disk"):
        remembered("toy", counted([]))


class Full:
    free = 0


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch, number):
    def refuses(*args, **options):
        raise OSError(number, "no")

    monkeypatch.setattr(cache.Path, "mkdir", refuses)
    calls: list[int] = []
    assert (remembered("toy", counted(calls))["x"] == 7).all()
    assert (remembered("toy", counted(calls))["x"] == 7).all()
    assert len(calls) == 2


def test_a_file_where_the_cache_should_be_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "file"))
    assert (remembered("toy", counted([]))["x"] == 7).all()
