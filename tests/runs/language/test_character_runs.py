"""A character-level language model of names: trained in seconds, resumed, reported, sampled, asked."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.runs.kind import Wanted
from gradschool.runs.language.draw import draw
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train


def trained(out, told=None, steps=None, seed=0, **changes):
    run = replace(find("names_mlp")(), **changes)
    request = Request("names_mlp", seed=seed, steps=steps, device="cpu", out=out)
    return train(run, request, say=lambda text: told is not None and told.append(text))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A fifth of the recipe's training."""
    return trained(tmp_path_factory.mktemp("runs") / "names", epochs=4)


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(map(str, words)))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_names_are_learnt_and_n_grams_are_beaten(finished):
    result = finished.read("result.json")
    scores, baselines = result["metrics"], result["baselines"]
    assert result["main"] == "test_loss" and result["about"]["loss"]["better"] == "lower"
    assert scores["test_loss"] < 2.53 < baselines["trigram, add-one"] < baselines["unigram, add-one"] < 3
    assert scores["test_perplexity"] == pytest.approx(2.718281828 ** scores["test_loss"])
    assert scores["new_names"] > 0.8 and result["tested"] == 200
    run, _ = reopen(finished)
    told = run.conclusion(result, "")
    assert f"{scores['test_loss']:.3f} nats per character on 200 test names" in told
    assert "The network beats the best n-gram model (6-gram, interpolated" in told
    assert run.next_step(finished) == f"gradschool sample {finished.path}"


def test_resumed_equals_uninterrupted(tmp_path, cut_short):
    whole = trained(tmp_path / "whole", steps=9, save_every=0.0, evaluations=3, context=3, ema=0.9)
    place = RunFolder.open(cut_short(whole))
    resume(place, *reopen(place), say=lambda text: None)
    weights = [load_file(folder.path / "model.safetensors") for folder in (whole, place)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    results = [folder.read("result.json") for folder in (whole, place)]
    assert results[0]["metrics"] == results[1]["metrics"]
    curves = [[{**line, "seconds": 0} for line in folder.metrics()] for folder in (whole, place)]
    assert curves[0] == curves[1]


def test_the_report_has_its_sections_and_reaches_for_nothing_outside(finished):
    run, _ = reopen(finished)
    page = run.report(finished).read_text()
    for title in ("Baselines", "New names", "Next character", "Character embeddings", "Training curves"):
        assert f'-title">{title}</h2>' in page, title
    assert "trigram, add-one" in page and "bits per character" in page and page.count("<svg") == 4
    assert "1,620 training names · 180 validation names · 200 test names" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "#0102" not in page
    with pytest.raises(UserError, match="--ood digits was given to a character-level language model"):
        run.report(finished, ood="digits")


def test_a_run_without_an_end_has_a_report_of_its_curves(finished, tmp_path):
    for name in ("config.json", "metrics.jsonl"):
        (tmp_path / name).write_bytes((finished.path / name).read_bytes())
    folder = RunFolder.open(tmp_path)
    run, _ = reopen(folder)
    page = run.report(folder).read_text()
    assert "Training curves" in page and "Baselines" not in page
    with pytest.raises(UserError, match="is not finished"):
        run.sample(folder, Wanted(), None)


def test_new_names_are_written_and_those_that_are_known_are_counted(finished, capsys, tmp_path):
    code, out, _ = call(capsys, "sample", finished.path, "-n", 30, "--seed", 3, "--json")
    told, lines = json.loads(out.splitlines()[-1]), (finished.path / "names-3.txt").read_text().splitlines()
    known = set(find("names_mlp")().open(0).train.texts)
    assert code == 0 and told["names"] == str(finished.path / "names-3.txt")
    assert len(lines) == 30 and all(line and set(line) <= set("abcdefghijklmnopqrstuvwxyz") for line in lines)
    new = sum(line not in known for line in lines)
    assert f"{new} of 30 are new, not among the 1,620 training names" in out
    run, _ = reopen(finished)
    fewer = run.sample(finished, Wanted(n=4, seed=3), tmp_path).read_text()
    assert fewer.splitlines() == lines[:4], "a name does not depend on how many follow it"
    assert run.sample(finished, Wanted(n=4, seed=4), tmp_path / "other.txt").read_text() != fewer


def test_draws_follow_the_probabilities_of_the_model():
    """Of a model that forgets what came before, the share of every first character is known."""

    class Forgetful(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.logits = torch.nn.Parameter(torch.tensor([0.4, 0.3, 0.2, 0.1]).log())

        def forward(self, x):
            return self.logits.expand(len(x), -1)

    lines = draw(Forgetful(), Vocabulary("abc"), 2, 20_000, 0, 40)
    assert min(map(len, lines)) == 1  # the first character is not the end: 0.5, 0.33, 0.17 are left
    shares = [sum(line[0] == c for line in lines) / 20_000 for c in "abc"]
    assert shares == pytest.approx([0.3 / 0.6, 0.2 / 0.6, 0.1 / 0.6], abs=0.015)  # 4 standard errors
    mean = sum(map(len, lines)) / 20_000
    assert mean == pytest.approx(1 + 0.6 / 0.4, abs=0.06)  # a geometric number of characters after the first
    assert max(map(len, draw(Forgetful(), Vocabulary("abc"), 2, 100, 0, 3))) == 3


def test_lines_of_a_file_are_scored(finished, capsys, tmp_path):
    (tmp_path / "list.txt").write_text("maria\nxqzvkk\nJürgen\n")
    code, out, err = call(capsys, "predict", finished.path, "list.txt", "--json")
    found = json.loads(out.splitlines()[-1])["predictions"]
    assert code == 0 and [one["text"] for one in found] == ["maria", "xqzvkk"]
    assert found[0]["nats_per_character"] < 2.5 < 3.5 < found[1]["nats_per_character"]
    assert "line 3 (Jürgen) has characters that the run has never seen: J ü" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["export"], "is a character-level language model, which cannot export"),
        (["sample", "--class", "3"], "--class was given to a character-level language model"),
        (["sample", "--film"], "Leave --film out"),
        (["sample", "--guidance", "2"], "wanted: -n and --seed"),
        (["sample", "-n", "0"], "n is 0; wanted: a whole number from 1 to 100,000"),
        (["score"], "is no generator"),
        (["judge", "--network", "{run}"], "{run} is"),
    ],
)
def test_what_it_cannot_do_is_a_sentence(finished, capsys, words, sentence):
    command, *rest = (word.format(run=finished.path) for word in words)
    code, _, err = call(capsys, command, finished.path, *rest)
    assert code == 2 and len(err.splitlines()) == 1
    assert sentence.format(run=finished.path) in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "context=0"], "context is a number >= 1"),
        (["--set", "test=1"], "test is a number < 1"),
        (["--set", "model=resnet18"], "there is no model 'resnet18'; wanted: one of context_lstm, nplm"),
        (["--set", 'model_options={"hiden": 9}'], "Did you mean hidden?"),
        (["--set", 'model_options={"dropout": 2.5}'], "nplm cannot be built: dropout's p is 2.5"),
        (["--data", "digits"], "digits (Handwritten digits, 8x8) holds no lines of text"),
        (["--data", "nowhere.txt"], "there is no data set or folder 'nowhere.txt'"),
        (["--data", "few.txt"], "few.txt has 1 different lines; wanted: 10 or more"),
    ],
)
def test_bad_input_is_a_sentence(capsys, tmp_path, words, sentence):
    (tmp_path / "few.txt").write_text("anna\nanna\n")
    code, _, err = call(capsys, "train", "names_mlp", *words)
    assert code == 2 and sentence in err and len(err.splitlines()) == 1


