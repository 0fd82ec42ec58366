"""Transfer, offline: timm's tiny networks are the backbones, random weights in a file the learnt ones."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from asking import answers
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from gradschool.data.augment.pipeline import Augment, Pipeline
from gradschool.data.rows import Rows
from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader, evaluation_batches
from gradschool.data.vision.open import open_set
from gradschool.engine.device import Machine
from gradschool.engine.optim import make_optimizer
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.practice import transfer as comparing
from gradschool.recipes import find
from gradschool.runs.classification import transfer
from gradschool.runs.classification.report import report
from gradschool.runs.finish import rebuilt
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import from_dict, override, to_dict
from gradschool.runs.train import resume, train
from gradschool.runs.vision import backbone

timm = pytest.importorskip("timm")
NAME, SIDE = "test_resnet", 48
CPU = Machine("cpu", "fp32", False)
BASE = transfer.TransferRun(
    data="", backbone=NAME, image_size=SIDE, batch_size=8, epochs=2, learning_rate=1e-2, val=0.0,
    flip_test=True, precision="fp32",
)  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def insects(tmp_path_factory):
    """Two classes that differ in colour: 32 images to train on, 16 to test on."""
    root, rng = tmp_path_factory.mktemp("data") / "insects", np.random.default_rng(0)
    for part, n in (("train", 16), ("test", 8)):
        for name, colour in (("ants", (180, 60, 60)), ("bees", (60, 180, 60))):
            (root / part / name).mkdir(parents=True)
            for i in range(n):
                pixels = np.clip(rng.normal(colour, 40, (50, 44, 3)), 0, 255).astype("uint8")
                Image.fromarray(pixels).save(root / part / name / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A checkpoint of timm's with its classifier of 1,000 classes, and the network it came from."""
    torch.manual_seed(3)
    net = timm.create_model(NAME).eval()
    file = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file(net.state_dict(), file)
    return net, file


@pytest.fixture
def base(insects, published):
    return replace(BASE, data=str(insects), weights=str(published[1]))


def pixels(n=6, channels=3, side=SIDE):
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, 256, (n, channels, side, side), dtype=torch.uint8, generator=generator)
    return Images(values, torch.arange(n) % 2, ("ants", "bees"))


def quiet(text):
    """Says nothing."""


@pytest.mark.parametrize("name", [*timm.list_models("test_*"), "resnet18", "vit_tiny_patch16_224"])
def test_input_is_what_timm_says(name):
    with torch.device("meta"):
        config = timm.data.resolve_model_data_config(timm.create_model(name))
    known = backbone.expects(name)
    assert (3, known.side, known.side) == config["input_size"]
    assert (known.mean, known.std) == (config["mean"], config["std"])


@pytest.mark.parametrize("name", [n for n in timm.list_models("test_*") if "vit3" not in n])
def test_any_backbone_gets_a_head_that_fits(name):
    run = transfer.TransferRun(data="", backbone=name)
    with torch.device("meta"):
        assert run.build_model(7, 3)(torch.zeros(2, 3, run.side(), run.side())).shape == (2, 7)


