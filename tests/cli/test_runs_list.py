"""The list of runs: courseworks, the runs inside them, names with brackets."""

import json

import pytest

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder


def shown(capsys, *words: str) -> str:
    with pytest.raises(SystemExit) as left:
        main(list(words))
    assert not left.value.code
    return capsys.readouterr().out


def test_courseworks_are_listed_with_the_runs_inside_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    work = RunFolder.create("vae-dcgan")
    work.write("coursework.json", {"coursework": "vae-dcgan", "seed": 3})
    inner = RunFolder.create("vae", work.path / "vae")
    inner.write("config.json", {"recipe": "vae_mnist", "seed": 3, "kind": "vae", "settings": {}})
    plain = RunFolder.create("digits", tmp_path / "runs" / "[1] mine")
    plain.write("config.json", {"recipe": "digits", "seed": 0, "kind": "classifier", "settings": {}})
    text = shown(capsys, "runs", "--json")
    rows = json.loads(text.splitlines()[-1])["runs"]
    assert [row["recipe"] for row in rows] == ["vae-dcgan", "vae_mnist", "digits"]
    assert rows[0]["state"] == "not finished" and "runs/[1] mine" in text
    work.write("marks.json", {"coursework": "vae-dcgan", "points": 31.5, "of": 40.0})
    assert "31.5 of 40 points" in shown(capsys, "runs")
