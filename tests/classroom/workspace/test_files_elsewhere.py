"""A file is judged, not another of its name; a watcher outlives the files under it."""

import os
import sys
import tempfile

import pytest

from gradschool.classroom.check.client import LONGEST, own_place
from gradschool.classroom.exercise.manifest import find_chapter, find_exercise
from gradschool.classroom.exercise.moved import name_now
from gradschool.classroom.workspace import progress
from gradschool.classroom.workspace.layout import Workspace, start, text_for
from gradschool.classroom.workspace.progress import located, named, wanted
from gradschool.cli.learn import check as checking
from gradschool.cli.main import main
from gradschool.errors import UserError

NAME = "perceptron-update"
PAIR = find_exercise(NAME)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the forked server runs on Linux")


@pytest.fixture
def work(tmp_path):
    """A workspace in which the exercise is solved, and a broken file of its name elsewhere."""
    work = Workspace(tmp_path / "work")
    start(find_chapter("neurons"), work)
    work.file(*PAIR).write_text(text_for(*PAIR, solved=True))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "perceptron_update.py").write_text("broken(")
    return work


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    told = capsys.readouterr()
    return left.value.code, told.out + told.err


def test_the_named_file_is_judged_and_not_recorded(work, tmp_path, capsys):
    other = tmp_path / "elsewhere" / "perceptron_update.py"
    code, told = call(capsys, "check", other, "--dir", work.root)
    assert code == 1 and "syntax" in told and "lies outside" in told
    assert not progress.read(work)["exercises"]
    mine = work.file(*PAIR)
    code, told = call(capsys, "check", mine, "--dir", work.root)
    assert code == 0 and "pass" in told
    assert progress.read(work)["exercises"][NAME]["last"] == "pass"


def test_a_renamed_file_says_in_its_first_line_whose_it_is(work, tmp_path):
    renamed = work.file(*PAIR).with_name("my_first.py")
    renamed.write_text(text_for(*PAIR))
    _, exercise, file = located(work, str(renamed))
    assert (exercise.id, file) == (NAME, renamed)
    (tmp_path / "other.py").write_text("x = 1")
    with pytest.raises(UserError, match="does not say whose file it is"):
        located(work, str(tmp_path / "other.py"))


def test_names_files_and_folders_of_the_workspace_mean_the_workspace(work, monkeypatch):
    mine = work.file(*PAIR)
    for name in (
        NAME,
        "perceptron_update",
        "perceptron_update.py",
        str(mine),
        "01-neurons/perceptron_update.py",
    ):
        assert located(work, name) == (*PAIR, mine), name
    monkeypatch.chdir(mine.parent)
    assert located(work, "perceptron_update.py") == (*PAIR, mine)
    chapter = find_chapter("neurons")
    for name in ("neurons", "1", "01-neurons", str(work.root / "01-neurons"), f"{work.root}/01-neurons/"):
        assert [one[1].id for one in named(work, [name])] == [each.id for each in chapter.exercises]


def test_no_other_command_takes_a_file_from_elsewhere_for_the_work(work, tmp_path, capsys):
    other, mine = tmp_path / "elsewhere" / "perceptron_update.py", work.file(*PAIR)
    before = mine.read_bytes()
    for command in ("reset", "diff", "hint"):
        code, told = call(capsys, command, other, "--dir", work.root)
        assert code == 2 and "is not in" in told, told
    code, told = call(capsys, "check", tmp_path / "nowhere" / "perceptron_update.py", "--dir", work.root)
    assert code == 2 and "there is no file" in told
    assert mine.read_bytes() == before
    assert wanted(work, NAME) == PAIR


def test_a_watcher_waits_for_a_file_that_is_gone(work, monkeypatch, capsys):
    mine, judged = work.file(*PAIR), []
    real = checking.check_all
    monkeypatch.setattr(checking, "check_all", lambda *a, **k: judged.append(1) or real(*a, **k))

    def saves(*folders, **how):
        text = mine.read_text()
        mine.rename(mine.with_name("old.py"))
        yield {(3, str(mine))}
        mine.mkdir()  # an editor's folder in its place
        yield {(1, str(mine))}
        mine.rmdir()
        mine.write_text(text)
        yield {(1, str(mine))}

    monkeypatch.setattr("watchfiles.watch", saves)
    checking.watch(work, named(work, [NAME]))
    told = capsys.readouterr().out
    assert told.count("is gone. It is checked again when it is back.") == 2
    assert len(judged) == 3 and "pass" in told


def test_work_of_an_earlier_version_finds_modules_that_moved(work, capsys):
    now, before = "gradschool.scratch.neurons.perceptron", "gradschool.scratch.perceptron"
    assert name_now(before) == name_now(now) == now
    for other in ("gradschool.scratch.nothing", "gradschool.ops", "numpy.linalg", "gradschool.ops.conv"):
        assert name_now(other) == other
    mine = work.file(*PAIR)
    mine.write_text(mine.read_text().replace(now, before))
    assert f"from {before} import" in mine.read_text()
    code, told = call(capsys, "check", NAME, "--dir", work.root)
    assert code == 0 and "pass" in told


@pytest.mark.parametrize("runtime", ["short", "long", ""])
def test_a_long_folder_for_temporary_files_gives_the_server_another_place(tmp_path, monkeypatch, runtime):
    long = tmp_path / "scratch_slurm_job" / ("x" * 100)
    long.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        monkeypatch.setenv("XDG_RUNTIME_DIR", {"short": short, "long": str(long)}.get(runtime, "/nowhere"))
        place = own_place()
        assert len(os.fsencode(place.parent)) <= LONGEST
        assert str(place.parent.parent) == (short if runtime == "short" else "/tmp")
