"""Every command takes --json and then prints one JSON object as its last line."""

import importlib
import json
from dataclasses import fields

import pytest

from gradschool.cli.main import GROUPS, main

COMMANDS = {name: f"gradschool.cli.{group}.{name}" for group, names in GROUPS.items() for name in names}
OWN_WORDS = {"test", "coursework"}  # pytest gets its words; a coursework's options are those of its class
ALONE = [
    ["map"], ["read", "neurons"], ["glossary", "xor"], ["glossary"], ["start", "neurons"], ["hint"], ["diff"],
    ["check", "perceptron-update"], ["reset", "perceptron-update"], ["solution", "--yes"], ["quiz", "1"],
    ["hand", "trace", "1"], ["bugs", "7", "8"], ["train"], ["runs"], ["data"], ["data", "digits"],
    ["data", "mnist"], ["data", "check", "digits"], ["doctor"], ["add"], ["coursework"], ["bench"],
    ["new", "chapter", "week-one", "--dir", "own"], ["train", "perceptron", "--out", "lines"],
    ["train", "nonsense"], ["score", "nowhere"], ["eval", "nowhere"], ["scaling", "nonsense"],
    ["plan", "nonsense"],
    ["search", "nowhere", "what is it?"], ["ensemble", "nowhere", "there"],
    ["prune", "nowhere"],
]  # fmt: skip
OF_A_RUN = [
    ["report", "one"], ["runs"], ["compare", "one", "two"], ["predict", "one", "dot.png"],
    ["export", "one"], ["train", "--resume", "one"], ["sample", "one"],
    ["ensemble", "one", "two"],
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("json")


@pytest.fixture(autouse=True)
def inside(place, monkeypatch):
    def leave(_: str = "") -> str:
        raise EOFError

    monkeypatch.chdir(place)
    monkeypatch.setattr("builtins.input", leave)
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(place / "cache"))
    for name in ("GRADSCHOOL_DATA", "GRADSCHOOL_WORK", "GRADSCHOOL_COURSE"):
        monkeypatch.delenv(name, raising=False)


def answer(capsys, words):
    """The object in the last line."""
    with pytest.raises(SystemExit):
        main([*words, "--json"])
    said = capsys.readouterr()
    found = json.loads(said.out.splitlines()[-1])
    assert isinstance(found, dict) and found, said.err
    return found


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - OWN_WORDS))
def test_every_command_has_the_option(name):
    command = importlib.import_module(COMMANDS[name])
    assert "json" in {field.name for field in fields(command.Args)}


@pytest.mark.parametrize("words", ALONE, ids=" ".join)
def test_a_command_ends_with_one_object(words, capsys):
    answer(capsys, words)


@pytest.mark.long
def test_what_is_done_with_a_run_ends_with_one_object(place, capsys):
    from PIL import Image

    Image.new("L", (8, 8), 200).save(place / "dot.png")
    for out in ("one", "two"):
        words = ["train", "digits", "--steps", "2", "--no-report", "--out", out]
        assert answer(capsys, words)["run"] == out
    for words in OF_A_RUN:
        answer(capsys, words)
