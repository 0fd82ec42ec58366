"""A language model on running text: trained in seconds, resumed, reported, sampled, asked, exported."""

import json
import math
import random
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.data.text.running.running import open_running
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.language.ngrams import NGram
from gradschool.evals.language.reading import Forgetful, Reader, surprisals
from gradschool.models.language.recurrent_lm import recurrent_lm
from gradschool.runs.kind import Wanted
from gradschool.runs.language.generate import Drawing, drawn
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

WORDS = re.findall(r"\w+", "the cat sat on a mat and saw two dogs run past the old red barn")


def text(words=2000):
    draw = random.Random(0)
    return " ".join(draw.choice(WORDS) + draw.choice(["", "", "", ".\n"]) for _ in range(words))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "cats.txt"
    file.write_text(text())
    return file


def trained(file, out, steps=None, **changes):
    run = LanguageRun(
        data=str(file), model=recurrent_lm, model_options={"hidden": 32, "embedding": 16, "core": "gru"},
        context=32, batch_size=16, epochs=1, learning_rate=2e-2, clip=1.0, threads=1, precision="fp32",
    )  # fmt: skip
    request = Request("shakespeare_lstm", steps=steps, device="cpu", out=out)
    return train(replace(run, **changes), request, say=lambda text: None)


@pytest.fixture(scope="module")
def finished(file, tmp_path_factory):
    return trained(file, tmp_path_factory.mktemp("runs") / "cats", steps=60, evaluations=2)


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(map(str, words)))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_it_learns_and_stands_beside_counting_on_the_same_tokens(finished, file):
    result = finished.read("result.json")
    scores, baselines = result["metrics"], result["baselines"]
    assert scores["test_loss"] < 1.5 < baselines["1-gram"]
    assert scores["test_perplexity"] == pytest.approx(math.exp(scores["test_loss"]))
    assert scores["test_bits_per_byte"] == pytest.approx(scores["test_loss"] / math.log(2))  # ASCII
    run, _ = reopen(finished)
    splits = run.open(0)
    train, test = (torch.from_numpy(p.tokens.astype(np.int64)) for p in (splits.train, splits.test))
    model = NGram.fit(train, 3, len(splits.train.tokeniser))
    assert baselines["3-gram"] == pytest.approx(float(model.surprisals(test)[1:].mean()))
    # 1. The first line says which is better, and the loss is that of every token but the first.
    best = min(baselines.values())
    words = "does not beat the best" if scores["test_loss"] >= best else "beats the best"
    assert run.conclusion(result, "").splitlines()[0].startswith(f" verdict  The network {words}")
    network, _ = run.reopened(finished)
    assert surprisals(network, splits.test.tokens, 32).mean() == pytest.approx(scores["test_loss"], rel=1e-4)