def test_images_are_normalised_as_the_backbone_expects():
    """Against (x / 255 - mean) / std with timm's numbers; data of another mean are left as they are."""
    images = pixels()
    x, _ = BASE.pipeline(images).eval(images.pixels, images.labels)
    torch.testing.assert_close(x, images.pixels / 255 / 0.5 - 1, rtol=0, atol=1e-6)  # mean and std are 0.5
    other, _ = replace(BASE, normalise="data").pipeline(images).eval(images.pixels, images.labels)
    torch.testing.assert_close(other.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    small = pixels(side=20)
    assert BASE.pipeline(small).eval(small.pixels, small.labels)[0].shape == (6, 3, SIDE, SIDE)
    assert replace(BASE, image_size=None).side() == 160


def test_the_body_has_the_files_weights_and_the_head_is_new(base, published):
    net, _ = published
    images = pixels()
    model = base.start_model(images, base.pipeline(images)).eval()
    x = torch.randn(2, 3, SIDE, SIDE)
    features = net.forward_head(net.forward_features(x), pre_logits=True)
    torch.testing.assert_close(model.body(x), features)
    assert model.head.weight.shape == (2, features.shape[1])


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext"])
def test_first_filters_are_summed_or_repeated_for_other_channels(name, tmp_path):
    """Grey repeated three times is the same picture: colour and grey body must answer alike."""
    colour, grey = (
        timm.create_model(name, num_classes=0).eval(),
        timm.create_model(name, 0, in_chans=1).eval(),
    )
    grey.reset_classifier(0)
    x = torch.randn(2, 1, *colour.pretrained_cfg["input_size"][1:])
    for net, channels in ((colour, 1), (grey, 3)):
        save_file(net.state_dict(), tmp_path / "w.safetensors")
        other = backbone.trained_body(name, channels, {}, tmp_path / "w.safetensors").eval()
        wanted = net(x.expand(-1, 4 - channels, -1, -1))
        # Sums of three in another order: 1e-6 a layer.
        torch.testing.assert_close(other(x.expand(-1, channels, -1, -1)), wanted, rtol=1e-3, atol=1e-4)


def test_the_body_learns_at_its_own_rate(base):
    model = base.build_model(2, 3)
    rates = {
        id(p): group["lr"]
        for group in make_optimizer(model, base.optim()).param_groups
        for p in group["params"]
    }
    assert {rates[id(p)] for p in model.head.parameters()} == {1e-2}
    assert {rates[id(p)] for p in model.body.parameters()} == {1e-2 * 0.1}
    assert replace(base, mode="scratch").optim().rates == ()


def test_a_frozen_run_is_training_the_head_on_the_body_run_anew(base, insects, published, tmp_path):
    """Oracle: a plain loop of torch that runs the whole network at every step."""
    run = replace(base, mode="frozen", optimizer="sgd", schedule="constant", warmup=0.0, flip_test=False)
    folder = train(run, Request("hymenoptera_transfer", device="cpu", out=tmp_path / "run"), quiet)
    found = load_file(folder.path / "model.safetensors")
    # 1. The body is the file's, to the bit: also its running statistics.
    for key, value in published[0].state_dict().items():
        assert key.startswith("fc.") or torch.equal(found[f"body.{key}"], value), key
    # 2. The head is that of the plain loop.
    splits = open_set(str(insects), size=SIDE, val=0.0)
    torch.manual_seed(mixed_seed(0))
    model = run.start_model(splits.train, run.pipeline(splits.train))
    model.body.eval()
    optimizer = torch.optim.SGD(model.head.parameters(), 1e-2)
    loader = Loader(splits.train, 8, 0, run.pipeline(splits.train))
    for x, y in [batch for epoch in range(2) for batch in loader.epoch(epoch)]:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    torch.testing.assert_close(found["head.weight"], model.head.weight.detach(), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(found["head.bias"], model.head.bias.detach(), rtol=1e-3, atol=1e-5)


def mixed_seed(seed):
    """The seed from which a run draws its first weights."""
    from gradschool.engine.seeds import mix

    return mix(seed)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["scratch", "finetune", "probe_finetune", "lora", "frozen"])
def test_a_run_learns_reports_and_predicts_without_its_source(mode, base, insects, published, tmp_path):
    """Once trained, a run needs neither the file it started from nor a network."""
    file = tmp_path / "moved.safetensors"
    file.write_bytes(published[1].read_bytes())
    run = replace(base, mode=mode, weights=str(file), epochs=6)
    folder = train(run, Request("hymenoptera_transfer", out=tmp_path / "run"), quiet)
    result = folder.read("result.json")
    assert result["metrics"]["test_accuracy"] > 0.8, "two colours"
    file.unlink()
    model, facts = rebuilt(folder, reopen(folder)[0])
    assert facts["input"] == [3, SIDE, SIDE] and facts["mean"] == [0.5] * 3
    # The same answers as when the run was tested.
    images = open_set(str(insects), size=SIDE, val=0.0).test
    x, y = next(evaluation_batches(images, run.pipeline(images), len(images)))
    with torch.no_grad():
        logits = (model(x) + model(x.flip(-1))) / 2
    assert (logits.argmax(1) == y).float().mean().item() == result["metrics"]["test_accuracy"]
    (answer,) = answers(folder, insects / "test" / "ants" / "0.png", top=2)
    assert {word for word, _ in answer.top} == {"ants", "bees"}
    if mode == "frozen":
        assert report(run, folder).stat().st_size > 10_000


@pytest.mark.long
@pytest.mark.parametrize("mode", ["finetune", "frozen"])
def test_a_run_cut_short_goes_on_to_the_same_weights(mode, base, tmp_path):
    run = replace(base, mode=mode, optimizer="adamw")
    whole = train(run, Request("hymenoptera_transfer", out=tmp_path / "whole"), quiet)

    def cut(line):
        if line["step"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(WorkFailed, match="--resume"):
        train(run, Request("hymenoptera_transfer", out=tmp_path / "cut"), quiet, (cut,))
    folder = RunFolder.open(tmp_path / "cut")
    settings, request = reopen(folder)
    assert not folder.read("result.json")
    resume(folder, settings, request, quiet)
    first, second = (load_file(f.path / "model.safetensors") for f in (whole, folder))
    assert first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_features_come_in_the_order_of_their_images():
    """Image i holds the number i, so batches of a Loader and of Rows can be compared."""
    n = 22
    values = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1)
    loader = Loader(
        Images(values, torch.arange(n), tuple(map(str, range(n)))), 6, 5, Pipeline((0.0,), (1.0,))
    )
    made = Rows((torch.arange(n).float()[:, None], torch.arange(n)), 6, 5)
    halves = [replace(made, share=(rank, 2)) for rank in (0, 1)]
    assert len(made) == len(loader) == 3
    for epoch in (0, 1):
        wanted = [y for _, y in loader.epoch(epoch)]
        assert torch.equal(torch.stack(wanted), torch.stack([y for _, y in made.epoch(epoch)]))
        assert torch.equal(torch.stack(wanted[1:]), torch.stack([y for _, y in made.epoch(epoch, 1)]))
        assert all(torch.equal(x[:, 0], y) for x, y in made.epoch(epoch))
        for y, *parts in zip(wanted, *(half.epoch(epoch) for half in halves), strict=True):
            assert torch.equal(y, torch.cat([part for _, part in parts]))
    assert len(Rows((torch.zeros(3, 1), torch.zeros(3)), 8, 0)) == 1


def test_a_pipeline_that_changes_images_does_not_change_features(base, published):
    images = pixels()
    augment = Augment(flip=True, crop_padding=4)
    run = replace(base, mode="frozen", augment=augment, flip_test=False)
    model = run.start_model(images, run.pipeline(images)).eval()
    loader = Loader(images, 6, 0, run.pipeline(images))
    shown = transfer.Shown(images.take(torch.arange(1)), run.pipeline(images), 1)
    head, made, held_out = run.feed(model, loader, shown, CPU)
    assert head is model.head and len(next(held_out())[0]) == 1
    with torch.no_grad():
        torch.testing.assert_close(
            made.columns[0], model.body(images.pixels / 255 / 0.5 - 1), rtol=1e-3, atol=1e-5
        )
    assert not any(p.requires_grad for p in model.body.parameters())


def test_settings_survive_the_run_folder_and_the_command_line(base):
    assert from_dict(transfer.TransferRun, to_dict(base)) == base
    changed = override(base, ["mode=frozen", "backbone=test_vit", "image_size=none"], "hymenoptera_transfer")
    assert (changed.mode, changed.side(), changed.network()) == ("frozen", 160, "test_vit, frozen")
    recipe = find("hymenoptera_transfer")()
    assert recipe.pretrained and recipe.backbone.startswith("resnet18.") and recipe.side() == 224


WRONG = [
    ({"backbone": "resnet19"}, "backbone is 'resnet19'.*Did you mean resnet18"),
    ({"backbone": "resnet18.best"}, r"backbone is 'resnet18.best'.*resnet18.a1_in1k"),
    ({"backbone": "test_vit", "image_size": 48}, "image_size is 48; wanted: 160, all that test_vit takes"),
    ({"test_size": 64}, "sizes or test_size is set"),
]


@pytest.mark.parametrize(("settings", "words"), WRONG)
def test_settings_that_cannot_be_are_refused(settings, words):
    with pytest.raises(UserError, match=words):
        replace(BASE, **settings)


@pytest.mark.parametrize("ending", [".pth", ".pt", ".bin", ".ckpt", ""])
def test_a_pickle_is_never_opened(ending, base, tmp_path, monkeypatch):
    file = tmp_path / f"weights{ending}"
    torch.save({"x": torch.zeros(1)}, file)
    monkeypatch.setattr(torch, "load", lambda *a, **k: pytest.fail("a pickle was opened"))
    with pytest.raises(UserError, match=r"can run code when it is opened.*save_file"):
        replace(base, weights=str(file)).start_model(pixels(), BASE.pipeline(pixels()))


def test_weights_that_do_not_fit_are_refused(base, published, tmp_path):
    images, pipeline = pixels(), BASE.pipeline(pixels())
    with pytest.raises(UserError, match="do not fit test_efficientnet"):
        replace(base, backbone="test_efficientnet").start_model(images, pipeline)
    short = dict(list(published[0].state_dict().items())[4:])
    save_file(short, tmp_path / "short.safetensors")
    with pytest.raises(UserError, match=r"do not fit test_resnet.*Missing key"):
        replace(base, weights=str(tmp_path / "short.safetensors")).start_model(images, pipeline)
    (tmp_path / "half.safetensors").write_bytes(published[1].read_bytes()[:5000])
    with pytest.raises(UserError, match=r"half.safetensors is damaged"):
        replace(base, weights=str(tmp_path / "half.safetensors")).start_model(images, pipeline)
    with pytest.raises(UserError, match="is not there"):
        replace(base, weights="nowhere.safetensors").start_model(images, pipeline)


def test_weights_out_of_reach_are_one_sentence(monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    words = r"weights of resnet18 cannot be reached.*model.safetensors of timm/resnet18.*pretrained=false"
    with pytest.raises(WorkFailed, match=words):
        backbone.fetched("resnet18")


def test_a_body_without_safe_weights_is_refused(monkeypatch):
    monkeypatch.setattr(backbone, "found", lambda name: {"url": "https://example.org/net.pth"})
    with pytest.raises(UserError, match="no published weights that are safe to open"):
        backbone.fetched("net")


def test_a_person_is_warned_of_what_costs_accuracy(base):
    assert replace(base, image_size=None).notes() == []
    (note,) = replace(base, image_size=None, normalise="data").notes()
    assert "mean (0.5, 0.5, 0.5)" in note and "94.8" in note
    assert ["has learnt from 160 pixels" in note for note in base.notes()] == [True]
    assert "random weights" in replace(base, weights=None).notes()[0]
    assert replace(base, mode="scratch", normalise="data").notes() == []


def test_the_comparison_changes_one_thing_a_row(base, tmp_path):
    rows = comparing.ways(base)
    assert list(rows) == [
        "scratch", "wrong normalisation", "fine-tuned", "probe, then fine-tuned", "low rank", "frozen",
        "frozen, wrong normalisation", "frozen, random body",
    ]  # fmt: skip
    assert rows["frozen, random body"] == replace(rows["frozen"], pretrained=False, weights=None)
    assert rows["wrong normalisation"] == replace(rows["fine-tuned"], normalise="data")
    assert rows["frozen"] == replace(rows["fine-tuned"], mode="frozen", augment=Augment())
    assert not rows["scratch"].starts_learnt and rows["fine-tuned"].starts_learnt
    assert comparing.ways(replace(base, weights=None))["frozen"].pretrained


@pytest.mark.long
def test_the_comparison_runs_with_an_odd_source(base, tmp_path):
    """A body that has learnt 8x8 digits in grey, tuned to colour photographs."""
    tiny = replace(base, epochs=0.25)
    rungs = list(comparing.comparison(tiny, 1, tmp_path, ("frozen", comparing.ODD), odd="digits"))
    assert [rung.name for rung in rungs] == ["frozen", comparing.ODD]
    assert all(0 <= rung.mean <= 1 and len(rung.test) == 1 for rung in rungs)
    odd = load_file(tmp_path / "odd-body" / "model.safetensors")
    assert odd["body.conv1.0.weight"].shape[1] == 1 and len(odd["head.weight"]) == 10
    assert (
        RunFolder.open(tmp_path / "odd-source-0")
        .read("config.json")["settings"]["weights"]
        .endswith("model.safetensors")
    )


def test_the_comparison_asks_for_what_is_missing_before_it_trains(base, tmp_path, monkeypatch):
    monkeypatch.setattr(backbone, "at_hand", lambda name: None)
    with pytest.raises(UserError, match=r"weights of test_resnet are not here.*--set fetch=true"):
        next(comparing.comparison(replace(base, weights=None), 1, tmp_path))
    assert not list(Path(tmp_path).iterdir())
