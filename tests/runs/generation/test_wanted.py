"""Judging: is the wanted class among a classifier's first five guesses?"""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file
from sklearn.metrics import top_k_accuracy_score

from gradschool.cli.runs import judge as command
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.recipes import find
from gradschool.runs.generation.wanted import imagenet_classes, judge, place_of, verdict
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A generator of threes and fours that is told which, one of threes alone, and a classifier of digits."""
    place = tmp_path_factory.mktemp("runs")

    def trained(name, out, steps, *changes):
        run = override(find(name)(), changes, name)
        return train(run, Request(name, steps=steps, out=place / out), say=lambda text: None)

    small = "data=digits", "threads=1"
    return (
        trained("cvae_fashion", "told", 200, *small, "only=3,4", "batch_size=64"),
        trained("vae_mnist", "alone", 3, *small, "only=3"),
        trained("digits", "eye", 150, "threads=1"),
    )


def test_counts_are_scikit_learns():
    probabilities = torch.randn(200, 12, generator=torch.Generator().manual_seed(0)).softmax(1)
    labels, scores = [7] * 200, probabilities.numpy()
    found = verdict(probabilities, 7)
    known = {"labels": range(12), "normalize": False}
    assert found.first == top_k_accuracy_score(labels, scores, k=1, **known)
    assert found.among == top_k_accuracy_score(labels, scores, k=5, **known)
    assert found.mean == pytest.approx(float(scores[:, 7].mean())) and found.highest == scores[:, 7].max()
    low, high = found.among_interval
    assert low < found.among / 200 < high


def test_a_classifier_that_cannot_tell_passes_nobody():
    assert verdict(torch.full((3, 10), 0.1), 0).among == 0
    assert verdict(torch.eye(10)[:1], 0).first == 1


@pytest.mark.long
def test_a_trained_generator_passes_and_the_record_grows(runs, capsys):
    told, _, eye = runs
    assert command.run(command.Args(told.path, str(eye.path), "3", n=40, json=True)) == 0
    out = capsys.readouterr().out
    found = json.loads(out.splitlines()[-1])
    assert found["class"] == "3" and found["generated"]["n"] == 40 and "among five" in out
    assert found["generated"]["first"] > 20 > 40 * 0.1  # chance would give four
    assert found["real"]["first"] / found["real"]["n"] > 0.8
    judge(told, str(eye.path), "4", n=20)
    judge(told, str(eye.path), "3", n=20)  # again: takes the place of the first
    kept = told.read("judged.json")["verdicts"]
    assert [(one["class"], one["generated"]["n"]) for one in kept] == [("4", 20), ("3", 20)]
    assert (told.path / "judged.png").is_file()
    page = reopen(told)[0].report(told).read_text()
    assert ">Judged<" in page and "among five" in page


@pytest.mark.long
def test_a_run_that_is_not_finished_is_refused(runs, tmp_path):
    told, _, eye = runs
    shutil.copytree(told.path, tmp_path / "young")
    for name in ("model.json", "model.safetensors"):
        (tmp_path / "young" / name).unlink()
    with pytest.raises(UserError, match="is not finished"):
        judge(RunFolder.open(tmp_path / "young"), str(eye.path), "3", n=4)


@pytest.mark.long
def test_a_generator_of_one_class_needs_no_name(runs):
    _, alone, eye = runs
    assert judge(alone, str(eye.path), n=4)["class"] == "3"


@pytest.mark.long
def test_a_network_of_timm_looks_through_its_own_weights(runs, tmp_path):
    import timm

    torch.manual_seed(0)
    net = timm.create_model("resnet18", num_classes=1000)
    save_file(net.state_dict(), tmp_path / "w.safetensors")
    found = judge(runs[1], "resnet18", "jellyfish", n=2, weights=tmp_path / "w.safetensors")
    assert found["taken_as"] == "jellyfish" and found["classes"] == 1000 and found["real"] is None
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="does not fit resnet18"):
        judge(runs[1], "resnet18", "jellyfish", n=2, weights=tmp_path / "other.safetensors")


def test_classes_are_found_by_any_of_their_words():
    known = imagenet_classes()
    assert known[place_of("jellyfish", known)] == "jellyfish" == known[107]
    assert place_of("Monarch", known) == 323 and place_of("goldfish", known) == 1
    with pytest.raises(UserError, match=r"knows no 'jellyfsh'.*jellyfish"):
        place_of("jellyfsh", known)


@pytest.mark.long
def test_wrong_questions_are_refused_in_a_sentence(runs):
    told, alone, eye = runs
    with pytest.raises(UserError, match="is no generator"):
        judge(eye, str(eye.path), "3")
    with pytest.raises(UserError, match="no class was named; wanted: one of 3, 4"):
        judge(told, str(eye.path))
    with pytest.raises(UserError, match="knows no 'fox'"):
        judge(alone, str(eye.path), "fox")
    with pytest.raises(UserError, match="n is 0"):
        judge(alone, str(eye.path), n=0)
    with pytest.raises(UserError, match="backbone is 'resnot18'"):
        judge(alone, "resnot18")
    with pytest.raises(UserError, match="is a variational autoencoder, which cannot classify"):
        judge(told, str(alone.path), "3")
