"""The first five minutes on the command line: lay out, fail with a name, pass, race, read, quiz."""

import builtins
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from gradschool.classroom.check.client import Server, own_place
from gradschool.classroom.exercise.manifest import find_exercise
from gradschool.classroom.workspace.layout import text_for
from gradschool.cli.main import main

FILE = Path("gradschool-work") / "01-neurons" / "perceptron_update.py"
RIGHT = text_for(*find_exercise("perceptron-update"), solved=True)


@pytest.fixture(scope="module", autouse=True)
def own_temporary_folder(tmp_path_factory):
    """The check server lives in a folder of ours and is stopped at the end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("t")))
        patch.setattr(tempfile, "tempdir", None)
        yield
        if sys.platform == "linux":
            with Server(own_place()):
                pass
    tempfile.tempdir = None


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADSCHOOL_WORK", raising=False)


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def told(out):
    return json.loads(out.splitlines()[-1])


def test_from_the_map_to_a_pass(capsys):
    # 1. The map, then the files.
    code, out, _ = call(capsys)
    assert code == 0
    assert "next     perceptron-update (8 min): gradschool start neurons" in out
    code, out, _ = call(capsys, "start", "neurons")
    assert code == 0
    line = int(out.split(f"{FILE}   line ")[1].split()[0])
    assert FILE.read_text().splitlines()[line - 1].strip() == "raise NotAttempted"
    # 2. Not attempted, a wrong answer by its name, a hint.
    code, out, _ = call(capsys, "check", "--json")
    assert (code, told(out)["results"][0]["outcome"]) == (1, "not_attempted")
    FILE.write_text(RIGHT.replace("(target - answer)", "(answer - target)"))
    code, out, _ = call(capsys, "check", "perceptron-update")
    assert code == 1
    assert "wrong value" in out
    assert "The sign is wrong" in " ".join(out.split())
    _, out, _ = call(capsys, "hint")
    assert "perceptron-update · hint 1 of 3" in out
    # 3. Right; the second time it is remembered.
    FILE.write_text(RIGHT)
    code, out, _ = call(capsys, "check", str(FILE))
    assert code == 0
    assert "pass" in out
    _, out, _ = call(capsys, "check")
    assert "unchanged since it passed" in out
    _, out, _ = call(capsys, "map", "--json")
    assert told(out)["chapters"][0]["exercises"][0]["done"] is True


def test_diff_reset_solution(capsys, monkeypatch):
    call(capsys, "start", "1")
    FILE.write_text(RIGHT)
    assert "+    answer = predict(w, x)" in call(capsys, "diff", "perceptron-update")[1]
    call(capsys, "reset", "perceptron-update")
    assert "raise NotAttempted" in FILE.read_text()
    assert "is as it was laid out" in call(capsys, "diff", "perceptron-update")[1]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    code, _, err = call(capsys, "solution", "perceptron-update")
    assert code == 2
    assert "--yes" in err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(builtins, "input", lambda prompt: "n")
    assert "learning_rate *" not in call(capsys, "solution", "perceptron-update")[1]
    assert not Path("gradschool-work/progress.json").exists()
    monkeypatch.setattr(builtins, "input", lambda prompt: "y")
    assert "learning_rate * (target - answer) * extended" in call(capsys, "solution", "perceptron-update")[1]
    record = json.loads(Path("gradschool-work/progress.json").read_text())
    assert "solution" in record["exercises"]["perceptron-update"]


def test_the_map_says_what_is_done_blank_again_and_absent(capsys):
    call(capsys, "start", "neurons")
    FILE.write_text(RIGHT)
    call(capsys, "check", "perceptron-update")
    _, shown, _ = call(capsys, "map", "--json")
    rows = {c["id"]: [e["state"] for e in c["exercises"]] for c in told(shown)["chapters"]}
    assert rows["neurons"][:2] == ["done", "open"] and "1 of" in shown and "■□" in shown
    assert shown.index(" Foundations") < shown.index("Neurons") < shown.index(" Pictures")
    call(capsys, "reset", "perceptron-update")
    _, shown, _ = call(capsys, "map", "--json")
    assert told(shown)["chapters"][0]["exercises"][0]["state"] == "blank"
    assert "0 of" in shown and "passed before, blank again" in shown
    assert "next     perceptron-update" in shown
    FILE.unlink()
    assert "passed before, its file is gone" in call(capsys, "map")[1]


def test_without_a_name_the_current_exercise_is_meant(capsys, monkeypatch):
    call(capsys, "start", "convolution")
    assert "convolve is as it was laid out" in call(capsys, "diff")[1]
    assert "convolve.py is blank again" in call(capsys, "reset")[1]
    assert "convolve · hint 1" in call(capsys, "hint")[1]
    assert "def convolve" in call(capsys, "solution", "--yes")[1]
    monkeypatch.setattr(builtins, "input", lambda prompt: "")
    assert told(call(capsys, "quiz", "--json")[1])["chapter"] == "convolution"
    code, _, err = call(capsys, "predict")
    assert code == 2 and "gradschool predict lacks something; wanted: gradschool predict RUN" in err
    assert "╭" not in err


def test_map_and_start_go_on_where_the_learner_is(capsys):
    call(capsys, "start", "neurons")
    assert "gradschool check perceptron-update" in call(capsys, "map")[1]
    FILE.write_text(RIGHT)
    call(capsys, "check", "perceptron-update")
    shown = call(capsys, "map")[1]
    assert "next     written-trace (15 min): gradschool check written-trace" in shown
    assert str(FILE.parent / "written_trace.py") in shown
    _, shown, _ = call(capsys, "start", "neurons", "--json")
    assert f"{FILE}   passed" in shown
    assert "write in written_trace.py" in shown
    assert [one["passed"] for one in told(shown)["files"]][:2] == [True, False]
    FILE.write_text(RIGHT + "# changed since\n")
    assert f"{FILE}   begun, left as it is" in call(capsys, "start", "neurons")[1]
    call(capsys, "start", "convolution")
    newest = Path("gradschool-work/06-convolution/convolve.py")
    os.utime(newest, (time.time() + 5,) * 2)
    assert "gradschool check convolve" in call(capsys, "map")[1]


@pytest.mark.long
def test_read_here_and_as_a_page(capsys):
    assert "The perceptron learning rule" in call(capsys, "read", "neurons")[1]
    _, out, _ = call(capsys, "read", "neurons", "--html", "--json")
    assert Path(told(out)["page"]).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_quiz_is_kept_in_progress(capsys, monkeypatch):
    replies = iter(["a", ""] + [""] * 100)
    monkeypatch.setattr(builtins, "input", lambda prompt: next(replies))
    _, out, _ = call(capsys, "quiz", "neurons", "--json")
    assert len(told(out)["answers"]) == 1
    assert json.loads(Path("gradschool-work/progress.json").read_text())["quizzes"]["neurons"]["tries"] == 1


def test_notebook_is_written_once(capsys):
    assert call(capsys, "notebook", "neurons")[0] == 0
    code, _, err = call(capsys, "notebook", "neurons")
    assert code == 2
    assert "perhaps with your work" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("check",), "Lay some out: gradschool start"),
        (("check", "perceptron-updat"), "Did you mean perceptron-update"),
        (("check", "conv2d"), "gradschool start convolution"),
        (("start", "nothing"), "there is no chapter 'nothing'"),
        (("train", "digits", "--mine"), "holds nothing of yours yet"),
    ],
)
def test_wrong_use_is_told(capsys, words, sentence):
    code, _, err = call(capsys, *words)
    assert code == 2
    assert sentence in err


@pytest.mark.long
def test_mine_trains_and_the_run_says_whose_code_ran(capsys):
    call(capsys, "start", "convolution")
    file = Path("gradschool-work") / "06-convolution" / "conv2d.py"
    file.write_text(text_for(*find_exercise("conv2d"), solved=True))
    words = ["train", "digits", "--mine", "--steps", "4", "--no-report", "--json"]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "gradschool", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=one_thread)
    assert "ran: conv2d" in done.stdout
    config = json.loads((Path(told(done.stdout)["run"]) / "config.json").read_text())
    assert config["mine"][0]["exercise"] == "conv2d"
    assert config["mine"][0]["file"] == str(file.absolute())


@pytest.mark.long
@pytest.mark.parametrize(("old", "new", "inside"), [("", "", True), ("[1.0], x]", "[0.0], x]", False)])
def test_race_of_the_very_first_function(old, new, inside):
    call_main("start", "neurons")
    FILE.write_text(RIGHT.replace(old, new))
    out = call_main("train", "perceptron", "--mine", "--json")
    assert "ran: update 600 times" in out
    assert told(out)["race"]["inside"] is inside
    assert f"{'inside' if inside else 'below'} the band" in out


def call_main(*words):
    """The command line in a process of its own: an overlay stays for the rest of a process."""
    command = [sys.executable, "-m", "gradschool", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8").stdout


@pytest.mark.long
def test_watch_checks_on_every_save(capsys):
    call(capsys, "start", "neurons")
    words = [sys.executable, "-m", "gradschool", "check", "perceptron-update", "--watch"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        timer = threading.Timer(90, process.kill)  # ends a hang, before the test itself is ended
        timer.start()
        try:
            seen = until(process, "watching")
            assert "not attempted" in seen
            time.sleep(0.5)
            FILE.write_text(RIGHT.replace("[1.0], x]", "[0.0], x]"))
            assert "The bias never moves" in " ".join(until(process, "hint perceptron").split())
            FILE.write_text(RIGHT)
            assert "pass" in until(process, "done")
        finally:
            process.kill()
            timer.cancel()


def until(process, word):
    """What a process prints up to a line with a word."""
    seen = ""
    for line in process.stdout:
        seen += line
        if word in line:
            return seen
    raise AssertionError(f"ended without {word!r}: {seen}")
