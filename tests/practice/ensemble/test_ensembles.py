"""Ensembles of runs on digits: what they say, what is kept, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from asking import answers
from PIL import Image
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.classification.adapt import normalisations
from gradschool.evals.classification.metrics import negative_log_likelihood
from gradschool.models.vision.mlp import netlin
from gradschool.practice.ensemble.folds import train_folds
from gradschool.practice.ensemble.make import ensemble
from gradschool.practice.ensemble.result import against_mean, verdict
from gradschool.practice.ensemble.soup import averaged, greedy_soup
from gradschool.recipes import find
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen, splits_again
from gradschool.runs.request import Request, silent
from gradschool.runs.train import train

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")  # what batch normalisation keeps of its data


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("ensembles")
        patch.chdir(folder)
        patch.setenv("GRADSCHOOL_CACHE", str(folder / "cache"))
        yield folder


def trained(place, name, seed=0, steps=25, **changes):
    """A short run on digits; all seeds have the same parts."""
    run = replace(find("digits")(), **{"val": 0.2, "split_seed": 0, "precision": "fp32", **changes})
    return train(run, Request("digits", seed, steps, out=place / name), silent)


@pytest.fixture(scope="module")
def runs(place):
    """Two runs, one of which is better."""
    trained(place, "one", steps=60)
    trained(place, "two", seed=1, save_every=0.0)
    return ["one", "two"]


@pytest.fixture(scope="module")
def over_folds(place):
    """Two runs over three folds of the same data."""
    for seed, name in enumerate(("a", "b")):
        run = replace(find("digits")(), precision="fp32", epochs=2)
        train_folds(run, Request("digits", seed, 25, out=place / name), 3, silent)
    return ["a", "b"]


def said(folder, part="test"):
    """What a run says of a part of its data, and the labels."""
    run, _ = reopen(folder)
    examples = splits_again(run, folder).parts[part]
    return run.said(folder, examples), examples.labels


def test_the_plain_mean_is_the_mean_of_probabilities(runs, place, tmp_path):
    folder = ensemble(runs, out=tmp_path / "mean")
    each = [said(RunFolder(place / name))[0].softmax(1) for name in runs]
    logits, labels = said(folder)
    # float32 answers, averaged in float64 and rounded again
    assert torch.allclose(logits.exp(), (each[0] + each[1]) / 2, atol=1e-5)
    result = folder.read("result.json")
    assert result["metrics"]["test_accuracy"] == float((logits.argmax(1) == labels).double().mean())
    assert result["metrics"]["test_loss"] == pytest.approx(negative_log_likelihood(logits, labels))
    assert [row["weight"] for row in result["members"]] == [0.5, 0.5]
    own = RunFolder(place / "one").read("result.json")["metrics"]["test_accuracy"]
    assert result["members"][0]["test_accuracy"] == own
    assert "against_mean" not in result and result["fitted_on"] == 0
    assert not list(tmp_path.rglob("checkpoints"))


@pytest.mark.parametrize("how", ["greedy", "simplex", "stack"])
def test_weights_are_fitted_on_the_validation_part_and_judged_on_the_test_part(runs, how, tmp_path):
    folder = ensemble(runs, how, out=tmp_path / how)
    result, config = folder.read("result.json"), folder.read("config.json")
    assert config["settings"]["fit"] == "val" and config["command"].endswith(f"--how {how} --fit val")
    logits, labels = said(folder, "val")
    assert result["fitted_on"] == len(labels)
    # 1. On what they were fitted on, they are at least as good as the plain mean.
    mean = ensemble(runs, out=tmp_path / "mean")
    if how == "simplex":
        losses = [negative_log_likelihood(each, labels) for each in (logits, said(mean, "val")[0])]
        assert losses[0] <= losses[1] + 1e-6
    # 2. The difference that is told is that of the test part.
    gap = result["metrics"]["test_loss"] - result["plain_mean"]["test_loss"]
    told = result["against_mean"]["loss"]
    assert told["value"] == pytest.approx(gap, abs=1e-6) and told["low"] <= gap <= told["high"]
    assert result["told"][-1][0] == "against" and how in result["told"][-1][1]
    if how != "stack":
        weights = [row["weight"] for row in result["members"]]
        assert weights[0] > weights[1] and sum(weights) == pytest.approx(1)


def test_a_member_of_weight_zero_is_not_kept(place, runs, tmp_path, monkeypatch):
    from gradschool.evals.classification import blend
    from gradschool.practice.ensemble import make

    only = blend.Blend("probabilities", torch.tensor([0.0, 1.0]).double())
    monkeypatch.setitem(make.FITS, "greedy", lambda *_: only)
    folder = ensemble(runs, "greedy", out=tmp_path / "one")
    assert [each.name for each in folder.path.glob("member-*")] == ["member-02"]
    assert torch.allclose(said(folder)[0].exp(), said(RunFolder(place / "two"))[0].softmax(1), atol=1e-5)


def test_out_of_fold_predictions_are_fitted_on_by_themselves(over_folds, place, tmp_path):
    folder = ensemble(over_folds, "simplex", out=tmp_path / "oof")
    result = folder.read("result.json")
    assert folder.read("config.json")["settings"]["fit"] == "oof"
    assert result["fitted_on"] == folder.read("data.json")["parts"]["train"]["count"] == 1437
    kept = [load_file(place / name / "oof.safetensors") for name in over_folds]
    assert (kept[0]["labels"] == kept[1]["labels"]).all()
    weights = torch.tensor([row["weight"] for row in result["members"]])
    losses = []
    for w in (weights, torch.tensor([0.5, 0.5])):
        p = sum(share * each["logits"].softmax(1) for share, each in zip(w, kept, strict=True))
        losses.append(negative_log_likelihood(p.log(), kept[0]["labels"]))
    assert losses[0] <= losses[1] + 1e-6
    # The same predictions judge the weights fold by fold, beside the plain mean of all.
    by_folds = result["nested"]
    assert by_folds["plain_mean"] == pytest.approx(losses[1], abs=1e-6)
    assert by_folds["loss"] >= losses[0] - 1e-6 and by_folds["best_member"] <= by_folds["chosen_member"]
    assert dict(result["told"])["nested"].startswith("fold by fold, the weights of simplex have")


def test_files_are_answered_as_pictures_of_the_set_are(runs, tmp_path):
    folder = ensemble(runs, "stack", out=tmp_path / "stack")
    images = splits_again(reopen(folder)[0], folder).test
    for i in range(3):
        Image.fromarray(images.pixels[i, 0].numpy()).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes(b"no picture")
    skipped = []
    found = answers(folder, *sorted(tmp_path.glob("*.png")), top=10, skipped=skipped)
    assert [file.name for file, _ in skipped] == ["3.png"]
    wanted = reopen(folder)[0].said(folder, images.take(torch.arange(3))).exp()
    for one, row in zip(found, wanted, strict=True):
        assert [p for _, p in one.top] == sorted((p for _, p in one.top), reverse=True)
        assert dict(one.top) == pytest.approx({str(i): float(p) for i, p in enumerate(row)}, abs=1e-4)
    assert len(answers(folder, tmp_path / "0.png", top=2)[0].top) == 2


@pytest.mark.parametrize("how", ["logits", "stack"])
def test_one_onnx_file_holds_all_members(runs, how, tmp_path):
    ort = pytest.importorskip("onnxruntime")
    folder = ensemble(runs, how, out=tmp_path / how)
    run, _ = reopen(folder)
    check = run.export(folder, None)
    images = splits_again(run, folder).test.take(torch.arange(20))
    session = ort.InferenceSession(str(check.path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": images.pixels.numpy().astype(np.float32) / 255})
    assert found == pytest.approx(run.said(folder, images).numpy(), abs=1e-3)
    known = session.get_modelmeta().custom_metadata_map
    assert json.loads(known["classes"]) == list("0123456789") and json.loads(known["std"]) == [1.0]


@pytest.mark.long
def test_the_report_names_members_weights_and_the_verdict(runs, tmp_path):
    folder = ensemble(runs, "greedy", out=tmp_path / "greedy")
    page = reopen(folder)[0].report(folder).read_text()
    result = folder.read("result.json")
    for row in result["members"]:
        assert row["name"] in page and f"{row['weight']:.3f}" in page
    assert "plain mean of all" in page
    assert "does not beat the plain mean" in page or "beats the plain mean" in page


def test_kept_weights_are_members(runs, place, tmp_path):
    folder = RunFolder(place / "one")
    first, last = folder.checkpoints.index()["all"][0], folder.checkpoints.index()["all"][-1]
    steps = [int(name.split("-")[1]) for name in (first, last)]
    names = ["one", "one@ema", f"one@{steps[0]}", f"one@{steps[1]}"]
    made = ensemble(list(dict.fromkeys(names)), out=tmp_path / "snapshots")
    kept = [load_file(each / "model.safetensors") for each in sorted(made.path.glob("member-*"))]
    own = folder.checkpoints.load("last")[0]
    assert all((kept[0][name] == kept[1][name]).all() for name in kept[0])  # a run with ema ends with it
    assert all((kept[-1][name] == own["model"][name]).all() for name in kept[0])
    assert any((kept[-1][name] != kept[0][name]).any() for name in kept[0])


def test_a_soup_of_one_network_is_that_network(runs, place, tmp_path):
    """Its statistics of batch normalisation are those of the training part, no moving average of batches."""
    folder = ensemble(["one", "one@ema"], "soup", out=tmp_path / "soup")
    found, own = (load_file(each / "model.safetensors") for each in (folder.path / "soup", place / "one"))
    for name, value in own.items():
        assert name.endswith(BUFFERS) or torch.allclose(found[name], value, atol=1e-6), name
    assert [each.name for each in folder.path.iterdir() if each.is_dir()] == ["soup"]
    both = folder, RunFolder(place / "one")
    accuracies = [each.read("result.json")["metrics"]["test_accuracy"] for each in both]
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.05)


def test_a_soup_holds_the_mean_of_weights(runs, place, tmp_path):
    folder = ensemble(runs, "soup", out=tmp_path / "soup")
    inner = RunFolder(folder.path / "soup")
    found = load_file(inner.path / "model.safetensors")
    each = [load_file(place / name / "model.safetensors") for name in runs]
    for name, value in found.items():
        mean = (each[0][name] + each[1][name]) / 2
        assert name.endswith(BUFFERS) or torch.allclose(value, mean, atol=1e-6), name
    # 1. Statistics are taken anew: of the first normalisation they are those of what comes before it.
    assert inner.read("result.json")["metrics"] == folder.read("result.json")["metrics"]
    run, _ = reopen(inner)
    model, facts = rebuilt(inner, run)
    pixels = splits_again(run, inner).train.pixels.float() / 255
    seen, layer = [], normalisations(model)[0]
    layer.register_forward_pre_hook(lambda _, x: seen.append(x[0].mean((0, 2, 3))))
    with torch.no_grad():
        model((pixels - facts["mean"][0]) / facts["std"][0])
    # The last of the batches is smaller and counts as much.
    assert torch.allclose(layer.running_mean, seen[0], atol=0.05)
    name = next(name for name in found if name.endswith("running_mean"))
    assert not torch.allclose(found[name], (each[0][name] + each[1][name]) / 2, atol=1e-4)
    # 2. Unrelated networks make a bad soup, and it says so; the greedy one keeps the better network.
    assert "soup is worse than the plain mean" in folder.read("result.json")["told"][-1][1]
    greedy = ensemble(runs, "greedy-soup", out=tmp_path / "greedy")
    assert [row["weight"] for row in greedy.read("result.json")["members"]] == [1.0, 0.0]


def test_greedy_soup_keeps_what_does_not_harm():
    values = {(1,): 0.9, (1, 2): 0.9, (1, 2, 0): 0.5, (1, 2, 3): 0.95}
    chosen, reached = greedy_soup([0.5, 0.9, 0.8, 0.3], lambda places: values[tuple(places)])
    assert (chosen, reached) == ([1, 2, 3], 0.95)


def test_whole_numbers_are_not_averaged():
    found = averaged(
        [{"n": torch.tensor(3), "w": torch.tensor([1.0])}, {"n": torch.tensor(5), "w": torch.tensor([2.0])}]
    )
    assert int(found["n"]) == 3 and found["w"].tolist() == [1.5]


def test_the_verdict_is_plain():
    labels, draw = torch.arange(400) % 2, torch.Generator().manual_seed(0)
    good = torch.nn.functional.one_hot(labels, 2) * 3.0
    bad = good + 4 * torch.randn(400, 2, generator=draw)
    assert "x beats the plain mean in error and log-loss" in verdict("x", against_mean(good, bad, labels), 9)
    lost = verdict("x", against_mean(bad, good, labels), 9)
    assert "is worse" in lost and "take the plain mean" in lost and "fitted on 9 examples" in lost
    assert "x does not beat the plain mean" in verdict("x", against_mean(bad, bad, labels), 0)


@pytest.fixture(scope="module")
def odd(runs, place):
    """Runs that cannot join the two."""
    trained(place, "elsewhere", split_seed=None, seed=3)
    trained(place, "without", val=0.0)
    trained(place, "wide", steps=2, model=netlin)
    for name, file, change in (
        ("other_classes", "data.json", {"classes": list("012345678x")}),
        ("other_set", "data.json", {"name": "mnist"}),
        ("other_test", "data.json", {"parts": {"test": {"sha256": "x"}}}),
    ):
        (place / name).mkdir()
        for each in ("config.json", "model.json", "result.json", "data.json"):
            content = json.loads((place / "two" / each).read_text())
            (place / name / each).write_text(json.dumps(content | (change if each == file else {})))
    (place / "unfinished").mkdir()
    (place / "unfinished" / "config.json").write_text((place / "two" / "config.json").read_text())
    train(find("perceptron")(), Request("perceptron", out=place / "line"), silent)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["one"], "ensemble got 1 run; wanted: two or more"),
        (["one", "./one"], "ensemble got ./one twice"),
        (["one@ema", "one@ema"], "ensemble got one@ema twice"),
        (["one", "nowhere"], "nowhere is not a run"),
        (["one", "line"], "line is a perceptron, which cannot be a member of an ensemble"),
        (["one", "unfinished"], "unfinished is not finished; wanted: a finished run"),
        (["one", "other_classes"], "other_classes has other classes than one (9 is in one of them alone)"),
        (["one", "other_set"], "other_set was trained on mnist, and one on digits"),
        (["one", "other_test"], "other_test has another test part than one"),
        (["one", "one@7"], "one has kept no weights called '7'; wanted: one of "),
        (["one", "without", "--how", "greedy"], "without has no validation part"),
        (["one", "elsewhere", "--how", "simplex"], "elsewhere has another validation part than one"),
        (["one", "two", "--how", "stack", "--fit", "oof"], "one has no out-of-fold predictions"),
        (["one", "two", "--fit", "val"], "--fit val came with --how mean; wanted: one of greedy"),
        (["one", "wide", "--how", "soup"], "wide has another architecture than one"),
        (["one", "two", "--out", "one"], "one already holds a run"),
    ],
)
def test_what_cannot_stand_together_is_a_sentence(odd, place, capsys, words, sentence):
    before = sorted(place.rglob("*"))
    with pytest.raises(SystemExit) as left:
        main(["ensemble", *words, *([] if "--out" in words else ["--out", "refused"])])
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert sentence in told and len(told.strip().splitlines()) == 1
    assert sorted(place.rglob("*")) == before


def test_the_command_prints_members_and_one_object(runs, capsys, tmp_path):
    with pytest.raises(SystemExit) as left:
        main(["ensemble", *runs, "--how", "greedy", "--no-report", "--out", str(tmp_path / "e"), "--json"])
    assert not left.value.code
    out = capsys.readouterr().out
    found = json.loads(out.splitlines()[-1])
    assert found["how"] == "greedy" and found["fit"] == "val" and len(found["members"]) == 2
    assert " member   one" in out and " against  error" in out


def test_an_ensemble_is_a_member_too(runs, over_folds, place, tmp_path):
    folder = ensemble(["a", "one"], out=tmp_path / "nested")
    each = [said(RunFolder(place / name))[0].softmax(1) for name in ("a", "one")]
    assert torch.allclose(said(folder)[0].exp(), (each[0] + each[1]) / 2, atol=1e-5)
    with pytest.raises(UserError, match="which no soup can hold"):
        ensemble(["a", "one"], "soup", out=tmp_path / "soup")


def test_damaged_weights_are_a_sentence(runs, tmp_path):
    folder = ensemble(runs, out=tmp_path / "e")
    (folder.path / "blend.safetensors").write_bytes(b"no")
    with pytest.raises(UserError, match="is damaged"):
        said(folder)
