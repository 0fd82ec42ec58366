"""A chapter of one's own outside the package: made, found, proved, read, started, checked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradschool.classroom.author.render import library_code, steps_within
from gradschool.classroom.exercise.manifest import chapters, find_exercise
from gradschool.classroom.workspace.layout import text_for
from gradschool.cli.main import main
from gradschool.errors import UserError


def call(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.fixture
def own(tmp_path, monkeypatch, capsys):
    """A new chapter, found by GRADSCHOOL_COURSE."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADSCHOOL_WORK", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert call(capsys, "new", "chapter", "week-one", "--dir", "my course")[0] == 0
    monkeypatch.setenv("GRADSCHOOL_COURSE", str(tmp_path / "my course"))
    yield tmp_path
    sys.modules.pop("week_one_functions", None)


def test_a_new_chapter_is_found_beside_the_course(own, capsys):
    *course, last = chapters()
    assert (last.id, last.number, course[0].id) == ("week-one", 81, "neurons")
    code, out, _ = call(capsys, "map")
    assert code == 0 and " Chapters of my own" in out and "week-one" in out
    code, out, _ = call(capsys, "read", "week-one")
    assert code == 0 and "[2. 4.]" in out and "sums[width:] - sums[:-width]" in out
    code, out, _ = call(capsys, "start", "week-one")
    text = Path("gradschool-work/81-week-one/week_one_moving_average.py").read_text()
    assert code == 0 and "raise NotAttempted" in text and "sums[width:]" not in text
    code, out, err = call(capsys, "new", "chapter", "week-one", "--dir", "my course")
    assert code == 2 and "has a chapter week-one already" in err
    assert call(capsys, "new", "chapter", "week-two", "--dir", "my course")[0] == 0
    assert Path("my course/82-week-two/checks.py").is_file()


@pytest.mark.long
def test_it_passes_the_gates_and_a_wrong_check_does_not(own):
    start = [sys.executable, "-m", "gradschool.cli"]
    done = subprocess.run([*start, "gates", "week-one", "--json"], capture_output=True, text=True, cwd=own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout.splitlines()[-1])["gates"]) == 6
    file = own / "my course" / "81-week-one" / "checks.py"
    file.write_text(file.read_text().replace("np.mean(x[i", "np.sum(x[i"))
    done = subprocess.run([*start, "gates", "week-one"], capture_output=True, text=True, cwd=own)
    assert done.returncode == 1 and "of 6 hold" in done.stdout
    answer = own / "gradschool-work" / "81-week-one" / "week_one_moving_average.py"
    subprocess.run([*start, "start", "week-one"], cwd=own, check=True, capture_output=True)
    answer.write_text(text_for(*find_exercise("week-one-moving-average"), solved=True))
    done = subprocess.run([*start, "check"], capture_output=True, text=True, cwd=own, env=os.environ)
    assert done.returncode == 1 and "wrong value" in done.stdout


def test_a_folder_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADSCHOOL_COURSE", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"GRADSCHOOL_COURSE names .*nowhere, which is no folder"):
        chapters()


@pytest.mark.long
def test_every_chapter_as_a_notebook(own, capsys):
    pytest.importorskip("nbformat")
    (own / "n").mkdir()
    (own / "n" / "01-neurons-exercise.ipynb").write_text("mine")
    code, out, err = call(capsys, "notebook", "--all", "--out", "n", "--json")
    assert code == 0, err
    assert len(json.loads(out.splitlines()[-1])["notebooks"]) == len(chapters()) - 1
    assert (own / "n" / "01-neurons-exercise.ipynb").read_text() == "mine"
    assert (own / "n" / "81-week-one-exercise.ipynb").is_file()


NESTED = """\
def f(x):
    # 1. First.
    a = x
    for i in x:
        # 2. Inside, on
        # two lines.
        a = a + i

        if a:
            a = -a
        # 3. Also inside.
        a = a * 2
    return a
"""


def test_steps_are_found_at_any_depth():
    lines = NESTED.splitlines(keepends=True)
    found = steps_within(lines, 0, len(lines))
    assert sorted(found) == [1, 2, 3]
    assert "".join(lines[slice(*found[2])]).count("\n") == 6
    assert "".join(lines[slice(*found[3])]) == "        # 3. Also inside.\n        a = a * 2\n"
    shown = library_code("gradschool.scratch.neurons.perceptron:update steps=2").text
    assert shown.startswith("# 2.") and "# 3." not in shown
    with pytest.raises(UserError, match="has no step '9'"):
        library_code("gradschool.scratch.neurons.perceptron:update steps=9")
