"""The learner's folder: nothing of theirs is ever lost, and what runs is what it is said to be."""

import hashlib
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.classroom.check.report import Result
from gradschool.classroom.exercise.manifest import find_chapter, find_exercise
from gradschool.classroom.workspace import layout, overlay, progress
from gradschool.classroom.workspace.layout import Workspace, diff, find_workspace, reset, start, text_for
from gradschool.classroom.workspace.merge import merge3
from gradschool.errors import UserError
from gradschool.ops.conv import conv2d

CHAPTER, EXERCISE = find_exercise("perceptron-update")
LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=8).map("".join)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "work")


@pytest.fixture
def file(workspace):
    start(CHAPTER, workspace)
    return workspace.file(CHAPTER, EXERCISE)


def test_start_again_overwrites_nothing(workspace, file):
    file.write_text("mine = 1\n")
    assert [laid.state for laid in start(CHAPTER, workspace)] == ["kept"] * len(CHAPTER.exercises)
    assert file.read_text() == "mine = 1\n"


def test_reset_keeps_what_stood_there_even_twice_in_a_second(workspace, file):
    saved = []
    for text in ("first\n", "second\n"):
        file.write_text(text)
        saved.append(reset(CHAPTER, EXERCISE, workspace).read_text())
    assert saved == ["first\n", "second\n"]
    assert file.read_text() == text_for(CHAPTER, EXERCISE)


def test_diff_is_against_the_blank(workspace, file):
    assert not diff(CHAPTER, EXERCISE, workspace)
    file.write_text(file.read_text().replace("raise NotAttempted", "return w"))
    changed = [line for line in diff(CHAPTER, EXERCISE, workspace).splitlines() if line[0] in "+-"]
    assert [line.strip() for line in changed[2:]] == ["-    raise NotAttempted", "+    return w"]


def test_new_version_carries_work_over(workspace, file, monkeypatch):
    file.write_text(file.read_text().replace("raise NotAttempted", "return w"))
    old = text_for(CHAPTER, EXERCISE)
    monkeypatch.setattr(
        layout, "text_for", lambda *a, **k: old.replace("one point, (d,),", "one point of d numbers,")
    )
    (laid,) = [one for one in start(CHAPTER, workspace) if one.exercise == EXERCISE]
    assert laid.state == "merged"
    assert "one point of d numbers," in file.read_text()
    assert "return w" in file.read_text()
    assert {one.state for one in start(CHAPTER, workspace)} == {"kept"}


def test_conflict_shows_both_and_backs_up(workspace, file, monkeypatch):
    mine = file.read_text().replace("raise NotAttempted", "return w")
    file.write_text(mine)
    old = text_for(CHAPTER, EXERCISE)
    monkeypatch.setattr(
        layout, "text_for", lambda *a, **k: old.replace("raise NotAttempted", "raise NotAttempted  # new")
    )
    (laid,) = [one for one in start(CHAPTER, workspace) if one.exercise == EXERCISE]
    assert laid.state == "conflict"
    assert all(
        part in file.read_text() for part in ("<<<<<<< yours", "return w", "# new", ">>>>>>> the course")
    )
    (saved,) = (workspace.root / ".course" / "backup").rglob("*.py")
    assert saved.read_text() == mine


@given(LINES, LINES)
def test_merge_takes_the_only_change(base, other):
    for merged in (merge3(base, other, base), merge3(base, base, other), merge3(base, other, other)):
        assert merged.text == other
        assert not merged.conflicts


@given(LINES, LINES, LINES)
def test_merge_loses_nothing(base, mine, theirs):
    merged = merge3(base, mine, theirs)
    for side in (mine, theirs):
        added = set(side.splitlines()) - set(base.splitlines())
        assert added <= set(merged.text.splitlines())
    assert ("<<<<<<<" in merged.text) == bool(merged.conflicts)


def test_merge_of_changes_apart_is_clean():
    merged = merge3("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n")
    assert (merged.text, merged.conflicts) == ("A\nb\nc\nD\n", 0)


def test_hints_are_counted_and_the_last_stays(workspace):
    told = [progress.next_hint(workspace, EXERCISE) for _ in range(4)]
    assert [(number, total) for number, total, _ in told] == [(1, 3), (2, 3), (3, 3), (3, 3)]
    assert told[2] == told[3]


def test_pass_is_remembered_for_this_text_only(workspace, file):
    file.write_text(file.read_text().replace("raise NotAttempted", "return w"))
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    progress.record_result(workspace, CHAPTER, EXERCISE, Result(EXERCISE.id, "pass", sha256=sha))
    assert progress.remembered(workspace, CHAPTER, EXERCISE)
    file.write_text(file.read_text() + "\n")
    assert not progress.remembered(workspace, CHAPTER, EXERCISE)
    assert progress.course_map(workspace)[0]["exercises"][0]["done"]


