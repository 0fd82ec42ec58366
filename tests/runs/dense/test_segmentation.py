"""A segmenter's run on drawn discs: trained in seconds, reported, taken up again, and asked for masks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from asking import answers
from PIL import Image
from safetensors.torch import save_file

from gradschool.cli.runs import predict as command
from gradschool.data.vision.masks import open_masked
from gradschool.data.vision.statistics import pixel_class_weights
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.models.dense.unet import unet
from gradschool.recipes import find
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train

SMALL = ['model_options={"width": 4, "depth": 2}', "crop=null", "threads=1", "precision=fp32", "batch_size=4",
         "tile=48", "overlap=8", "turning=false", "augment.resized_crop=null"]  # fmt: skip


def disc(rng, height=40, width=36):
    """A noisy picture of two bright discs, and where they are."""
    y, x = np.mgrid[:height, :width]
    inside = np.zeros((height, width), bool)
    for _ in range(2):
        inside |= (y - rng.integers(8, height - 8)) ** 2 + (x - rng.integers(8, width - 8)) ** 2 < 36
    pixels = 90 + 70 * inside + rng.normal(0, 20, inside.shape)
    return pixels.clip(0, 255).astype(np.uint8), inside.astype(np.uint8)


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    """30 pictures with masks."""
    place = tmp_path_factory.mktemp("discs")
    rng = np.random.default_rng(0)
    for kind in ("image", "label"):
        (place / kind).mkdir()
    for i in range(30):
        pixels, mask = disc(rng)
        Image.fromarray(pixels).save(place / "image" / f"{i:02d}.png")
        Image.fromarray(mask * 255).save(place / "label" / f"{i:02d}.png")
    return place


def trained(discs, out, steps, *changes, name="unet_membrane"):
    run = override(find(name)(), [f"data={discs}", *SMALL, *changes], name)
    return run, train(run, Request(name, steps=steps, out=out), say=lambda text: None)


@pytest.fixture(scope="module")
def finished(discs, tmp_path_factory):
    """A run of 130 steps."""
    return trained(discs, tmp_path_factory.mktemp("runs") / "discs", 130, "border=3", "evaluations=1")


@pytest.mark.long
def test_discs_are_learned_and_reported(finished):
    run, folder = finished
    result = folder.read("result.json")
    assert result["metrics"]["test_iou"] > 0.85
    assert set(result["iou"]) == {"background", "foreground"}
    assert f"{result['metrics']['test_iou']:.3f}" in run.conclusion(result, "")
    # Without views the last line of the training and the final one are about the same answers.
    last = [line for line in folder.metrics() if "test_iou" in line][-1]
    for name in ("test_iou", "test_accuracy"):
        assert last[name] == pytest.approx(result["metrics"][name], abs=1e-4), name
    right = f"{100 * result['metrics']['test_accuracy']:.2f} % of pixels right in 6 test images"
    assert f"{right}, {result['seconds']:.1f} s" in run.conclusion(result, "")
    turning = replace(run, turning=True).conclusion(result, "")
    assert f"{right}, each in eight views (one while training), " in turning
    page = run.report(folder).read_text()
    assert f"<dt>mean IoU</dt><dd>{result['metrics']['test_iou']:.4g}<" in page
    assert "Scores by class" in page and page.count("test picture") == 4 * 6


@pytest.mark.long
def test_files_of_any_size_get_masks_as_large_as_they_are(finished, tmp_path, capsys):
    _, folder = finished
    rng = np.random.default_rng(1)
    right = []
    for name, size in (("small", (20, 21)), ("large", (90, 70))):
        pixels, mask = disc(rng, *size)
        Image.fromarray(pixels).convert("RGB").save(tmp_path / f"{name}.png")
        (found,) = answers(folder, tmp_path / f"{name}.png")
        said = np.asarray(Image.open(found.mask))
        assert said.shape == size
        right.append((said == mask).mean())
        assert sum(share for _, share in found.top) == pytest.approx(1)
    assert min(right) > 0.9
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert command.run(command.Args(folder.path, (tmp_path,), json=True)) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(told["predictions"]) == 2 and "broken.png" in told["skipped"][0]["file"]
    assert told["predictions"][0]["mask"].endswith("large.png")
    with pytest.raises(WorkFailed, match="none of 1 files"):
        answers(folder, tmp_path / "broken.png")


@pytest.mark.parametrize("changes", [
    ("model=attention_unet", "criterion=dice", "border=0", "turning=true", "crop=32"),
    ("model=unet_plus", "criterion=focal", "balance=true", "border=0"),
])  # fmt: skip
def test_variants_train_and_are_taken_up(discs, tmp_path, changes):
    run, folder = trained(discs, tmp_path / "run", 2, *changes)
    again, _ = reopen(RunFolder.open(folder.path))
    assert again == run
    look, pipeline, facts = again.reopened(folder)
    x, _ = pipeline.eval(
        torch.zeros(1, 1, 50, 50, dtype=torch.uint8), torch.zeros(1, 1, 50, 50, dtype=torch.uint8)
    )
    with torch.inference_mode():
        assert look(x).shape == (1, 2, 50, 50)
    assert facts["classes"] == ["background", "foreground"]


@pytest.mark.long
def test_a_backbone_of_timm_is_trained_too(discs, tmp_path):
    pytest.importorskip("timm")
    run, folder = trained(
        discs,
        tmp_path / "run",
        2,
        "model=timm_unet",
        'model_options={"backbone": "test_resnet"}',
        name="unet_camvid",
    )
    assert run.network() == "timm_unet" and folder.read("result.json")["metrics"]["test_iou"] >= 0


def test_a_backbone_begins_with_what_it_learned(discs, tmp_path):
    timm = pytest.importorskip("timm")
    learned = timm.create_model("test_resnet", in_chans=1, num_classes=7)
    save_file(learned.state_dict(), tmp_path / "w.safetensors")
    words = ["model=timm_unet", f"weights={tmp_path / 'w.safetensors'}", f"data={discs}"]
    options = 'model_options={"backbone": "test_resnet"}'
    run = override(find("unet_camvid")(), [*words, options], "unet_camvid")
    splits = run.open(0)
    model = run.start_model(splits.train, run.pipeline(splits.train))
    found = {key.replace(".", "_"): value for key, value in learned.state_dict().items()}
    for key, value in model.body.state_dict().items():
        assert torch.equal(value, found[key.replace(".", "_")])
    with pytest.raises(UserError, match="a model with a backbone"):
        replace(run, model=unet, model_options={}).start_model(splits.train, run.pipeline(splits.train))
    with pytest.raises(UserError, match="do not fit test_efficientnet"):
        other = replace(run, model_options={"backbone": "test_efficientnet"})
        other.start_model(splits.train, run.pipeline(splits.train))


def test_rare_classes_are_weighed_up(discs):
    weights = pixel_class_weights(open_masked(discs).train)
    counts = open_masked(discs).train.labels.flatten().bincount()
    torch.testing.assert_close(weights[0] * counts[0], weights[1] * counts[1])


@pytest.mark.long
def test_what_cannot_be_done_is_said(finished, tmp_path):
    run, folder = finished
    with pytest.raises(UserError, match="--ood digits was given to a segmenter"):
        run.report(folder, ood="digits")
    with pytest.raises(UserError, match="digits has a class for each picture"):
        trained("digits", tmp_path / "run", 1)
    with pytest.raises(UserError, match="there is no model 'resnet18'"):
        trained("digits", tmp_path / "run", 1, "model=resnet18")
