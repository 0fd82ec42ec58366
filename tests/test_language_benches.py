"""The benchmarks of language models in miniature: what they write, and that they go on where they stopped."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench import common, datalimited, decoding, gpt_gpu, optimisers, shakespeare
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "dogs", "run", "past", "old", "barn"]


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    return tmp_path


@pytest.fixture
def file(tmp_path):
    draw, place = random.Random(0), tmp_path / "text.txt"
    place.write_text(" ".join(draw.choice(WORDS) for _ in range(3000)))
    return place


def test_rows_are_kept_for_the_same_settings_alone(results):
    first = shakespeare.Kept("kept", {"n": 1, "rates": (1.0, 2.0)})
    assert first.row("a", lambda: {"value": 3}) == {"value": 3}
    again = shakespeare.Kept("kept", {"n": 1, "rates": (1.0, 2.0)})
    assert again.row("a", lambda: pytest.fail("it was there")) == {"value": 3}
    assert shakespeare.Kept("kept", {"n": 2, "rates": (1.0, 2.0)}).rows == {}
    assert again.write({"sum": 3})["machine"] and json.loads((results / "kept.json").read_text())["sum"] == 3


def test_the_parts_of_a_text_are_what_they_are_called(file):
    train, val, test, kinds = shakespeare.characters(file)
    text = file.read_text()
    assert len(train) + len(val) + len(test) == len(text) and kinds == len(set(text))
    letters = sorted(set(text))
    assert "".join(letters[i] for i in test.tolist()) == text[-len(test) :]
    x, y = shakespeare.windows(train, 4, 16, "seed", 1)
    assert torch.equal(x[:, 1:], y[:, :-1])
    assert torch.equal(x, shakespeare.windows(train, 4, 16, "seed", 1)[0])


def test_pairs_are_compared_with_a_correction():
    quick, slow = [100.0 + i for i in range(8)], [200.0 + 3 * i for i in range(8)]
    steps = {"a": quick, "b": slow, "c": quick}
    found = {tuple(row["pair"]): row for row in optimisers.pairs(steps)}
    assert found["a", "b"]["ratio"] == pytest.approx(np.exp(np.median(np.log(quick) - np.log(slow))))
    assert found["a", "b"]["p_wilcoxon"] == pytest.approx(2 / 2**8)  # all eight signs alike
    assert found["a", "b"]["p_wilcoxon_holm"] == pytest.approx(3 * 2 / 2**8)
    assert found["a", "c"]["p_t_holm"] == 1.0


@pytest.mark.slow
def test_optimisers_race_and_go_on(results, file, monkeypatch):
    monkeypatch.setattr(optimisers, "RATES", (1e-3, 1e-2))
    monkeypatch.setattr(optimisers, "OPTIMISERS", {k: optimisers.OPTIMISERS[k] for k in ("Adam", "Muon")})
    setting = optimisers.Setting(goal=2.6, most=60, depth=1, batch=4, context=16)
    found = optimisers.measure(setting, 2, file)
    assert set(found["table"]) == {"Adam", "Muon"} and all(r["arrived"] for r in found["table"].values())
    monkeypatch.setattr(optimisers.Race, "steps", lambda *a: pytest.fail("all rows were there"))
    assert optimisers.measure(setting, 2, file)["table"] == found["table"]


@pytest.mark.slow
def test_data_limited_models_are_kept_and_averaged(results, file, tmp_path, monkeypatch):
    monkeypatch.setattr(datalimited, "MEMBERS", 2)
    monkeypatch.setattr(datalimited, "SINGLES", (datalimited.Way(length=0.5), datalimited.Way()))
    setting = datalimited.Setting(depth=1, context=16, batch=4, steps=12, every=4, patience=2)
    found = datalimited.measure(setting, 1, tmp_path / "work", file)
    (gain,) = found["gains"]
    assert gain == pytest.approx(found["median"]["single"] - found["median"]["ensemble"])
    # The ensemble's loss, from the probabilities of the tokens themselves.
    each = [np.exp(-np.load(tmp_path / "work" / f"member-0-{i}.npy").astype(float)) for i in range(2)]
    assert found["median"]["ensemble"] == pytest.approx(-np.log(np.mean(each, 0)).mean())
    assert found["median"]["ensemble"] <= np.mean([-np.log(p).mean() for p in each]) + 1e-9, "Jensen"
    monkeypatch.setattr(datalimited.Lesson, "trained", lambda *a: pytest.fail("all rows were there"))
    assert datalimited.measure(setting, 1, tmp_path / "work", file)["rows"] == found["rows"]


@pytest.mark.slow
def test_decoding_rows_are_written_one_by_one(results, file, monkeypatch, tmp_path):
    parts = shakespeare.characters(file)
    monkeypatch.setattr(decoding, "characters", lambda: parts)
    monkeypatch.setattr(decoding, "SHAPES", {"small": lambda: gpt(65, depth=1)})
    monkeypatch.setattr(decoding, "CONTEXTS", {16: 1.0})
    monkeypatch.setattr(decoding, "gpt2", lambda *a, **k: gpt2(500, 1024, 32, 1, 2, 0.0))
    monkeypatch.setattr(decoding, "TRAINED", {"large": 1, "small": 1})
    monkeypatch.setattr(decoding, "WRITTEN", 12)
    monkeypatch.setattr(decoding, "PROMPTS", 2)
    found = decoding.measure(["steps", "texts", "speculation"], 2, 0.01, tmp_path / "work")
    assert json.loads((results / "decoding.json").read_text()).keys() == found.keys()
    (row,) = found["steps"]["rows"]
    medians = [row["seconds"][side]["median"] for side in ("without", "with a cache")]
    assert row["ratio"] == pytest.approx(medians[0] / medians[1])
    assert [row["type"] for row in found["texts"]["rows"]] == ["float32", "bfloat16"]
    (row,) = found["speculation"]["rows"]
    assert 0 <= row["acceptance"] <= 1 and row["texts_are_equal"] and row["tokens_a_pass"] >= 1


@pytest.mark.slow
def test_gpu_rows_on_a_processor(results, file):
    shape = gpt_gpu.Shape(lambda: gpt(40, depth=1), 40, 16, 2, 1.0)
    baby = replace(gpt_gpu.Baby(), depth=1, context=16, batch=4, seconds=1.0)
    found = gpt_gpu.run(file, "cpu", 1, 1, {"small": shape}, baby, tokens=4)
    assert set(found["rows"]) == {"small", "decoding, one text", "baby GPT, seed 0"}
    assert (
        found["rows"]["small"]["tokens_per_second"] > 0 and found["rows"]["baby GPT, seed 0"]["val_nats"] < 4
    )


def test_without_a_gpu_no_language_model_is_measured(results):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(common.BusyError, match="needs a CUDA GPU"):
        gpt_gpu.run(None)
    assert set(gpt_gpu.shapes()) == {"GPT-2, 124 M parameters", "gpt, depth 10, 51 M parameters"}
