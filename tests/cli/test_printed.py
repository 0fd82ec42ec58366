"""Printed commands run as they stand: by the name that the launcher was called by, with paths quoted."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gradschool.cli.main import main
from gradschool.phrases import as_called, command, counted, did_you_mean, hanging, nearest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for the launcher is a shell script")


@pytest.fixture
def shell(tmp_path):
    """Runs a line in a shell, in a folder where `./go here/gradschool` starts the command line."""
    launcher = tmp_path / "go here" / "gradschool"
    launcher.parent.mkdir()
    launcher.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gradschool.cli "$@"\n')
    launcher.chmod(0o755)
    own = {"GRADSCHOOL_CALLED": "'./go here/gradschool'", "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRADSCHOOL_")}

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=kept | own, capture_output=True, text=True, timeout=120
        )

    return run


def printed(text: str) -> list[str]:
    """The commands in a text: from the launcher's name to the end of the line or sentence."""
    return re.findall(r"'\./go here/gradschool'[^\n·(]*[^\s·(,.]", text)


def test_a_command_is_as_it_was_called_and_quoted(monkeypatch):
    assert command("report", Path("runs/digits-0001")) == "gradschool report runs/digits-0001"
    monkeypatch.setenv("GRADSCHOOL_CALLED", "./gradschool")
    assert command("report", Path("my runs/a[1]")) == "./gradschool report 'my runs/a[1]'"
    assert as_called("A hint: gradschool hint x") == "A hint: ./gradschool hint x"
    assert as_called("gradschool train\n$ gradschool check\n") == "./gradschool train\n$ ./gradschool check\n"
    assert as_called("a fault of gradschool, not yours") == "a fault of gradschool, not yours"


def test_a_count_has_its_noun():
    assert [counted(n, "file") for n in (0, 1, 2000)] == ["0 files", "1 file", "2,000 files"]
    assert counted(1, "entry", "entries") == "1 entry" and counted(3, "entry", "entries") == "3 entries"


@pytest.mark.parametrize(
    ("typed", "near"),
    [("nuerons", ["neurons"]), ("GANS", ["gans"]), ("back", ["backpropagation"]), ("", []), ("zzz", [])],
)
def test_the_nearest_name_is_found_in_any_case_and_by_its_beginning(typed, near):
    known = ("neurons", "backpropagation", "gans")
    assert nearest(typed, known) == near
    assert did_you_mean(near) == (f"Did you mean {near[0]}? " if near else "")


def test_several_near_names_are_asked_in_one_question():
    assert nearest("digit", ("digits", "mnist", "digit_a"), 2) == ["digits", "digit_a"]
    assert did_you_mean(["digits", "digit_a"]) == "Did you mean digits or digit_a? "


def test_names_are_guessed_in_one_place_only():
    package = Path(__file__).resolve().parents[2] / "src/gradschool"
    guessing = [file.name for file in package.rglob("*.py") if "get_close_matches" in file.read_text("utf-8")]
    assert guessing == ["phrases.py"]


BARE = re.compile(r"(?<![`\w./-])gradschool (?:train|data fetch|hand|bugs|read)\b")


@pytest.mark.parametrize("words", [["bugs", "7", "x"], ["hand", "trace", "x"], ["doctor"], ["data", "mnist"]])
def test_what_is_printed_names_the_launcher_as_it_was_called(words, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GRADSCHOOL_CALLED", "./gradschool")
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path))
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    with pytest.raises(SystemExit):
        main(words)
    said = capsys.readouterr()
    assert not BARE.search(said.out + said.err) and "./gradschool " in said.out + said.err


def test_sheets_end_with_a_command_as_it_was_called(monkeypatch, capsys):
    def leave(_: str) -> str:
        raise EOFError

    monkeypatch.setenv("GRADSCHOOL_CALLED", "./gradschool")
    monkeypatch.setattr("builtins.input", leave)
    with pytest.raises(SystemExit):
        main(["hand", "trace", "3"])
    assert "The same sheet again: ./gradschool hand trace 3\n" in capsys.readouterr().out


def test_a_narrow_terminal_breaks_no_word_and_no_command(monkeypatch):
    text = (
        "something run first: gradschool train digits --seed 1. Then antidisestablishmentarianism, (see it)"
    )
    monkeypatch.setenv("COLUMNS", "60")
    shown = hanging(" see      ", text)
    assert shown.split() == ["see", *text.split()]
    assert "gradschool train digits --seed 1." in shown
    assert all(len(line) < 60 for line in shown.splitlines())
    assert all(line.startswith(" " * 10) for line in shown.splitlines()[1:])
    monkeypatch.setenv("COLUMNS", "30")
    assert hanging(" see      ", text).split() == shown.split()


@pytest.mark.parametrize("words", [[], ["--help"], ["coursework"], ["start", "neurons"], ["data"]])
def test_what_is_printed_in_60_columns_breaks_no_word(words, tmp_path, monkeypatch, capsys):
    def shown(columns: str) -> str:
        monkeypatch.setenv("COLUMNS", columns)
        with pytest.raises(SystemExit):
            main([*words, *(["--dir", "work"] if words in ([], ["start", "neurons"]) else [])])
        return capsys.readouterr().out

    monkeypatch.chdir(tmp_path)
    narrow = shown("60")
    for line in narrow.splitlines():
        assert len(line) <= 60 or len(line.split()) < 5, line  # only a path or a command may be longer
    wide = shown("400").split() if words != ["data"] else narrow.split()
    assert set(narrow.split()) <= set(wide) | {"a"}


@pytest.mark.long
def test_printed_commands_run_as_they_stand(shell, tmp_path):
    # 1. A run in a folder with a space and brackets; what it says next.
    start = "'./go here/gradschool' "
    done = shell(f"{start}train perceptron --out 'runs/it[1] is' --json")
    assert done.returncode == 0, done.stderr
    for line in printed(done.stdout):
        assert shell(line.split(", or")[0]).returncode in (0, 2), line
    # 2. Lists show its name whole, and take it back without its folder.
    done = shell(f"{start}train perceptron --seed 1 --json")
    name = Path(json.loads(done.stdout.splitlines()[-1])["run"]).name
    assert "it[1] is" in shell(f"{start}runs").stdout
    done = shell(f"{start}compare {name} 'it[1] is'")
    assert done.returncode == 0 and "it[1] is" in done.stdout, done.stderr
    # 3. From the map to a check, by what is printed alone.
    [first, *_] = printed(shell(start.strip()).stdout.split("next")[1])
    done = shell(first)
    assert first.split()[-2] == "start" and done.returncode == 0, done.stderr
    lines = printed(done.stdout)
    assert [line.split("gradschool' ")[1] for line in lines] == ["read neurons", "check --watch"]
    done = shell(lines[1].removesuffix(" --watch"))
    assert done.returncode == 1 and "not attempted" in done.stdout
    [hint, *_] = printed(done.stdout)
    done = shell(hint)
    assert done.returncode == 0 and "hint 1 of" in done.stdout
    [again, _] = printed(done.stdout.replace(", or:", "\n"))
    assert shell(again).returncode == 1
    # 4. An error's advice, too.
    done = shell(f"{start}report nothing")
    assert done.returncode == 2
    assert shell(printed(done.stderr)[0]).returncode == 0
