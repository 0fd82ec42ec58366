"""Runs of word vectors on a text of three topics: words of a topic become neighbours, whatever the method."""

import random

import pytest

from gradschool.errors import WorkFailed
from gradschool.recipes import find
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train

TOPICS = ("king queen man woman royal crown", "dog cat pet tail fur paw", "red blue green paint colour brush")
QUICK = {
    "skipgram_reviews": ["epochs=30"], "cbow_reviews": ["epochs=60"], "subword_reviews": ["epochs=30"],
    "glove_reviews": ["epochs=200", "batch_size=64", "window=5"], "ppmi_svd": [],
}  # fmt: skip


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    chance, file = random.Random(0), tmp_path_factory.mktemp("text") / "topics.txt"
    lines = (" ".join(chance.choices(TOPICS[i % 3].split(), k=30)) for i in range(200))
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def test_the_test_loss_is_that_of_the_test_part(text, tmp_path):
    settings = [f"data={text}", "size=4", "epochs=1", "val=0.2", "evaluations=1"]
    run = override(find("skipgram_reviews")(), settings, "skipgram_reviews")
    folder = train(run, Request("skipgram_reviews", device="cpu", out=tmp_path / "run"), say=lambda _: None)
    scores = folder.read("result.json")["metrics"]
    assert scores["val_loss"] != scores["test_loss"] > 0


@pytest.mark.parametrize("recipe", sorted(QUICK))
def test_words_of_a_topic_are_neighbours(recipe, text, tmp_path, monkeypatch):
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    size = "size=3" if recipe == "ppmi_svd" else "size=12"
    run = override(find(recipe)(), [f"data={text}", size, *QUICK[recipe]], recipe)
    folder = train(run, Request(recipe, device="cpu", out=tmp_path / "run"), say=lambda _: None)
    (tmp_path / "q.txt").write_text("king\nzebra\nking queen dog\na b\n")
    again, skipped = reopen(folder)[0], []
    found = list(
        again.predict(folder, [tmp_path / "q.txt"], 5, lambda *_: None, lambda *told: skipped.append(told[1]))
    )
    assert {word for word, _ in found[0].best} <= set(TOPICS[0].split())
    assert found[-1].text == "king queen dog" and any("2 words" in why for why in skipped)
    assert len(found) == (3 if recipe == "subword_reviews" else 2)  # n-grams give zebra a vector
    assert "Nearest neighbours" in again.report(folder).read_text(encoding="utf-8")
    assert "nothing was measured" in again.conclusion(folder.read("result.json"), "")
    with pytest.raises(WorkFailed):
        (tmp_path / "q.txt").write_text("a b\n")
        list(again.predict(folder, [tmp_path / "q.txt"], 5, lambda *_: None, lambda *_: None))
