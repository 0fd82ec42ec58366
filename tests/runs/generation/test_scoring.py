"""Scoring a generator by a classifier: both trained for seconds on digits."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gradschool.cli.runs import score as command
from gradschool.errors import UserError
from gradschool.evals.classifier import Classifier
from gradschool.recipes import find
from gradschool.runs.generation import judge
from gradschool.runs.generation.score import score
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A VAE and a classifier of digits."""
    place = tmp_path_factory.mktemp("runs")

    def trained(name, steps, *changes):
        run = override(find(name)(), changes, name)
        return train(run, Request(name, steps=steps, out=place / name), say=lambda text: None)

    return trained("vae_mnist", 150, "data=digits", "threads=1"), trained("digits", 150, "threads=1")


@pytest.mark.long
def test_scores_say_by_whose_eyes_and_are_written(runs):
    vae, network = runs
    found = score(vae, network, n=150)
    assert found == vae.read("score.json")
    assert "digits" in found["network"] and "features before its last layer" in found["network"]
    assert found["frechet"] > found["frechet_of_real"] > 0
    assert found["kid"]["low"] < found["kid"]["value"] < found["kid"]["high"]
    assert 0 <= found["precision"] <= 1 and found["classes_covered"][1] == 10
    assert (vae.path / "nearest.png").is_file()


@pytest.mark.long
def test_longer_training_scores_better(runs, tmp_path):
    vae, network = runs
    run = override(find("vae_mnist")(), ["data=digits", "threads=1"], "vae_mnist")
    young = train(run, Request("vae_mnist", steps=5, out=tmp_path / "young"), say=lambda text: None)
    assert score(young, network, n=100)["frechet"] > 2 * score(vae, network, n=100)["frechet"]


@pytest.mark.long
def test_the_command_prints_them(runs, capsys):
    vae, network = runs
    assert command.run(command.Args(vae.path, network.path, n=100, json=True)) == 0
    out = capsys.readouterr().out
    assert "not Inception" in out
    assert json.loads(out.splitlines()[-1])["n"] == 100


@pytest.mark.long
def test_wrong_runs_are_refused_in_a_sentence(runs, tmp_path):
    vae, network = runs
    with pytest.raises(UserError, match="is no generator"):
        score(network, network)
    with pytest.raises(UserError, match="which cannot classify"):
        score(vae, vae)
    with pytest.raises(UserError, match="n is 3"):
        score(vae, network, n=3)


@pytest.mark.long
def test_pictures_of_another_size_are_brought_to_the_networks(runs, tmp_path, capsys):
    vae, network = runs
    large = replace(reopen(vae)[0], size=16)
    large = train(large, Request("vae_mnist", steps=60, out=tmp_path / "large"), say=lambda text: None)
    assert score(large, network, n=60)["resized"] == "16x16 to 8x8"
    assert score(vae, network, n=60)["resized"] is None


@pytest.mark.long
def test_without_a_network_a_judge_of_the_set_is_trained_once_and_kept(runs, tmp_path, monkeypatch, capsys):
    vae, _ = runs
    monkeypatch.setattr(judge, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(judge, "eye", lambda run, images, eye=judge.eye: replace(eye(run, images), epochs=4))
    kind, used = {}, []
    for _ in range(2):
        assert command.run(command.Args(vae.path, n=60, json=True)) == 0
        used.append(json.loads(capsys.readouterr().out.splitlines()[-1]))
        kind = {file: file.stat().st_mtime for file in tmp_path.rglob("result.json")}
    assert used[0] == used[1] and "digits" in used[0]["network"]
    assert len(kind) == 1


@pytest.mark.long
def test_inception_is_asked_for_by_name_and_says_what_it_needs(runs, monkeypatch, tmp_path):
    vae, _ = runs
    pytest.importorskip("torch_fidelity")
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"weights-inception.* is not there"):
        command.run(command.Args(vae.path, Path("inception"), n=20))


@pytest.mark.long
def test_what_inception_sees_is_scored_as_such(runs, monkeypatch, capsys):
    """A network of Inception's form stands in for it: pictures in, features before a last layer."""
    vae, _ = runs

    class Stand(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.last = torch.nn.Linear(3 * 64, 20, bias=False)

        def forward(self, x):
            return self.last(x.flatten(1) / 255)

    def stand(height, width, folder):
        return Classifier(
            Stand().eval(), [str(k) for k in range(20)], torch.Tensor.contiguous, 3, height, width
        )

    monkeypatch.setattr("gradschool.runs.generation.score.inception", stand)
    assert command.run(command.Args(vae.path, Path("inception"), part="train", n=60, json=True)) == 0
    out = capsys.readouterr().out
    assert "not Inception" not in out and "Inception v3 of 2015" in out and "its train part" in out
    assert json.loads(out.splitlines()[-1])["inception"] is True
