"""Ways to transfer beside plain fine-tuning: few shots, a probe first, thin matrices, other looks."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression

from gradschool.data.vision.images import Images
from gradschool.data.vision.loader import Loader
from gradschool.engine.device import Machine
from gradschool.engine.optim import make_optimizer
from gradschool.errors import UserError
from gradschool.nn.attention.lora import merge
from gradschool.recipes import find
from gradschool.runs.classification.transfer import Shown, TransferRun
from gradschool.runs.settings import from_dict, to_dict
from gradschool.runs.vision import backbone

NAME, SIDE = "test_resnet", 32
CPU = Machine("cpu", "fp32", False)
BASE = TransferRun(data="", backbone=NAME, image_size=SIDE, batch_size=8, val=0.0, precision="fp32")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def base(tmp_path):
    """A run that begins with weights of a file."""
    torch.manual_seed(3)
    save_file(timm.create_model(NAME).state_dict(), tmp_path / "w.safetensors")
    return replace(BASE, weights=str(tmp_path / "w.safetensors"))


def pictures(n=30):
    """Three classes that differ in brightness, more or less."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % 3
    level = (60 + 50 * y).view(n, 1, 1, 1)
    noise = (
        torch.randn(n, 3, SIDE, SIDE, generator=generator) * 30
        + torch.randn(n, 3, 1, 1, generator=generator) * 40
    )
    return Images((level + noise).clamp(0, 255).to(torch.uint8), y, ("dark", "grey", "light"))


def fed(run, images):
    """What is trained, on what, and the model."""
    pipeline = run.pipeline(images)
    model = run.start_model(images, pipeline).eval()
    return model, *run.feed(model, Loader(images, 8, 0, pipeline), Shown(images, pipeline, 8), CPU)


def test_fine_tuning_after_a_probe_begins_with_scikit_learns_classifier_of_timms_features(base):
    run, images = replace(base, mode="probe_finetune", probe_decay=0.05), pictures()
    model, trained, batches, _ = fed(run, images)
    assert trained is model and isinstance(batches, Loader), "all is trained, on pictures"
    assert all(p.requires_grad for p in model.parameters())
    # Oracle: timm's forward pass, features on one scale, scikit-learn.
    x = images.pixels / 255 / 0.5 - 1
    with torch.no_grad():
        features = model.body(x)
        found = model(x).softmax(1)
    z = (features - features.mean(0)) / (features - features.mean(0)).square().mean().sqrt()
    peer = LogisticRegression(C=1 / (0.05 * len(x)), tol=1e-9, max_iter=5000).fit(z, images.labels)
    np.testing.assert_allclose(found, peer.predict_proba(z), atol=2e-3)
    assert (found.argmax(1) == images.labels).float().mean() > 0.6, "the probe tells classes apart"


def test_the_body_learns_slower_after_a_probe_too(base):
    run = replace(base, mode="probe_finetune", learning_rate=1e-2)
    groups = make_optimizer(run.build_model(3, 3), run.optim()).param_groups
    assert sorted({round(group["lr"], 6) for group in groups}) == [1e-3, 1e-2]


@pytest.mark.parametrize("name", [NAME, "test_vit", "test_efficientnet"])
def test_low_rank_matrices_beside_a_network_of_timm(name):
    """At first the same answers as the network's own; then they learn alone, and merge into it."""
    run = replace(BASE, backbone=name, image_size=None, mode="lora", rank=4)
    side = run.side()
    torch.manual_seed(5)
    plain = backbone.body(name, 3, {}).eval()
    torch.manual_seed(5)
    model = run.build_model(3, 3).eval()
    x = torch.randn(2, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(model.body(x), plain(x), rtol=0, atol=1e-4)
    learned = {key: p for key, p in model.train().named_parameters() if p.requires_grad}
    assert {key.rpartition(".")[2] for key in learned} == {"down", "up", "weight", "bias"}
    assert [key for key in learned if key.startswith("head.")] == ["head.weight", "head.bias"]
    fixed = {key: value.clone() for key, value in model.state_dict().items() if key not in learned}
    optimiser = torch.optim.SGD(learned.values(), 0.05)
    model(x).square().mean().backward()
    optimiser.step()
    after = model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in fixed.items()), "statistics stay, too"
    model.eval()
    with torch.no_grad():
        for key, value in learned.items():
            if key.endswith("up"):
                value.normal_(0, 0.1)
        answers, before = model(x), plain(x)
        assert (model.body(x) - before).abs().max() > 0.01 * before.abs().max()
        # Sums in another order through a dozen layers, float32.
        torch.testing.assert_close(merge(model)(x), answers, rtol=1e-3, atol=1e-4)
    assert merge(model).body.state_dict().keys() == plain.state_dict().keys()


def test_a_rank_that_no_layer_has_room_for_is_refused():
    with pytest.raises(UserError, match="rank is 5000, for which no layer of test_resnet has room"):
        replace(BASE, mode="lora", rank=5000).build_model(3, 3)


def insects(root, each=(4, 3)):
    """A folder with so many pictures of each class, of 20 pixels, and two of each to test on."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for part, counts in (("train", each), ("test", (2, 2))):
        for name, count in zip(("ants", "bees"), counts, strict=True):
            (root / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (20, 20, 3)).astype("uint8")
                Image.fromarray(pixels).save(root / part / name / f"{i}.png")
    return str(root)


def test_few_shots_of_the_training_part_alone(tmp_path):
    run = replace(BASE, data=insects(tmp_path / "insects"), shots=2)
    splits = run.open(0)
    assert splits.train.labels.bincount().tolist() == [2, 2] and len(splits.test) == 4
    others = [tuple(replace(run, split_seed=seed).open(0).train.names) for seed in range(8)]
    assert len(set(others)) > 1 and others[0] == tuple(splits.train.names)
    with pytest.raises(UserError, match="shots is 4, and class bees has 3 pictures; wanted: 1 to 3"):
        replace(run, shots=4).open(0)


def test_pictures_may_be_kept_smaller_than_the_backbone_takes_them(tmp_path):
    run = replace(BASE, data=insects(tmp_path / "insects"), kept_size=20)
    images = run.open(0).train
    assert images.pixels.shape[2:] == (20, 20)
    assert run.pipeline(images).eval(images.pixels, images.labels)[0].shape == (7, 3, SIDE, SIDE)
    assert replace(run, kept_size=None).open(0).train.pixels.shape[2:] == (SIDE, SIDE)


def test_another_normalisation_than_the_backbones_own_reaches_the_network():
    images = pictures(3)
    wrong = replace(BASE, learnt_from={"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]})
    x, _ = wrong.pipeline(images).eval(images.pixels, images.labels)
    mean, std = (torch.tensor(wrong.learnt_from[key]).view(3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close(x, (images.pixels / 255 - mean) / std, rtol=0, atol=1e-5)
    assert from_dict(TransferRun, to_dict(wrong)) == wrong


@pytest.mark.parametrize("name", ["natural_animals_transfer", "fewshot_animals", "photos_to_sketches"])
def test_recipes_take_the_packs_network_with_its_own_normalisation(name):
    run = find(name)()
    assert (run.backbone, run.mode, run.pretrained, run.fetch) == (
        "tf_efficientnet_lite0",
        "frozen",
        True,
        False,
    )
    assert run.expected.mean == run.expected.std == (0.5, 0.5, 0.5) and run.side() == 224
    assert run.kept_size < run.side() and run.val == 0.0
