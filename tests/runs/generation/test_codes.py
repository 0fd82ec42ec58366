"""Runs with codes: trained for a few steps on 8x8 digits, sampled, filmed, reported; and the pack's sets."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from asking import draw
from PIL import Image

from gradschool.data.catalogue import find as find_set
from gradschool.data.catalogue import located
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.pictures import save_grid
from gradschool.recipes import find
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import train

NAMES = (
    "vae_mnist",
    "vae_binary_mnist",
    "vae_fashion",
    "cvae_fashion",
    "iwae_mnist",
    "ae_mnist",
    "vqvae_mnist",
)


def trained(name, out, steps, *changes):
    run = override(find(name)(), ("data=digits", "batch_size=64", *changes), name)
    return run, train(run, Request(name, steps=steps, out=out), say=lambda text: None)


def on_top(page):
    """Name to (number, note) of the large figures on a report."""
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)(?:<small>(.*?)</small>)?</dd>", page.partition("</dl>")[0])
    return {name: (value, note) for name, value, note in found}


def scores_of(folder):
    return folder.read("result.json")["metrics"]


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    changes = "evaluations=3", "importance=20", "learning_rate=3e-3"
    return trained("vae_mnist", tmp_path_factory.mktemp("vae") / "run", 150, *changes)


def test_a_vae_learns_and_importance_sampling_tightens_its_bound(vae):
    run, folder = vae
    scores = scores_of(folder)
    assert scores["test_loss"] == pytest.approx(scores["test_reconstruction"] + scores["test_kl"], rel=1e-4)
    assert scores["test_nats"] < scores["test_loss"] < 29  # 44 nats are those of a coin a pixel
    assert 1 <= scores["test_active_units"] <= 20
    assert len(list((folder.path / "samples").glob("step-*.png"))) == 3
    assert "test nats" in run.conclusion(folder.read("result.json"), "")


@pytest.mark.long
def test_its_report_shows_codes(vae, monkeypatch):
    run, folder = vae
    from gradschool.evals.report import latent as report_latent

    monkeypatch.setattr(report_latent, "MAPPED", 120)
    monkeypatch.setattr(report_latent, "JUDGED", 60)
    page = run.report(folder).read_text()
    for title in (
        "Reconstructions",
        "Latent map",
        "Interpolation",
        "Active units",
        "Over the training",
        "Model",
    ):
        assert f">{title}<" in page, title
    assert "of 20 numbers are active" in page and "trustworthiness" in page
    told, scores = on_top(page), scores_of(folder)
    assert list(told) == [
        "test loss", "reconstruction error", "KL divergence", "training time", "parameters"
    ]  # fmt: skip
    assert told["test loss"] == (f"{scores['test_loss']:.4g} nats", "a picture; lower is better")
    assert told["KL divergence"][0] == f"{scores['test_kl']:.4g} nats"


@pytest.mark.long
def test_samples_are_those_of_the_seed_and_films_walk(vae, tmp_path):
    _, folder = vae
    files = [draw(folder, Wanted(n=4, seed=s), tmp_path / f"{i}.png") for i, s in enumerate((1, 1, 2))]
    first, again, other = (np.asarray(Image.open(file)) for file in files)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    film = Image.open(draw(folder, Wanted(n=4, film=True), tmp_path / "walk.gif"))
    assert film.n_frames == 48
    strip = Image.open(draw(folder, Wanted(n=3, film=True), tmp_path / "walk.png"))
    assert strip.size == (8 * (12 * (8 + 1) - 1), 8 * (3 * (8 + 1) - 1))  # twelve moments of three pictures
    page = draw(folder, Wanted(n=3, film=True), tmp_path / "walk.html").read_text()
    assert page.count("data:image/png;base64") == 48 + 1 and "http" not in page
    with pytest.raises(UserError, match=r"walk\.mp4; .*\.gif, \.png, \.html"):
        draw(folder, Wanted(n=3, film=True), tmp_path / "walk.mp4")
    singles = draw(folder, Wanted(n=3), tmp_path / "singles")
    assert [Image.open(file).size for file in singles.glob("*.png")] == [(8, 8)] * 3
    with pytest.raises(UserError, match="--class 3 was given"):
        draw(folder, Wanted(label="3"))


@pytest.mark.parametrize(("name", "form"), [
    ("a.png", "PNG"), ("b.jpg", "JPEG"), ("c.JPEG", "JPEG"), ("d.webp", "WEBP"),
])  # fmt: skip
def test_a_sheet_is_an_image_of_the_kind_its_ending_names(vae, tmp_path, name, form):
    _, folder = vae
    sheet, plain = (Image.open(draw(folder, Wanted(n=4), tmp_path / each)) for each in (name, "plain.png"))
    assert sheet.format == form and sheet.size == plain.size
    far = np.asarray(sheet.convert("RGB"), int) - np.asarray(plain, int)
    assert abs(far).max() <= (40 if form == "JPEG" else 0)


@pytest.mark.parametrize(("side", "factor"), [(5, 7), (8, 4), (15, 3), (16, 2), (28, 2), (64, 2)])
def test_very_small_pictures_are_enlarged_on_a_sheet_by_a_whole_factor(tmp_path, side, factor):
    images = torch.rand(4, 1, side, side + 3, generator=torch.Generator().manual_seed(0))
    save_grid(tmp_path / "a.png", images, 2)
    save_grid(tmp_path / "b.png", images, 2, 1)
    large, true = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    assert np.array_equal(large, true.repeat(factor, 0).repeat(factor, 1))


def test_no_sheet_of_another_kind_and_none_too_large(vae, tmp_path):
    _, folder = vae
    wanted = r"wanted: a file ending in \.png, \.jpg, \.jpeg, \.webp, or a folder without an ending"
    with pytest.raises(UserError, match=rf"x\.bmp; {wanted}\. Example: --out sheet\.png"):
        draw(folder, Wanted(n=4), tmp_path / "x.bmp")
    with pytest.raises(UserError, match=rf"x\.gif; {wanted}\. Add --film"):
        draw(folder, Wanted(n=4), tmp_path / "x.gif")
    assert not list(tmp_path.iterdir())
    (tmp_path / "guidance-1.5").mkdir()  # a folder that is there may have a dot in its name
    assert len(list(draw(folder, Wanted(n=2), tmp_path / "guidance-1.5").glob("*.png"))) == 2
    with pytest.raises(UserError, match=r"pixels; wanted: at most 16,383 a side in \.webp"):
        save_grid(tmp_path / "x.webp", torch.zeros(1, 1, 2, 9000), 1)


@pytest.mark.long
def test_a_conditional_one_draws_the_class_that_is_asked_for(tmp_path):
    _, folder = trained("cvae_fashion", tmp_path / "run", 60, 'model_options={"width": 8}')
    run, _ = reopen(RunFolder.open(folder.path))
    assert run.conditional and run.likelihood == "gaussian"
    files = [draw(folder, Wanted(n=4, label=label), tmp_path / f"{label}.png") for label in ("0", "1")]
    zero, one = (np.asarray(Image.open(file)) for file in files)
    assert not np.array_equal(zero, one)
    with pytest.raises(UserError, match="--class is '17'"):
        draw(folder, Wanted(label="17"))


def test_the_gaussian_loss_is_squared_error_plus_kl(tmp_path):
    run, folder = trained("vae_fashion", tmp_path / "run", 20, 'model_options={"width": 8}')
    scores = scores_of(folder)
    from gradschool.runs.finish import rebuilt

    model, _ = rebuilt(folder, run)
    splits = run.open(0)
    x, _ = run.pipeline(splits.train).eval(splits.test.pixels, splits.test.labels)
    with torch.inference_mode():
        mean, log_variance = model.encode(x)
        torch.manual_seed(1)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        squared = (model.decode(z).sigmoid() - x).square().sum((1, 2, 3)).mean()
    # Other noise than the run's: means over 360 pictures differ by about a percent.
    assert scores["test_reconstruction"] == pytest.approx(squared.item(), rel=0.05)


def test_the_price_of_codes_rises_with_the_run(tmp_path):
    _, folder = trained("vae_mnist", tmp_path / "run", 1, "kl_warmup=0.5", "beta=50")
    first = next(line for line in folder.metrics() if "kl" in line)
    assert first["loss"] == first["reconstruction"] and first["kl"] > 0


@pytest.mark.long
def test_several_samples_are_a_tighter_bound(tmp_path):
    run, folder = trained("iwae_mnist", tmp_path / "run", 30, "samples=5", "importance=50")
    scores = scores_of(folder)
    assert scores["test_nats"] < scores["test_loss"] < scores["test_one_sample"]
    names = list(on_top(run.report(folder).read_text()))[:3]
    assert names == ["test loss", "loss from one code", "negative log-likelihood"]


def test_black_and_white_is_the_same_for_every_seed(tmp_path):
    grey = override(find("vae_mnist")(), ("data=digits",), "vae_mnist")
    static = replace(grey, binarise="static")
    assert torch.equal(static.open(0).test.pixels, static.open(1).test.pixels)
    assert static.open(0).train.pixels.unique().tolist() == [0, 255]
    dynamic = replace(grey, binarise="dynamic").open(0)
    assert torch.equal(dynamic.train.pixels, grey.open(0).train.pixels)
    assert torch.equal(dynamic.test.pixels, static.open(0).test.pixels)


@pytest.mark.long
@pytest.mark.parametrize("name", ["ae_mnist", "vqvae_mnist"])
def test_autoencoders_learn_and_show_what_they_make(name, tmp_path):
    run, folder = trained(name, tmp_path / "run", 120)
    variance = run.open(0).test.pixels.float().div(255).var().item()
    scores = scores_of(folder)
    assert scores.get("test_reconstruction", scores["test_loss"]) < 0.6 * variance
    page = run.report(folder).read_text()
    assert on_top(page)["test loss"][0] == f"{scores['test_loss']:.4g}"
    assert ">Reconstructions<" in page and (">Plane of codes<" in page) == (name == "ae_mnist")
    sheet = np.asarray(Image.open(draw(folder, Wanted(n=9), tmp_path / "nine.png")))
    assert sheet.std() > 10


def test_what_cannot_be_is_told_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match="mlp_autoencoder cannot be built: 10 classes"):
        trained("ae_mnist", tmp_path / "a", 1, "conditional=true")
    with pytest.raises(UserError, match=r"conv_vae cannot be built: pictures are 9x9.* multiples of 4"):
        trained("vae_fashion", tmp_path / "b", 1, "size=9")
    with pytest.raises(UserError, match="vqvae cannot be built: pictures are 10x10"):
        trained("vqvae_mnist", tmp_path / "c", 1, "size=10")
    _, folder = trained("vqvae_mnist", tmp_path / "d", 2)
    with pytest.raises(UserError, match="has no film"):
        draw(folder, Wanted(film=True))


@pytest.mark.parametrize("name", NAMES)
def test_recipes_build_their_networks_for_their_sets(name):
    run = find(name)()
    model = run.build_model((1, 28, 28), 10 if run.conditional else 0)
    assert sum(p.numel() for p in model.parameters()) < 1_300_000


def test_causes_of_squares_are_measured(tmp_path):
    run = replace(find("vae_squares")(), evaluations=1)
    folder = train(run, Request("vae_squares", steps=5, out=tmp_path / "run"), say=lambda text: None)
    assert 0 <= scores_of(folder)["test_gap"] <= 1
    assert len(run.open(0).train) + len(run.open(0).test) == 11 * 11 * 5


@pytest.mark.pack
@pytest.mark.slow
@pytest.mark.skipif(located(find_set("mnist")) is None, reason="MNIST is not on this machine")
def test_one_pass_over_mnist_reaches_the_usual_loss(tmp_path):
    run = replace(find("vae_mnist")(), epochs=1)
    folder = train(run, Request("vae_mnist", out=tmp_path / "run"), say=lambda text: None)
    assert 115 < scores_of(folder)["test_loss"] < 135  # the usual example prints about 127 after one pass
