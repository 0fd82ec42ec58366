"""An index of a folder: only what changed is encoded again, and both lists find what they should."""

import json

import pytest
import torch

from gradschool.cli.main import main
from gradschool.data.text.passages import words_of
from gradschool.errors import UserError
from gradschool.evals.language.retrieval.index import measured, opened

SAME = {"dog": "animal", "cat": "animal", "pet": "animal"}


class Counting:
    """Vectors that count words, some of which mean the same; remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked += texts
        found = torch.zeros(len(texts), 97)
        for row, text in zip(found, texts, strict=True):
            for word in words_of(text):
                row[sum(map(ord, SAME.get(word, word))) % 97] += 1
        return found / found.norm(dim=1, keepdim=True).clamp(min=1e-9)


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.md").write_text("# Home\n\nA dog sleeps here.\n\nBread needs flour and water.\n")
    (folder / "sub" / "b.txt").write_text("Rivers run to the sea.")
    (folder / ".hidden.md").write_text("A secret.")
    (folder / "c.bin").write_bytes(b"\0\1")
    return folder


def never(file, why):
    raise AssertionError(f"{file}: {why}")


def test_only_what_changed_is_encoded_again(texts, tmp_path):
    embed, place = Counting(), tmp_path / "index"
    index, changes = opened(texts, place, "counting", embed, never)
    assert [each.text for each in index.passages][1:] == [
        "A dog sleeps here.", "Bread needs flour and water.", "Rivers run to the sea.",
    ]  # fmt: skip
    assert [file.name for file in changes.new] == ["a.md", "b.txt"] and not changes.changed
    # 1. Nothing new, nothing encoded, the same vectors.
    embed.asked.clear()
    again, changes = opened(texts, place, "counting", embed, never)
    assert not embed.asked and torch.equal(again.vectors, index.vectors)
    assert not (changes.new or changes.changed or changes.gone)
    # 2. One file changed, one gone, one new; another encoder begins anew.
    (texts / "a.md").write_text("# Home\n\nA dog sleeps here.\n\nBread needs salt.\n")
    (texts / "sub" / "b.txt").rename(texts / "d.txt")
    _, changes = opened(texts, place, "counting", embed, never)
    assert embed.asked == ["Bread needs salt."], "a text that moved is known"
    told = [[file.name for file in part] for part in (changes.new, changes.changed, changes.gone)]
    assert told == [["d.txt"], ["a.md"], ["b.txt"]]
    embed.asked.clear()
    opened(texts, place, "another", embed, never)
    assert len(embed.asked) == 4


def test_meaning_finds_what_words_do_not(texts, tmp_path):
    embed = Counting()
    index, _ = opened(texts, tmp_path / "index", "counting", embed, never)
    first = index.by_meaning("Where is the pet?", 1, embed)[0]
    assert (first.passage.file.name, first.passage.line, first.sentence) == ("a.md", 3, "A dog sleeps here.")
    assert index.by_words("Which flour?", 3)[0].passage.line == 5
    assert index.by_words("xylophone", 3) == []


def test_damage_and_empty_folders_are_sentences(texts, tmp_path):
    place = tmp_path / "index"
    opened(texts, place, "", None, never)
    (place / "index.json").write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        opened(texts, place, "", None, never)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no text to look in"):
        opened(tmp_path / "empty", place, "", None, never)
    with pytest.raises(UserError, match="does not exist"):
        opened(tmp_path / "nowhere", place, "", None, never)


def test_ranks_become_recall_and_reciprocal_rank():
    assert measured([1, 2, 0, 10]) == pytest.approx(
        {"recall@1": 0.25, "recall@5": 0.5, "recall@10": 0.75, "mrr": (1 + 0.5 + 0.1) / 4}
    )


def test_the_command_searches_by_words_where_there_is_no_encoder(texts, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    asked = [
        (["texts", "what does bread need?"], 0), (["texts", " "], 2), (["no", "what?"], 2),
        (["texts", "what?", "-k", "0"], 2), (["texts", "what?", "--encoder", "nowhere"], 2),
    ]  # fmt: skip
    for words, code in asked:
        with pytest.raises(SystemExit) as left:
            main(["search", *words, "--json"])
        said = capsys.readouterr()
        assert int(left.value.code or 0) == code, said.err
        told = json.loads(said.out.splitlines()[-1])
        if code == 0:
            assert (
                told["encoder"] is None and told["by_words"][0]["line"] == told["by_tf_idf"][0]["line"] == 5
            )
            assert "texts/a.md:5" in said.out and "2 new" in said.out


def test_the_packs_encoder_finds_an_answer_without_a_word_of_the_question(
    pack, texts, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRADSCHOOL_DATA", str(pack))
    with pytest.raises(SystemExit):
        main(["search", "texts", "Where do streams end?", "--json"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["by_meaning"][0]["passage"] == "Rivers run to the sea."
    assert told["by_words"] == []
