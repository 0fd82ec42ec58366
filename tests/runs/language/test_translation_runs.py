"""Translation runs: trained on an invented language, resumed bit for bit, reported, asked."""

import json
import random
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.language.seq2seq import seq2seq
from gradschool.models.language.transformer import transformer
from gradschool.runs.kind import Wanted
from gradschool.runs.language.translate import TranslationRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

pytest.importorskip("sacrebleu")
WORDS = {"ein": "a", "hund": "dog", "mann": "man", "kind": "child", "sieht": "sees", "ruft": "calls",
         "rot": "red", "klein": "small"}  # fmt: skip


def sentence(draw):
    """A sentence whose adjective stands behind its noun in one language and before it in the other."""
    nouns = [(draw.choice(["hund", "mann", "kind"]), draw.choice(["rot", "klein"])) for _ in range(2)]
    verb = draw.choice(["sieht", "ruft"])
    source = f"ein {nouns[0][0]} {nouns[0][1]} {verb} ein {nouns[1][0]} {nouns[1][1]}"
    target = [f"a {WORDS[adjective]} {WORDS[noun]}" for noun, adjective in nouns]
    return source, f"{target[0]} {WORDS[verb]} {target[1]}"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    draw, file = random.Random(0), tmp_path_factory.mktemp("data") / "pairs.tsv"
    rows = [sentence(draw) for _ in range(300)]
    file.write_text("de\ten\n" + "".join(f"{s}\t{t}\n" for s, t in [*rows, ("", "nothing")]))
    return file


def run_on(table, **changes):
    options = {"width": 32, "depth": 1, "heads": 2, "dropout": 0.0, "norm_first": True, "tied": True}
    run = TranslationRun(
        data=str(table), source="de", target="en", model=transformer, model_options=options, vocabulary=300,
        batch_size=512, epochs=40, learning_rate=1e-2, evaluations=2, threads=1, precision="fp32", beams=2,
        optimizer="muon", ema=0.9, warmup=0.1,
    )  # fmt: skip
    return replace(run, **changes)


def trained(run, out, steps=None):
    request = Request("multi30k_transformer", seed=0, steps=steps, device="cpu", out=out)
    return train(run, request, say=lambda text: None)


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
    return trained(run_on(table), tmp_path_factory.mktemp("runs") / "translator")


def test_it_learns_an_order_that_no_dictionary_knows(finished):
    result = finished.read("result.json")
    copied, words, greedy, best = result["rows"]
    assert copied["bleu"] < words["bleu"] < greedy["bleu"] and best["bleu"] > 90
    assert result["main"] == "test_bleu" and result["metrics"]["test_bleu"] == best["bleu"]
    assert result["signature"].startswith("nrefs:1|case:mixed")
    run, _ = reopen(finished)
    told = run.conclusion(result, "")
    assert result["signature"] in told and "beats a dictionary" in told


def test_it_translates_texts_files_and_prompts(finished, tmp_path):
    run, _ = reopen(finished)
    [one] = run.answer(finished, ["ein hund rot sieht ein kind klein"])
    assert one.line() == "a red dog sees a small child"
    file = tmp_path / "texts.txt"
    file.write_bytes(b"ein hund rot sieht ein kind klein\r\n\r\nein mann klein ruft ein hund rot\r\n")
    lost = []
    missing = tmp_path / "missing.txt"
    told = list(run.predict(finished, [file, missing], 1, lambda *_: None, lambda f, why: lost.append(f)))
    [other] = run.answer(finished, ["ein mann klein ruft ein hund rot"])
    assert [each.text for each in told] == [one.text, "", other.text] and lost == [missing]
    assert told[0].facts() == {"file": file, "source": one.source, "translation": one.text}
    heard = []
    for beam in (None, 1):
        path = run.sample(finished, Wanted(prompt=one.source, beams=beam, heard=heard.append), None)
        assert path.read_text() == f"{one.text}\n"
    assert heard == [one.text, one.text]
    for wanted, said in ((Wanted(), "got no text"), (Wanted(prompt="a", tokens=3), "--tokens"),
                         (Wanted(prompt="a", beams=0), "beams is 0")):  # fmt: skip
        with pytest.raises(UserError, match=said):
            run.sample(finished, wanted, None)


def test_the_report_shows_scores_lengths_attention_and_examples(finished):
    run, _ = reopen(finished)
    page = run.report(finished).read_text(encoding="utf-8")
    for said in ("Scores", "a dictionary, word by word", "Length", "Attention", "Examples", "nrefs:1",
                 "one side is empty"):  # fmt: skip
        assert said in page
    with pytest.raises(UserError, match="--ood"):
        run.report(finished, ood="digits")


def test_a_resumed_run_is_the_uninterrupted_one(table, tmp_path):
    run = run_on(table, epochs=3, save_every=0)
    whole = trained(run, tmp_path / "whole")
    part = trained(run, tmp_path / "part")
    for name in ("result.json", "model.json"):
        (part.path / name).unlink()
    half = sorted(p.name for p in (part.path / "checkpoints").glob("step-*"))[0]
    again, request = reopen(RunFolder(part.path))
    resume(RunFolder(part.path), again, replace(request, checkpoint=half), say=lambda text: None)
    weights = [load_file(folder / "model.safetensors") for folder in (whole.path, part.path)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_a_recurrent_translator_and_greedy_decoding(table, tmp_path):
    run = run_on(
        table, model=seq2seq, model_options={"embedding": 16, "hidden": 16}, beams=1, optimizer="adamw"
    )
    folder = trained(run, tmp_path / "seq2seq", steps=4)
    result = folder.read("result.json")
    assert len(result["rows"]) == 3
    assert result["metrics"]["test_bleu"] == result["metrics"]["test_greedy_bleu"]
    assert "Attention" in run.report(folder).read_text(encoding="utf-8")


def test_muon_leaves_tables_of_vectors_to_adamw(table, tmp_path):
    folder = trained(run_on(table, ema=None), tmp_path / "muon", steps=2)
    states = load_file(next((folder.path / "checkpoints").glob("step-*")) / "model.optimizer.safetensors")
    moved = [name for name, value in states.items() if name.endswith("velocity") and 300 in value.shape]
    assert not moved and any(name.endswith("velocity") for name in states)


def test_a_network_that_cannot_be_built_is_a_sentence(table):
    with pytest.raises(UserError, match=r"model_options has 'depht'.*Did you mean depth"):
        run_on(table, model_options={"depht": 2}).build_model(300)
    with pytest.raises(UserError, match="transformer cannot be built"):
        run_on(table, model_options={"width": 30}).build_model(300)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_is_exported_as_two_files_with_its_tokens(finished, tmp_path, unchecked):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    run, _ = reopen(finished)
    check = run.export(finished, tmp_path / "two")
    assert check.relative < 1e-3 and check.path == tmp_path / "two"
    files = sorted(check.path.iterdir())
    assert [file.name for file in files] == ["decoder.onnx", "encoder.onnx"]
    assert check.size == sum(file.stat().st_size for file in files)
    known = onnxruntime.InferenceSession(str(files[0])).get_modelmeta().custom_metadata_map
    tokens = run.reopened(finished).tokeniser
    assert json.loads(known["tokeniser"]) == json.loads(json.dumps(tokens.facts()))
    assert json.loads(known["start"]) == tokens.special["<|start|>"]