def test_resumed_equals_uninterrupted_with_its_state_and_place_in_the_text(file, tmp_path, cut_short):
    changes = {"save_every": 0.0, "evaluations": 3, "ema": 0.9}
    changes["model_options"] = {"hidden": 8, "embedding": 8, "core": "lstm", "dropout": 0.2}
    whole = trained(file, tmp_path / "whole", steps=6, **changes)
    place = RunFolder.open(cut_short(whole))
    resume(place, *reopen(place), say=lambda text: None)
    weights = [load_file(folder.path / "model.safetensors") for folder in (whole, place)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    curves = [[{**line, "seconds": 0} for line in folder.metrics()] for folder in (whole, place)]
    assert curves[0] == curves[1]
    assert whole.read("result.json")["metrics"] == place.read("result.json")["metrics"]


def test_a_budget_of_time_ends_the_run_and_its_learning_rate(file, tmp_path):
    folder = trained(file, tmp_path / "run", epochs=1e5, minutes=0.1, schedule="linear", warmup=0.0)
    lines = [line for line in folder.metrics() if "lr" in line]
    assert 6 <= lines[-1]["seconds"] < 40 and len(lines) < 1e5
    # An evaluation, which draws texts, may take the last third of so short a budget.
    assert lines[-1]["lr"] < 0.6 * max(line["lr"] for line in lines)
    assert folder.read("result.json")["steps"] == len(lines)


def test_the_report_has_its_sections_and_reaches_for_nothing_outside(finished):
    run, _ = reopen(finished)
    page = run.report(finished).read_text()
    for title in ("Baselines", "Texts over training", "Surprise", "Hidden state", "Training curves"):
        assert f'-title">{title}</h2>' in page, title
    assert "the network</dt>" in page and "beat" in page.split("</dl>")[0]
    assert "held-out loss" in page and "http://" not in page.replace("http://www.w3.org", "")
    with pytest.raises(UserError, match="--ood digits was given to a language model"):
        run.report(finished, ood="digits")


def test_a_run_without_an_end_has_a_report_of_its_curves(finished, tmp_path):
    for name in ("config.json", "metrics.jsonl"):
        (tmp_path / name).write_bytes((finished.path / name).read_bytes())
    run, _ = reopen(RunFolder.open(tmp_path))
    page = run.report(RunFolder.open(tmp_path)).read_text()
    assert "Training curves" in page and "Baselines" not in page


def test_a_text_that_has_changed_is_a_sentence(finished, tmp_path):
    (tmp_path / "other.txt").write_text(text().replace("barn", "BARN"))
    run, _ = reopen(finished)
    with pytest.raises(UserError, match="has other tokens now"):
        run.report(finished, data=str(tmp_path / "other.txt"))


def test_a_prompt_is_gone_on_with_as_it_comes(finished, capsys):
    words = ("sample", finished.path, "--prompt", "the cat", "--tokens", 40, "--seed", 3, "--json")
    code, out, _ = call(capsys, *words)
    written = (finished.path / "text-3.txt").read_text()
    assert code == 0 and written.startswith("the cat") and len(written) == len("the cat") + 41
    assert out.startswith(written.removesuffix("\n")), "what was told is what was written"
    assert json.loads(out.splitlines()[-1])["text"].endswith("text-3.txt")
    run, _ = reopen(finished)
    heard = []
    wanted = Wanted(prompt="the cat", tokens=40, seed=3, heard=heard.append)
    assert run.sample(finished, wanted, None).read_text() == written == "".join(heard) + "\n"
    assert len(heard) > 30
    other = run.sample(finished, replace(wanted, seed=4), None).read_text()
    several = run.sample(finished, replace(wanted, n=2), None).read_text()
    assert other != written and several.startswith(written.removesuffix("\n"))


def test_temperature_and_top_k_sharpen_the_draws(finished):
    run, _ = reopen(finished)
    model, tokeniser = run.reopened(finished)
    prompt = tokeniser.encode("the ")
    greedy = [int(t) for t in drawn(model, prompt, 1, 30, Drawing(temperature=0), 16)]
    assert greedy == [int(t) for t in drawn(model, prompt, 1, 30, Drawing(top_k=1, seed=5), 16)]
    logits = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert torch.equal(Drawing(top_k=9).probabilities(logits), torch.softmax(logits, 1))
    kept = Drawing(temperature=0.5, top_k=2).probabilities(logits)[0]
    assert torch.allclose(kept, torch.softmax(torch.tensor([-math.inf, -math.inf, 6.0, 8.0]), 0))


def test_texts_and_files_are_read_with_their_most_surprising_words(finished, capsys, tmp_path):
    (tmp_path / "a.txt").write_text("the cat sat on the mat.\n" * 3)
    (tmp_path / "b.txt").write_text("Ünknown")
    code, out, err = call(capsys, "predict", finished.path, "the tac sat", "a.txt", "b.txt", "--json")
    typed, known = json.loads(out.splitlines()[-1])["predictions"]
    assert code == 0 and typed["text"] == "the tac sat" and typed["tokens"] == 11
    assert typed["most_surprising"][0]["word"] == "tac"
    assert known["nats_per_token"] < typed["nats_per_token"] and "b.txt" in err and "holds 'Ü'" in err
    assert known["bits_per_byte"] == pytest.approx(known["nats_per_token"] / math.log(2))
    assert call(capsys, "predict", finished.path, "nowhere.txt")[0] != 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sample", "--prompt", "Ä\n"], "holds 'Ä'; wanted: only characters of the training data"),
        (["sample", "--temperature", "-1"], "temperature is -1.0; wanted: a number >= 0"),
        (["sample", "--top-k", "0"], "top-k is 0; wanted: a whole number >= 1"),
        (["sample", "--tokens", "0"], "tokens is 0"),
        (["sample", "-n", "0"], "n is 0"),
        (["sample", "--class", "3"], "--class was given to a language model"),
        (["predict", "Ä b"], "holds 'Ä'"),
        (["predict", ""], "has no token"),
    ],
)
def test_what_it_cannot_do_is_a_sentence(finished, capsys, words, sentence):
    command, *rest = words
    code, _, err = call(capsys, command, finished.path, *rest)
    assert code == 2 and sentence in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "model=nplm"], "there is no model 'nplm'"),
        (["--set", 'model_options={"hiden": 9}'], "Did you mean hidden?"),
        (["--set", 'model_options={"core": "gpt"}'], "recurrent_lm cannot be built: core is 'gpt'"),
        (["--set", "context=50000"], "the text to train on has"),
        (["--set", "tokeniser=bytes"], "tokeniser is one of characters, words or bpe"),
        (["--set", "tokeniser=bpe", "--set", "vocabulary=20"], "a vocabulary of 20 tokens"),
        (["--set", "minutes=0"], "minutes is a number > 0"),
        (["--data", "names"], "names (Given names) is no running text"),
        (["--data", "nowhere.txt"], "there is no data set or folder 'nowhere.txt'"),
        (["--data", "zero.txt"], "zero.txt holds NUL bytes"),
        (["--data", "short.txt"], "wanted"),
    ],
)
def test_bad_input_is_a_sentence(file, capsys, tmp_path, words, sentence):
    (tmp_path / "zero.txt").write_bytes(b"a\0b")
    (tmp_path / "short.txt").write_text("ab")
    words = words if "--data" in words else ["--data", str(file), "--set", "test=0.1", *words]
    code, _, err = call(capsys, "train", "shakespeare_lstm", *words)
    assert code == 2 and sentence in err and len(err.splitlines()) == 1


