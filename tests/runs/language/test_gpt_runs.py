"""A decoder on running text: trained in seconds, resumed bit for bit, mixed with counting, reported."""

import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.language.gpt import gpt
from gradschool.models.language.gpt2 import gpt2
from gradschool.recipes import find
from gradschool.runs.kind import Wanted
from gradschool.runs.language.model import LanguageRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.train import resume, train

WORDS = re.findall(r"\w+", "the cat sat on a mat and saw two dogs run past the old red barn")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    draw = random.Random(0)
    words = (draw.choice(WORDS) + draw.choice(["", "", "", ".\n"]) for _ in range(1500))
    file = tmp_path_factory.mktemp("data") / "cats.txt"
    file.write_text(" ".join(words))
    return file


def settings(file, **changes):
    run = LanguageRun(
        data=str(file), model=gpt, depth=1, model_options={"feed": "relu2"}, context=16, batch_size=8,
        epochs=1, optimizer="muon", momentum=0.95, learning_rate=0.005, schedule="linear", threads=1,
        precision="fp32",
    )  # fmt: skip
    return replace(run, **changes)


def trained(file, out, steps=None, **changes):
    request = Request("gpt", steps=steps, device="cpu", out=out)
    return train(settings(file, **changes), request, say=lambda text: None)


@pytest.fixture(scope="module")
def finished(file, tmp_path_factory):
    return trained(file, tmp_path_factory.mktemp("runs") / "cats", steps=60, evaluations=2)


def test_it_learns_and_its_mixture_is_better_than_either(finished):
    result = finished.read("result.json")
    best = min(result["baselines"].values())
    assert result["metrics"]["test_loss"] < result["baselines"]["1-gram"] - 0.5
    assert result["mixture"]["beside"] in result["baselines"] and 0 < result["mixture"]["weight"] < 1
    assert result["mixture"]["test_loss"] < min(best, result["metrics"]["test_loss"]) + 0.01
    run, _ = reopen(finished)
    assert f"mixture  with the {result['mixture']['beside']}: " in run.conclusion(result, "")


def test_resumed_equals_uninterrupted_with_its_place_in_the_text(file, tmp_path, cut_short):
    changes = {"save_every": 0.0, "evaluations": 3, "ema": 0.9}
    changes["model_options"] = {"dropout": 0.2}
    whole = trained(file, tmp_path / "whole", steps=6, **changes)
    place = RunFolder.open(cut_short(whole))
    resume(place, *reopen(place), say=lambda text: None)
    weights = [load_file(folder.path / "model.safetensors") for folder in (whole, place)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    curves = [[{**line, "seconds": 0} for line in folder.metrics()] for folder in (whole, place)]
    assert curves[0] == curves[1]
    assert whole.read("result.json")["metrics"] == place.read("result.json")["metrics"]


def test_the_report_shows_what_the_heads_look_at(finished, capsys):
    with pytest.raises(SystemExit):
        main(["report", str(finished.path), "--sentence", "the old cat", "--json"])
    page = (finished.path / "report.html").read_text()
    for title in ("Baselines", "Texts over training", "Attention maps", "Logit lens", "Induction heads",
                  "Use of the context", "Calibration",
                  "Loss against compute", "Training curves"):  # fmt: skip
        assert f'-title">{title}</h2>' in page, title
    assert "1 heads, each with the weights of 11 tokens" in page and "this network and the " in page
    assert "Hidden state" not in page


def test_a_sentence_is_for_language_models_of_known_characters(finished):
    run, _ = reopen(finished)
    with pytest.raises(UserError, match="holds 'Ä'"):
        replace(run, sentence="Ä").report(finished)


def test_it_writes_and_reads(finished):
    run, _ = reopen(finished)
    assert run.sample(finished, Wanted(prompt="the cat", tokens=20), None).read_text().startswith("the cat")
    (one,) = run.answer(finished, ["the cat sat on a mat"], 3)
    assert one.bits_per_byte > 0


def test_width_heads_and_rate_follow_the_depth(file):
    nets = {depth: settings(file, depth=depth).build_model(9) for depth in (1, 2)}
    assert [net.output.in_features for net in nets.values()] == [64, 128]
    assert [len(net.blocks) for net in nets.values()] == [1, 2]
    rates = [settings(file, depth=depth).optim().learning_rate for depth in (4, 16, None)]
    assert rates == pytest.approx([0.005, 0.0025, 0.005])
    with pytest.raises(UserError, match="model_options has 'depth'"):
        settings(file, model=find("shakespeare_lstm")().model, model_options={}).build_model(9)


def test_other_decoders_are_models_of_it_as_well(file, tmp_path):
    options = {"width": 16, "depth": 1, "heads": 2}
    folder = trained(file, tmp_path / "run", steps=2, model=gpt2, depth=None, model_options=options, val=0)
    assert "mixture" not in folder.read("result.json")
    run, _ = reopen(folder)
    assert run.model is gpt2 and "Attention maps" in run.report(folder).read_text()


@pytest.mark.parametrize("name", ["gpt", "shakespeare_gpt", "shakespeare_gpt_short", "shakespeare_gpt_gpu"])
def test_recipes_build_a_model_and_say_how_long_they_take(name):
    run = find(name)()
    sizes = {"gpt": 1.36, "shakespeare_gpt": 5.8, "shakespeare_gpt_short": 3.46, "shakespeare_gpt_gpu": 10.7}
    size = sum(p.numel() for p in run.build_model(65).parameters())
    assert size / 1e6 == pytest.approx(sizes[name], rel=0.03)
    assert run.minutes is not None or name.endswith("gpu")


@pytest.mark.long
def test_two_processes_equal_one(file, tmp_path):
    script = tmp_path / "two.py"
    lines = ["import sys", f"sys.path.insert(0, {str(Path(__file__).parent)!r})", "from pathlib import Path"]
    lines += ["from test_gpt_runs import trained", "trained(*map(Path, sys.argv[1:]), steps=12)"]
    script.write_text("\n".join(lines))
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", script]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([*map(str, words), str(file), str(tmp_path / "two")], env=environment,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    trained(file, tmp_path / "one", steps=12)
    folders = [RunFolder(tmp_path / name) for name in ("one", "two")]
    losses = [[line["loss"] for line in folder.metrics() if "loss" in line] for folder in folders]
    assert len(losses[0]) == 12 and losses[1] == pytest.approx(losses[0], rel=1e-4)
    one, two = (folder.read("result.json")["metrics"]["test_loss"] for folder in folders)
    assert two == pytest.approx(one, rel=1e-4)
