"""The terminal's view: plain lines where nobody watches, a bar where somebody does, the end told once."""

import os
import re
import select
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from gradschool.engine import log
from gradschool.engine.log import View, main_losses, main_scores
from gradschool.evals.metric import ACCURACY, in_short


def steps(view: View, first: int, last: int, evaluate: bool = True) -> None:
    for step in range(first, last + 1):
        view({"step": step, "epoch": step / 4, "lr": 0.1, "seconds": step * 0.5, "loss": 1 / step})
    if evaluate:
        view({"step": last, "epoch": last / 4, "val_loss": 0.3, "val_accuracy": 0.875, "seconds": last * 0.5})


def test_a_short_run_is_one_plain_line(capsys):
    view = View(8, 4, 16, "images", partial(in_short, [ACCURACY]))
    steps(view, 1, 8)
    view.close()
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        said.err == " epoch 2/2  step 8/8  loss 0.125  val 87.5 %  32 images/s\n"
    )  # 16 images in half a second


def test_plain_lines_come_now_and_then_and_none_comes_twice(capsys, monkeypatch):
    monkeypatch.setattr(log, "PLAIN_EVERY", -1.0)
    view = View(8, 4, 16, "images", partial(in_short, [ACCURACY]))
    steps(view, 1, 8)
    view.close()
    view.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 9 and len(set(lines)) == 9
    assert [re.findall(r"step (\d)/8", line)[0] for line in lines] == list("123456788")


def test_a_run_that_ends_early_says_where(capsys):
    view = View(80, 4, 16, "images", partial(in_short, [ACCURACY]))
    steps(view, 1, 6, evaluate=False)
    view.close()
    assert " epoch 2/20  step 6/80  loss 0.167" in capsys.readouterr().err


def test_losses_of_held_out_data_are_told_only_where_there_is_nothing_else():
    line = {"step": 1, "epoch": 0.5, "seconds": 2.0, "test_loss": 0.5}
    assert main_scores(line | {"test_accuracy": 0.9}) == {"test_accuracy": 0.9}
    assert main_scores(line) == {"test_loss": 0.5}


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_on_a_terminal_of_100_columns_the_bar_fits_on_one_line():
    import pty

    script = """
from functools import partial
from gradschool.engine.log import View
from gradschool.evals.metric import ACCURACY, in_short
view = View(13200, 440, 128, "images", partial(in_short, [ACCURACY]))
for step in (1, 13199, 13200):
    view({"step": step, "epoch": step / 440, "lr": 0.1, "seconds": step / 100, "loss": 0.0213})
    view({"step": step, "epoch": step / 440, "test_loss": 0.1, "test_accuracy": 0.989, "seconds": step / 100})
view.close()
"""
    outer, inner = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
    done = subprocess.Popen(
        [sys.executable, "-c", script], stderr=inner, env=clean | {"COLUMNS": "100", "TERM": "xterm"}
    )
    said = b""
    while done.poll() is None or select.select([outer], [], [], 0.1)[0]:
        if select.select([outer], [], [], 0.1)[0]:
            said += os.read(outer, 4096)
    os.close(inner), os.close(outer)
    assert done.returncode == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
    last = [line for line in re.split(r"[\r\n]+", plain) if line.strip()][-1]
    assert "epoch 30/30" in last and "100%" in last and len(last.rstrip()) <= 100
    assert "loss 0.021  test 98.9 %  12,800 images/s" in last


def test_a_line_of_several_losses_is_told_by_its_first_two():
    times = {"step": 3, "epoch": 0.1, "lr": 0.01, "seconds": 1.0}
    assert main_losses({**times, "kl": 2.0, "total_loss": 5.0, "x": 1.0}) == {"loss": 5.0}
    assert main_losses({**times, "errD": 1.3, "errG": 0.7, "D(x)": 0.5}) == {"errD": 1.3, "errG": 0.7}
    assert main_losses(times) == {}


def test_long_work_says_that_it_goes_on(monkeypatch, capfd):
    monkeypatch.setattr(log, "PLAIN_EVERY", 0.05)
    before = threading.active_count()
    with pytest.raises(KeyError), log.patiently("reading words.csv"):
        time.sleep(0.3)
        raise KeyError
    said = capfd.readouterr().err.splitlines()
    assert 2 <= len(said) <= 6
    assert all(re.fullmatch(r" still reading words.csv, \d+ s", line) for line in said)
    with log.patiently("nothing"):
        pass
    time.sleep(0.1)
    assert capfd.readouterr().err == "", "short work says nothing, and nobody speaks on"
    assert threading.active_count() == before
