"""A classifier of texts: trained in seconds on made-up texts, resumed, reported, asked, exported."""

import json
import random
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.language.recurrent_classifier import recurrent_classifier
from gradschool.models.language.text_cnn import text_cnn
from gradschool.runs.language.classify import TextClassifier
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

GOOD, BAD = ["lovely", "moving", "wise", "bright"], ["dull", "slow", "silly", "grey"]
REST = ["the", "film", "was", "and", "a", "story", "about", "people", "who", "walk", "in", "rain"]


def texts(n: int, seed: int) -> list[tuple[str, str]]:
    draw = random.Random(seed)
    found = []
    for i in range(n):
        words = draw.choices(REST, k=draw.randint(3, 20)) + draw.choices(GOOD if i % 2 else BAD, k=3)
        draw.shuffle(words)
        found.append((f"{' '.join(words)} {i}", "good" if i % 2 else "bad"))
    return found


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    path.write_text("review,verdict\n" + "".join(f"{text},{label}\n" for text, label in texts(400, 0)))
    return path


def trained(table, out, told=None, steps=None, **changes):
    run = TextClassifier(data=str(table), label="verdict", text="review", epochs=4, batch_size=32,
                         learning_rate=2e-2, precision="fp32", threads=1,
                         model_options={"width": 8})  # fmt: skip
    request = Request("sst2_bag", seed=0, steps=steps, device="cpu", out=out)
    return train(replace(run, **changes), request, say=lambda text: told is not None and told.append(text))


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
    return trained(table, tmp_path_factory.mktemp("runs") / "reviews")


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(map(str, words)))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_it_learns_and_is_set_beside_linear_models(finished):
    result = finished.read("result.json")
    assert result["metrics"]["test_accuracy"] > 0.9 and result["metrics"]["test_f1"] > 0.9
    assert len(result["baselines"]) == 4 and max(result["baselines"].values()) > 0.9
    told = reopen(finished)[0].conclusion(result, "")
    assert "of 40 test texts" in told and ("does not beat" in told or "beats" in told)


@pytest.mark.parametrize("model", [text_cnn, recurrent_classifier])
def test_other_networks_learn_too(table, tmp_path, model):
    options = {"filters": 8, "width": 8} if model is text_cnn else {"hidden": 8, "embedding": 8}
    found = trained(table, tmp_path / "run", model=model, model_options=options, epochs=6, baselines=False)
    assert found.read("result.json")["metrics"]["test_accuracy"] > 0.8
    assert found.read("result.json")["baselines"] == {}


def test_resumed_equals_uninterrupted(table, tmp_path, cut_short):
    whole = trained(table, tmp_path / "whole", steps=9, save_every=0.0, evaluations=3)
    place = RunFolder.open(cut_short(whole))
    resume(place, *reopen(place), say=lambda text: None)
    weights = [load_file(folder.path / "model.safetensors") for folder in (whole, place)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert whole.read("result.json")["metrics"] == place.read("result.json")["metrics"]


def test_the_report_has_its_sections(finished):
    page = reopen(finished)[0].report(finished).read_text()
    for title in (
        "Baselines",
        "Classes",
        "Confusion",
        "Surprises",
        "Length",
        "Salient words",
        "Training curves",
    ):
        assert f'-title">{title}</h2>' in page, title
    assert page.index("best linear model") < page.index("<h2")


def test_typed_texts_files_and_tables_are_answered(finished, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.txt").write_text("a lovely wise story\n\nso dull and grey, silly\n")
    (tmp_path / "table.csv").write_text("id;review\n1;a bright moving film\n")
    code, out, err = call(
        capsys, "predict", finished.path, "lovely, moving, wise", "lines.txt", "table.csv", "no.txt", "--json"
    )
    told = json.loads(out.splitlines()[-1])
    assert [each["top"][0]["class"] for each in told["predictions"]] == ["good", "good", "bad", "good"]
    assert [each.get("place") for each in told["predictions"]] == [None, "line 1", "line 3", "line 2"]
    assert code == 2 and "no.txt: does not exist" in err
    assert sum(each["probability"] for each in told["predictions"][0]["top"]) == pytest.approx(1)


def test_onnx_computes_the_same_for_texts_of_any_length(finished):
    pytest.importorskip("onnxruntime")
    check = reopen(finished)[0].export(finished, None)
    assert check.path.is_file() and check.relative < 1e-4


def test_vectors_to_begin_with_are_kept_where_frozen(table, tmp_path):
    vectors = tmp_path / "v.txt"
    draw = random.Random(0)
    vectors.write_text("".join(f"{w} {draw.random()} {draw.random()}\n" for w in [*GOOD, *BAD, "film"]))
    options = {"width": 2}
    run = trained(table, tmp_path / "run", vectors=str(vectors), frozen=True, model_options=options)
    words, weight = (
        run.read("model.json")["words"],
        load_file(run.path / "model.safetensors")["embedding.weight"],
    )
    assert set(words) == {*GOOD, *BAD, "film"}
    given = {line.split()[0]: list(map(float, line.split()[1:])) for line in vectors.read_text().splitlines()}
    torch.testing.assert_close(weight[2:], torch.tensor([given[word] for word in words]))
    with pytest.raises(UserError, match=r"the vectors have 2.*model_options="):
        trained(table, tmp_path / "other", vectors=str(vectors))
    with pytest.raises(UserError, match="frozen is on"):
        trained(table, tmp_path / "third", frozen=True)


def test_what_is_cut_off_is_told(table, tmp_path):
    told = []
    trained(table, tmp_path / "run", told, steps=1, longest=10, baselines=False)
    assert any("training texts of more than 10 words: the rest is cut off" in each for each in told)


def test_nothing_of_the_picture_wing_is_imported():
    code = "import sys, gradschool.runs.language.classify; print([m for m in sys.modules if '.vision' in m])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "gradschool" not in found.stdout
