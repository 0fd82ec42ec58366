"""Pruned runs on digits: what is measured, what the folder holds, and what is refused."""

import json
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.evals import turns
from gradschool.models.vision.mlp import netlin
from gradschool.practice.prune import lines, slow
from gradschool.recipes import find
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen, splits_again
from gradschool.runs.request import Request, silent
from gradschool.runs.train import resume, train


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("pruned")
        patch.chdir(folder)
        patch.setenv("GRADSCHOOL_CACHE", str(folder / "cache"))
        patch.setattr(turns, "ROUNDS", 6)
        yield folder


@pytest.fixture(scope="module")
def whole(place):
    run = replace(find("digits")(), precision="fp32")
    return train(run, Request("digits", 3, 80, out=place / "whole"), silent)


def call(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(list(map(str, words)))
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def accuracy(folder, change=lambda model: None):
    """Of a run's network on its test part, after a change of its weights."""
    run, _ = reopen(folder)
    model, facts = rebuilt(folder, run)
    change(model)
    test = splits_again(run, folder).test
    x, y = run.prepared(facts["mean"], facts["std"], 10).eval(test.pixels, test.labels)
    with torch.inference_mode():
        return float((model(x).argmax(1) == y).double().mean())


def smallest_to_zero(share):
    def change(model):
        layers = [p for name, p in model.named_parameters() if p.dim() > 1]
        sizes = torch.cat([p.detach().abs().flatten() for p in layers]).sort().values
        limit = sizes[round(share * len(sizes))]
        for p in layers:
            p.data[p.abs() < limit] = 0

    return change


def test_weights(whole, capsys):
    code, out, err = call(capsys, "prune", "whole", "--share", "0.9", "--steps", "30", "--out", "w", "--json")
    assert code == 0, err
    told, made = json.loads(out.splitlines()[-1]), RunFolder(Path("w"))
    # 1. Accuracy, by other means.
    assert told["accuracy"]["before"] == accuracy(whole)
    assert told["accuracy"]["cut"] == pytest.approx(accuracy(whole, smallest_to_zero(0.9)))
    assert told["accuracy"]["trained"] == accuracy(made) > 0.8
    # 2. The folder holds a plain network with zeros, which squeeze well.
    weights = load_file("w/model.safetensors")
    assert weights.keys() == load_file("whole/model.safetensors").keys()
    matrices = [value for value in weights.values() if value.dim() > 1]
    counted = sum(int((each == 0).sum()) for each in matrices) / sum(each.numel() for each in matrices)
    assert told["zeros"] == pytest.approx(counted) == pytest.approx(0.9, abs=1e-3)
    small = len(zlib.compress(Path("w/model.safetensors").read_bytes(), 9))
    assert told["bytes"][1] == {"file": Path("w/model.safetensors").stat().st_size, "compressed": small}
    assert small < 0.5 * told["bytes"][0]["compressed"]
    assert told["bytes"][0]["file"] == pytest.approx(told["bytes"][1]["file"], rel=0.02)
    # 3. Both see the same parts.
    assert made.read("data.json")["parts"] == whole.read("data.json")["parts"]
    assert "times as fast" in " ".join(out.split()) and "when cut" in out


def test_channels(whole, capsys):
    code, out, err = call(
        capsys, "prune", "whole", "--by", "channel", "--share", "0.5", "--steps", "30", "--out", "c", "--json"
    )
    assert code == 0, err
    told, made = json.loads(out.splitlines()[-1]), RunFolder(Path("c"))
    assert told["parameters"][1] < 0.6 * told["parameters"][0] and told["zeros"] == 0
    assert told["bytes"][1]["file"] < 0.7 * told["bytes"][0]["file"]
    assert told["accuracy"]["trained"] == accuracy(made) > max(0.8, told["accuracy"]["cut"] - 0.01)
    assert told["parameters"][1] == sum(v.numel() for n, v in load_file("c/model.safetensors").items()
                                        if "running" not in n and "num_batches" not in n)  # fmt: skip
    # A pruned run is a run: it is exported, and can be pruned again.
    check = reopen(made)[0].export(made, None)
    assert check.relative < 1e-3
    words = ["--by", "channel", "--share", "0.3", "--steps", "2", "--out", "cc", "--json"]
    code, out, err = call(capsys, "prune", "c", *words)
    assert code == 0, err
    again = json.loads(out.splitlines()[-1])
    assert again["parameters"][1] < again["parameters"][0] == told["parameters"][1]
    assert accuracy(RunFolder(Path("cc"))) == again["accuracy"]["trained"]


def test_a_killed_pruning_goes_on_as_if_nothing_had_happened(whole, place, cut_short, capsys):
    words = ["--steps", "8", "--set", "save_every=0", "--out", "k"]
    assert call(capsys, "prune", "whole", *words)[0] == 0
    cut = RunFolder.open(cut_short(RunFolder(place / "k")))
    resumed = resume(cut, *reopen(cut), say=silent)
    ours, theirs = (load_file(each / "model.safetensors") for each in (resumed.path, place / "k"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_zeros_are_said_not_to_be_faster_unless_they_are():
    one = {"median": 2.0, "low": 2.0, "high": 2.0}
    found = {
        "share": 0.9, "by": "weight", "zeros": 0.9, "parameters": [10, 10],
        "accuracy": {"before": 0.99, "cut": 0.5, "trained": 0.98},
        "bytes": [{"file": 4000, "compressed": 3000}, {"file": 4000, "compressed": 500}],
        "milliseconds": {"1": [one, {**one, "median": 1.9}]},
    }  # fmt: skip
    told = "\n".join(lines(found))
    assert "1.05 times as fast" in told and slow("weight") in told
    assert "a dense kernel multiplies by zeros" in slow("weight")
    found["milliseconds"] = {"1": [one, {**one, "median": 1.0}]}
    assert "note" not in "\n".join(lines(found))


def test_what_cannot_be_pruned_is_told(whole, place, capsys):
    train(find("perceptron")(), Request("perceptron", out=place / "rule"), silent)
    flat = replace(find("digits")(), precision="fp32", model=netlin)
    train(flat, Request("digits", 0, 5, out=place / "flat"), silent)
    cases = [
        (["rule"], "which cannot be pruned; wanted: an image classifier"),
        (["nowhere"], "nowhere is not a run"),
        (["whole", "--share", "1"], "share is 1; wanted: a number above 0 and below 1"),
        (["whole", "--share", "0"], "share is 0"),
        (["flat", "--by", "channel"], "every channel of this network is read in several places"),
        (["whole", "--set", "nonsense=1"], "has no setting 'nonsense'"),
    ]
    for words, sentence in cases:
        code, _, err = call(capsys, "prune", *words)
        assert code == 2 and sentence in " ".join(err.split()), (words, err)
    assert sorted(each.name for each in place.glob("runs/*")) == []