def test_pass_is_forgotten_when_the_check_changes(workspace, file):
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    progress.record_result(workspace, CHAPTER, EXERCISE, Result(EXERCISE.id, "pass", sha256=sha))
    harder = EXERCISE.model_copy(update={"seconds": 5.0})
    assert not progress.remembered(workspace, CHAPTER, harder)


def test_fault_of_the_course_is_not_counted(workspace):
    progress.record_result(workspace, CHAPTER, EXERCISE, Result(EXERCISE.id, "infra_error"))
    assert progress.read(workspace) == {"exercises": {}, "quizzes": {}}


BROKEN = ["{", "", "\0", "[" * 100_000]
FOREIGN = [
    "[]",
    "null",
    "3",
    '{"exercises": []}',
    '{"exercises": {"pocket": 3}}',
    '{"quizzes": {"neurons": []}}',
]


@pytest.mark.parametrize("text", [*BROKEN, *FOREIGN], ids=lambda text: text[:30] or "empty")
def test_broken_progress_is_told(workspace, text):
    workspace.root.mkdir()
    (workspace.root / "progress.json").write_text(text)
    told = "not JSON" if text in BROKEN else "holds no record of progress"
    with pytest.raises(UserError, match=told):
        progress.read(workspace)


def test_workspace_is_found_by_argument_environment_or_here(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_WORK", str(tmp_path / "a"))
    assert find_workspace().root == tmp_path / "a"
    assert find_workspace(tmp_path / "b").root == tmp_path / "b"
    monkeypatch.delenv("GRADSCHOOL_WORK")
    assert find_workspace().root.name == "gradschool-work"


@pytest.fixture
def own_conv(workspace):
    """A conv2d of the learner's that marks what passes through it."""
    chapter, exercise = find_exercise("conv2d")
    start(chapter, workspace)
    file = workspace.file(chapter, exercise)
    text = text_for(chapter, exercise, solved=True)
    file.write_text(text.replace("return y if bias is None", "y = y + 1000\n    return y if bias is None"))
    yield workspace
    conv2d.mine = None


def test_overlay_reaches_every_caller_and_proves_whose_code_runs(own_conv):
    import torch

    from gradschool.nn.conv import Conv2d

    start(CHAPTER, own_conv)  # blank: stays the library's
    (one,) = overlay.install(own_conv)
    file = own_conv.file(*find_exercise("conv2d"))
    assert (one.exercise, one.target) == ("conv2d", "gradschool.ops.conv:conv2d")
    assert one.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert str(file.absolute()) == one.file
    x = torch.zeros(1, 1, 4, 4)
    assert conv2d(x, torch.zeros(1, 1, 3, 3)).min() == 1000
    assert Conv2d(1, 2, 3)(x).min() > 900
    assert one.calls == 2


def test_resumed_run_wants_the_same_file(own_conv):
    (one,) = overlay.install(own_conv)
    kept = {name: getattr(one, name) for name in ("exercise", "target", "file", "sha256", "lines")}
    (again,) = overlay.install_again([kept])
    assert again.sha256 == one.sha256
    with pytest.raises(UserError, match="not what this run was begun with"):
        overlay.install_again([kept | {"sha256": "0" * 64}])


def test_file_that_cannot_be_loaded_is_told(workspace, file):
    file.write_text(
        "import nothing_of_the_kind\n\ndef update(w, x, target, learning_rate=1.0):\n    return w\n"
    )
    with pytest.raises(UserError, match=r"cannot be loaded .*gradschool check perceptron-update"):
        overlay.install(workspace)


def test_plain_function_is_replaced_in_every_module_that_took_it(workspace, file):
    file.write_text("def update(w, x, target, learning_rate=1.0):\n    return w + 1\n")
    program = (
        "from pathlib import Path\nfrom gradschool.scratch.neurons import perceptron\n"
        "from gradschool.classroom.workspace import layout, overlay\n"
        f"overlay.install(layout.Workspace(Path({str(workspace.root)!r})))\n"
        "print(perceptron.train([(0,)], [0], [0, 0], max_steps=3).weights.tolist())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [3, 3]


def test_every_blank_can_be_laid_out(workspace):
    for name in ("neurons", "convolution", "attention"):
        chapter = find_chapter(name)
        for laid in start(chapter, workspace):
            compile(laid.file.read_text(encoding="utf-8"), str(laid.file), "exec")
