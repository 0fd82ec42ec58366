"""Labels of every word: read from three forms, learnt, resumed, reported, asked."""

import json
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from gradschool.data.examples import inventory
from gradschool.data.text.labelled.opentagged import open_tagged
from gradschool.data.text.labelled.tagged import columns, restored, stripped
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.runs.language.label import SequenceLabels
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train


def prose(sentences: int = 600) -> str:
    draw = random.Random(0)
    names = ["Anna", "Bert", "Clara", "Paris", "Rome"]
    found = []
    for _ in range(sentences):
        middle = " ".join(
            draw.choices(["walks", "reads", "sleeps", "in", "with", "and", "quietly"], k=draw.randint(2, 5))
        )
        found.append(
            f"{draw.choice(names)} {middle}, {draw.choice(['then', 'but'])} {draw.choice(names)} sings."
        )
    return " ".join(found)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "prose.txt"
    path.write_text(prose())
    return path


def trained(text, out, steps=None, **changes):
    run = SequenceLabels(data=str(text), epochs=15, batch_size=8, learning_rate=2e-2, threads=1,
                         precision="fp32", model_options={"width": 8, "hidden": 12}, **changes)  # fmt: skip
    return train(
        run, Request("restore_capitals", seed=0, steps=steps, device="cpu", out=out), say=lambda text: None
    )


@pytest.fixture(scope="module")
def finished(text, tmp_path_factory):
    return trained(text, tmp_path_factory.mktemp("runs") / "labels")


def test_a_text_comes_back_from_its_words_and_labels():
    words, tags = stripped("Hello, NATO is here. ok? It's Fine")
    assert words == ["hello", "nato", "is", "here", "ok", "it's", "fine"]
    assert tags == ["Aa,", "AA", "O", ".", "?", "Aa", "Aa"]
    assert restored(words, tags) == "Hello, NATO is here. ok? It's Fine"


@given(st.lists(st.sampled_from(["Anna", "walks", "NATO", "a,", "b.", "Is?"]), min_size=1))
def test_every_plain_text_comes_back(pieces):
    assert restored(*stripped(" ".join(pieces))) == " ".join(pieces)


def test_two_columns_are_read_and_bad_lines_counted():
    pairs, notes = columns("-DOCSTART- O\n\nEU\tNNP\tB-ORG\nrejects O\nbad\n\nPeter B-PER\n", "x.conll")
    assert pairs == [(["EU", "rejects"], ["B-ORG", "O"]), (["Peter"], ["B-PER"])]
    assert notes == ["1 line of x.conll without a word and a label left out."]


def test_parts_and_json_lines(tmp_path):
    row = json.dumps({"tokens": ["a", "b"], "ner_tags": ["O", "B-x"]})
    for part, n in (("train", 20), ("test", 5)):
        (tmp_path / f"{part}.jsonl").write_text("\n".join([row] * n + ["{}"]))
    splits = open_tagged(tmp_path, val=0.2)
    assert {name: len(part) for name, part in splits.parts.items()} == {"train": 16, "val": 4, "test": 5}
    assert len(splits.notes) == 2 and len(set(splits.train.names)) == 16
    assert inventory(splits)["classes"] == ["O", "B-x"]


def test_the_lectures_come_with_the_package():
    splits = open_tagged("lectures")
    assert len(splits.train) > 500 and "Aa" in splits.train.classes
    assert not any("`" in word or "$" in word for words in splits.test.words for word in words)


@pytest.mark.parametrize(
    ("content", "sentence"), [("", "0 sequences"), ("one two three", "1 sequence with 1 label")]
)
def test_what_is_no_text_is_refused(tmp_path, content, sentence):
    (tmp_path / "x.txt").write_text(content)
    with pytest.raises(UserError, match=sentence):
        open_tagged(tmp_path / "x.txt")


def test_it_beats_a_table_of_words(finished):
    result = finished.read("result.json")
    assert result["metrics"]["test_f1"] > result["baseline"]["f1"] + 0.05
    assert "The network beats the most frequent label" in reopen(finished)[0].conclusion(result, "")


def test_resumed_equals_uninterrupted(text, tmp_path, cut_short):
    whole = trained(text, tmp_path / "whole", steps=9, save_every=0.0, evaluations=3)
    place = RunFolder.open(cut_short(whole))
    resume(place, *reopen(place), say=lambda text: None)
    weights = [load_file(folder.path / "model.safetensors") for folder in (whole, place)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_report_and_answers(finished, tmp_path):
    run, _ = reopen(finished)
    page = run.report(finished).read_text()
    for title in ("Baseline", "Classes", "Confusion", "Examples", "Training curves"):
        assert f'-title">{title}</h2>' in page, title
    (one,) = run.answer(finished, ["anna walks and reads but bert sings clara sings then paris sings"], 1)
    assert one.line().startswith("Anna walks") and "Bert" in one.line() and one.line().endswith("sings.")
    assert len(one.facts()["labels"]) == 12
    (tmp_path / "x.txt").write_text("anna walks\n\nbert reads\n")
    said = list(run.predict(finished, [tmp_path / "x.txt"], 1, lambda a, b: None, lambda f, why: None))
    assert [one.words for one in said] == [["anna", "walks"], ["bert", "reads"]]


@pytest.mark.long
@pytest.mark.timeout(600)  # torch.export of a loop takes long on a busy machine
def test_the_network_is_exported_and_labels_sentences_of_any_length_as_torch_does(finished):
    onnxruntime = pytest.importorskip("onnxruntime")
    run, _ = reopen(finished)
    check = run.export(finished, None)
    assert check.relative < 1e-4
    session = onnxruntime.InferenceSession(str(check.path))
    known = {k: json.loads(v) for k, v in session.get_modelmeta().custom_metadata_map.items()}
    model, words, facts = run.reopened(finished)
    assert known["classes"] == facts["classes"] and known["words"] == facts["words"]
    for text in ("anna", "anna walks home and bob sleeps"):
        tokens = torch.tensor([words.encode_words(text.split())])
        (found,) = session.run(None, {"tokens": tokens.numpy()})
        with torch.no_grad():
            wanted = model.cpu().eval()(tokens)
        torch.testing.assert_close(torch.from_numpy(found), wanted, rtol=1e-4, atol=1e-5)
