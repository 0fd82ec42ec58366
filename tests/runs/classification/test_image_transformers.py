"""Image transformers in the runs of classifiers: recipes, training, report, export, folders of one's own."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

from gradschool import recipes
from gradschool.models.vision.coatnet import coatnet_small
from gradschool.models.vision.packed_vit import packed_vit
from gradschool.models.vision.vit import plain_vit, vit
from gradschool.runs.classification.image import ImageRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train

SMALL = {"patch": 2, "width": 32, "depth": 2, "heads": 2}
TRIPLES = [[f"{data}_{net}" for net in ("vit", "coatnet", "cnn")] for data in ("cifar10", "natural_animals")]


@pytest.mark.parametrize("names", TRIPLES)
def test_recipes_side_by_side_have_equal_parameters_and_minutes(names):
    made = [recipes.find(name)() for name in names]
    counts = [sum(p.numel() for p in run.build_model(10, 3).parameters()) for run in made]
    assert max(counts) < 1.06 * min(counts), counts
    assert len({run.minutes for run in made}) == 1 and len({run.data for run in made}) == 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = ImageRun(data="digits", model=plain_vit, model_options=SMALL, epochs=8, batch_size=64,
                   learning_rate=3e-3, warmup=0.1, val=0.0, precision="fp32", threads=1)  # fmt: skip
    request = Request("digits", seed=0, device="cpu", out=tmp_path_factory.mktemp("runs") / "vit")
    return train(run, request, say=lambda text: None)


def test_it_learns_the_digits(finished):
    assert finished.read("result.json")["metrics"]["test_accuracy"] > 0.85


def test_the_report_shows_attention(finished):
    page = reopen(finished)[0].report(finished).read_text()
    assert '-title">Attention roll-out</h2>' in page and "What it looks at" in page


@pytest.mark.parametrize(("model", "options", "side"), [
    (plain_vit, SMALL, 8), (vit, SMALL, 16), (coatnet_small, {}, 16), (packed_vit, SMALL, 8),
])  # fmt: skip
def test_each_trains_and_is_exported(model, options, side, tmp_path):
    pytest.importorskip("onnxruntime")
    run = ImageRun(data="digits", model=model, model_options=options, batch_size=32, sizes=((0.0, side),),
                   val=0.0, precision="fp32", threads=1)  # fmt: skip
    request = Request("digits", seed=0, steps=2, device="cpu", out=tmp_path / "run")
    folder = train(run, request, say=lambda text: None)
    if model is packed_vit:
        return  # a row of patches of many images has no batch axis to keep free
    check = reopen(folder)[0].export(folder, None)
    assert check.relative < 1e-3


@pytest.mark.parametrize("model", ["vit", "coatnet_small"])
def test_a_transformer_by_name_takes_a_folders_images(model, tmp_path):
    for i in range(24):
        place = tmp_path / "own" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = torch.randint(
            0, 255, (40, 48, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(i)
        )
        Image.fromarray(pixels.numpy()).save(place / f"{i}.png")
    run = override(recipes.on("folder", str(tmp_path / "own")), [f"model={model}", "batch_size=4"], "folder")
    request = Request("folder", seed=0, steps=1, device="cpu", out=tmp_path / "run")
    folder = train(replace(run, precision="fp32", threads=1), request, say=lambda text: None)
    assert len(folder.read("model.json")["classes"]) == 2
    assert reopen(folder)[0].classifier(folder).classes == ["a", "b"]