def test_a_list_of_ones_own_is_told_trained_on_and_missed_when_it_has_moved(capsys, tmp_path):
    cities = [f"Sankt {a}{b}øst" for a in "ABCDEF" for b in "aeiou"]
    file = tmp_path / "cities.txt"
    file.write_bytes(("\ufeff" + "\r\n".join([*cities, "", cities[0], ""])).encode())
    words = ["--data", "cities.txt", "--steps", "2", "--out", "run", "--set", "val=0"]
    code, out, _ = call(capsys, "train", "names_mlp", *words)
    assert code == 0 and "cities.txt · 27 train / 3 test · 18 different characters" in out
    assert "1 empty and 1 repeated lines are left out of cities.txt." in out
    # 1. The run knows its training names, wherever the file is; the report asks for it.
    file.rename(tmp_path / "moved.txt")
    assert call(capsys, "sample", "run")[0] == 0
    code, _, err = call(capsys, "report", "run")
    assert code == 2 and "there is no data set or folder" in err and len(err.splitlines()) == 1
    assert call(capsys, "report", "run", "--data", "moved.txt")[0] == 0
    # 2. Another file in its place is told in the report.
    (tmp_path / "moved.txt").write_text("\n".join([*cities, "Oslo"]))
    call(capsys, "report", "run", "--data", "moved.txt")
    assert "part is not what the run had" in (tmp_path / "run" / "report.html").read_text()


def test_commands_know_the_run_and_the_set(finished, capsys):
    code, out, _ = call(capsys, "runs", finished.path.parent)
    assert code == 0 and "nats loss" in out and "names_mlp" in out
    assert " lines    2,000\n" in call(capsys, "data", "names")[1]
    with pytest.raises(SystemExit):
        main(["train", "names_mlp", "--help"])
    table = capsys.readouterr().out
    assert "Characters that the model looks back." in table and "model            nplm" in table


def test_no_other_wing_is_entered():
    """What the recipe, its run and its report need is the core and the text wing, down to the last import."""
    code = "import sys, gradschool.recipes.language.names_mlp; print(*sorted(sys.modules))"
    names = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    pictures = {"vision", "augment", "classification", "generation", "generative", "dense"}
    others = {"neurons", "scratch", "series", "rl"}
    operations = ("gradschool.ops.", "gradschool.fast.")  # below all wings: the switch knows every one
    ours = [name for name in names if name.startswith("gradschool.") and not name.startswith(operations)]
    assert "gradschool.runs.language.run" in ours
    assert [name for name in ours if set(name.split(".")) & (pictures | others)] == []