@pytest.mark.parametrize("tokeniser", ["words", "bpe"])
def test_words_and_byte_pairs_are_tokens_as_well(file, tmp_path, tokeniser):
    folder = trained(file, tmp_path / "run", steps=4, tokeniser=tokeniser, vocabulary=300)
    result = folder.read("result.json")
    assert set(result["baselines"]) == {"1-gram", "2-gram", "3-gram"}
    assert ("test_bits_per_byte" in result["metrics"]) == (tokeniser == "bpe")
    run, _ = reopen(folder)
    (one,) = run.answer(folder, ["The  cat sat"], 3)  # words lose the capital and a space
    assert (one.bits_per_byte is None) == (tokeniser == "words") == ("bits" not in one.line())
    assert "Surprise" in run.report(folder).read_text()
    assert run.sample(folder, Wanted(prompt="the cat", tokens=5), None).read_text().startswith("the cat")


class Last(torch.nn.Module):
    """A model without a state: the next token follows from the last one."""

    has_state = False

    def __init__(self, kinds):
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(kinds, kinds, generator=torch.Generator().manual_seed(0)))

    def forward(self, x):
        return self.table[x]


def test_models_with_and_without_a_state_are_read_alike():
    tokens = np.random.default_rng(0).integers(0, 9, 5000).astype(np.uint16)
    model = Last(9)
    expected = torch.nn.functional.cross_entropy(
        model(torch.from_numpy(tokens[:-1].astype(np.int64))), torch.from_numpy(tokens[1:].astype(np.int64)),
        reduction="none",
    )  # fmt: skip
    assert np.allclose(surprisals(model, tokens, 32), expected.detach().numpy(), atol=1e-5)
    assert torch.equal(Forgetful(model)(torch.tensor([[3]]))[0], model(torch.tensor([[3]])))
    recurrent = recurrent_lm(9, core="lstm", hidden=8, embedding=4).eval()
    row = torch.from_numpy(tokens[:40].astype(np.int64))[None]
    with torch.inference_mode():
        whole, parts = Reader(recurrent, 8), Reader(recurrent, 8)
        parts(row[:, :13])
        assert torch.allclose(whole(row), parts(row[:, 13:]), atol=1e-5)
        one = surprisals(recurrent, tokens[:3000], 3000)
        assert np.allclose(one, surprisals(recurrent, tokens[:3000], 64), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["gru", "lstm"])
def test_the_network_is_exported_with_its_state(finished, tmp_path, core):
    pytest.importorskip("onnxruntime")
    from gradschool.runs.language.export.decoder import export

    model = recurrent_lm(12, core=core, hidden=8, embedding=4, layers=2).eval()
    check = export(model, 12, tmp_path / "a.onnx", {"kinds": 12})
    import onnxruntime

    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"))
    assert check.relative < 1e-4
    names = [each.name for each in session.get_inputs()]
    assert names == ["tokens", "state_0", *(["state_1"] if core == "lstm" else [])]
    # 1. A text, one token a call: the file carries the state as the network does.
    tokens = torch.randint(12, (3, 6), generator=torch.Generator().manual_seed(1))
    state = [np.zeros((2, 3, 8), np.float32)] * (len(names) - 1)
    for t in range(6):
        logits, *state = session.run(
            None, dict(zip(names, [tokens[:, t : t + 1].numpy(), *state], strict=True))
        )
    with torch.inference_mode():
        assert np.allclose(model(tokens)[0][:, -1], logits[:, -1], atol=1e-5)


def test_a_folder_of_texts_is_one_corpus(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(text(400))
    folder = trained(tmp_path, tmp_path / "run", steps=2)
    assert folder.read("data.json")["parts"]["train"]["count"] < len(open_running(tmp_path))
