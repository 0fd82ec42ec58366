"""A classifier on an encoder that learnt without labels: what it takes from it, and what it leaves alone."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from gradschool.data.augment.pipeline import Augment
from gradschool.data.vision.loader import Loader
from gradschool.engine.run import RunFolder
from gradschool.engine.seeds import mix
from gradschool.errors import UserError
from gradschool.recipes import ask, find, on
from gradschool.runs.classification.learnt import ENCODERS
from gradschool.runs.finish import rebuilt
from gradschool.runs.kinds import places
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import resume, train


def quiet(text):
    """Says nothing."""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSCHOOL_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A finished SimCLR run on digits at 6 pixels."""
    run = replace(
        find("digits_simclr")(), model_options={"width": 4}, size=6, batch_size=64, evaluations=1, bank=60,
        precision="fp32",
    )  # fmt: skip
    return train(
        run, Request("digits_simclr", steps=8, out=tmp_path_factory.mktemp("runs") / "encoder"), quiet
    )


def classifier(encoder, **settings):
    run = on("from_encoder", None, [f"start={encoder.path}"])
    return replace(run, labels=0.1, evaluations=1, threads=1, precision="fp32", **settings)


def test_a_recipe_takes_network_size_scale_and_data_from_the_run(encoder):
    run, learnt = on("from_encoder", None, [f"start={encoder.path}"]), reopen(encoder)[0]
    assert (run.data, run.model, run.model_options) == ("digits", learnt.model, {"width": 4})
    assert (
        run.augment == learnt.augment
        and run.sizes == ((0.0, 6),)
        and list(run.mean) == encoder.read("model.json")["mean"]
    )
    changed = override(run, [f"start={encoder.path}", "mode=frozen", "labels=0.01"], "from_encoder")
    assert (changed.mode, changed.labels, changed.start) == ("frozen", 0.01, run.start)
    assert ask("from_encoder", None, [f"start={encoder.path}"]).recipe == "from_encoder"


@pytest.mark.parametrize("mode", ["finetune", "frozen", "scratch"])
def test_a_classifier_of_each_mode(encoder, tmp_path, mode):
    run = classifier(encoder, mode=mode)
    folder = train(run, Request("from_encoder", steps=40, out=tmp_path / "run"), quiet)
    result = folder.read("result.json")
    assert result["metrics"]["test_accuracy"] > 0.3 and result["test_images"] == 360
    assert folder.read("data.json")["parts"]["train"]["count"] == 142
    found, given = load_file(folder.path / "model.safetensors"), load_file(encoder.path / "model.safetensors")
    body = {k: v for k, v in given.items() if k.startswith("body.")}
    same = [torch.equal(found[k], v) for k, v in body.items()]
    assert all(same) if mode == "frozen" else not all(same)
    assert reopen(folder)[0].said(folder, run.open(0).test).argmax(1).shape == (360,)


def test_a_probe_is_batch_normalisation_and_a_linear_layer_on_frozen_features(encoder, tmp_path):
    """Oracle: a plain loop of torch over the same batches, features computed anew at every step."""
    run = classifier(
        encoder,
        mode="frozen",
        augment=Augment(),
        optimizer="sgd",
        schedule="constant",
        warmup=0.0,
        weight_decay=0.0,
    )
    folder = train(run, Request("from_encoder", steps=7, out=tmp_path / "run"), quiet)
    found = load_file(folder.path / "model.safetensors")
    splits = run.open(0)
    pipeline = run.pipeline(splits.train)
    torch.manual_seed(mix(0))
    model = run.start_model(splits.train, pipeline)
    model.body.eval()
    norm, layer = torch.nn.BatchNorm1d(64, affine=False), model.head[1]
    optimizer = torch.optim.SGD(layer.parameters(), run.learning_rate)
    loader = Loader(splits.train, run.batch_size, 0, pipeline)
    batches = [batch for epoch in range(4) for batch in loader.epoch(epoch)][:7]
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(layer(norm(model.body(x))), y).backward()
        optimizer.step()
    torch.testing.assert_close(found["head.1.weight"], layer.weight.detach(), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found["head.0.running_mean"], norm.running_mean, rtol=1e-3, atol=1e-5)


