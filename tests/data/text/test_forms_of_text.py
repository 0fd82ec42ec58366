"""Plain text or texts with labels: told apart without a word from the person."""

import pytest

from gradschool.data.text.running.form import is_running
from gradschool.recipes import on


@pytest.mark.parametrize(
    ("files", "asked", "running"),
    [
        (["a.txt"], "a.txt", True),
        (["a.md"], "a.md", True),
        (["a.csv"], "a.csv", False),
        (["a.jsonl.gz"], "a.jsonl.gz", False),
        (["a.zip"], "a.zip", False),
        (["d/a.txt", "d/b.txt"], "d", True),
        (["d/good/a.txt", "d/bad/b.txt"], "d", False),
        (["d/only/a.txt", "d/notes.md"], "d", True),
        (["d/good/a.txt", "d/bad/b.txt", "d/c.txt"], "d", True),
        (["d/train.csv"], "d", False),
        ([], "tinyshakespeare", True),
        ([], "nowhere.txt", True),
    ],
)
def test_the_form_is_told_from_the_files(tmp_path, monkeypatch, files, asked, running):
    monkeypatch.chdir(tmp_path)
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / file).write_text("x")
    assert is_running(asked) == running
    made = on("text", asked)
    assert made.kind == ("language_model" if running else "text_classifier") and made.data == asked


def test_other_recipes_take_data_as_before():
    assert on("names_mlp").data == "names" and on("names_mlp", "my.txt").data == "my.txt"
    assert on("text").data == ""
