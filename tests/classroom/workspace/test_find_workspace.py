"""The learner's folder is found from inside it, and from beside it."""

from pathlib import Path

import pytest

from gradschool.classroom.workspace.layout import find_workspace


@pytest.mark.parametrize("inside", [".", "gradschool-work", "gradschool-work/01-neurons", "other/deep"])
def test_found_from_below(tmp_path, monkeypatch, inside):
    monkeypatch.delenv("GRADSCHOOL_WORK", raising=False)
    (tmp_path / "gradschool-work" / "01-neurons").mkdir(parents=True)
    (tmp_path / inside).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / inside)
    assert find_workspace().root.resolve() == (tmp_path / "gradschool-work").resolve()


def test_nearest_wins_and_names_go_first(tmp_path, monkeypatch):
    (tmp_path / "gradschool-work").mkdir()
    (tmp_path / "a" / "gradschool-work").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a")
    monkeypatch.delenv("GRADSCHOOL_WORK", raising=False)
    assert find_workspace().root == Path("gradschool-work")
    monkeypatch.setenv("GRADSCHOOL_WORK", "elsewhere")
    assert find_workspace().root == Path("elsewhere")
    assert find_workspace(tmp_path).root == tmp_path