def test_a_finished_run_needs_its_encoder_no_longer(encoder, tmp_path):
    copy = tmp_path / "encoder"
    copy.mkdir()
    for name in ("config.json", "model.json", "model.safetensors", "result.json"):
        (copy / name).write_bytes((encoder.path / name).read_bytes())
    run = classifier(RunFolder.open(copy))
    folder = train(run, Request("from_encoder", steps=3, out=tmp_path / "run"), quiet)
    for file in copy.iterdir():
        file.unlink()
    model, facts = rebuilt(folder, reopen(folder)[0])
    assert facts["input"] == [1, 6, 6] and model(torch.zeros(2, 1, 6, 6)).shape == (2, 10)


@pytest.mark.parametrize("mode", ["finetune", "frozen"])
def test_a_run_cut_short_goes_on_unless_its_encoder_has_changed(encoder, cut_short, tmp_path, mode):
    copy = tmp_path / "encoder"
    copy.mkdir()
    for name in ("config.json", "model.json", "model.safetensors", "result.json"):
        (copy / name).write_bytes((encoder.path / name).read_bytes())
    run = classifier(RunFolder.open(copy), mode=mode, save_every=0.0)
    whole = train(run, Request("from_encoder", steps=6, out=tmp_path / "whole"), quiet)
    folder = RunFolder.open(cut_short(whole))
    weights = load_file(copy / "model.safetensors")
    save_file(
        {k: v + 1 if v.is_floating_point() else v for k, v in weights.items()}, copy / "model.safetensors"
    )
    with pytest.raises(UserError, match="has other weights now"):
        resume(folder, *reopen(folder), quiet)
    save_file(weights, copy / "model.safetensors")
    (copy / "model.safetensors").write_bytes((encoder.path / "model.safetensors").read_bytes())
    resume(folder, *reopen(folder), quiet)
    one, other = (load_file(f.path / "model.safetensors") for f in (whole, folder))
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_what_is_no_encoder_is_refused(encoder, tmp_path):
    with pytest.raises(UserError, match=r"start is not given.*digits_simclr"):
        train(
            replace(find("from_encoder")(), data="digits"), Request("from_encoder", out=tmp_path / "a"), quiet
        )
    folder = train(classifier(encoder), Request("from_encoder", steps=1, out=tmp_path / "b"), quiet)
    with pytest.raises(UserError, match=r"a run of kind learnt.*simclr, mae, dino"):
        on("from_encoder", None, [f"start={folder.path}"])
    with pytest.raises(UserError):
        on("from_encoder", None, [f"start={tmp_path / 'nowhere'}"])
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.json").write_bytes((encoder.path / "config.json").read_bytes())
    with pytest.raises(UserError, match="is not finished"):
        on("from_encoder", None, [f"start={tmp_path / 'half'}"])
    colour = replace(classifier(encoder), mean=(0.5,) * 3, std=(0.2,) * 3)
    with pytest.raises(UserError, match="has learnt from pictures of 3 channels; wanted: 1"):
        train(colour, Request("from_encoder", out=tmp_path / "c"), quiet)


def test_every_run_that_learns_an_encoder_may_be_a_start():
    kinds = {kind for kind, (module, _) in places().items() if "representation" in module}
    assert set(ENCODERS) == kinds


def test_any_classifier_takes_a_share_of_the_labels():
    run = replace(find("digits")(), labels=0.03)
    splits = run.open(0)
    assert len(splits.train) == 40 and len(splits.test) == 360
    assert "40 of 1,437 training pictures are labelled" in splits.notes[-1]
    other = replace(run, split_seed=5)
    assert torch.equal(other.open(0).train.pixels, other.open(1).train.pixels)
    assert not torch.equal(run.open(0).train.pixels, run.open(1).train.pixels)
