"""Latent diffusion: first stages of several kinds, a run on digits in seconds, and what is refused."""

import importlib.util
import shutil

import numpy as np
import pytest
import torch
from asking import draw
from huggingface_hub import try_to_load_from_cache
from PIL import Image
from safetensors.torch import load_file

from gradschool.engine.run import RunFolder
from gradschool.errors import UserError, WorkFailed
from gradschool.recipes import find
from gradschool.runs.finish import rebuilt
from gradschool.runs.generation import first_stage
from gradschool.runs.kind import Wanted
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request
from gradschool.runs.settings import override
from gradschool.runs.train import resume, train

COMMON = ("data=digits", "size=null", "threads=1", "shown=4", "evaluations=2", "batch_size=32")
VAE = (*COMMON, 'model_options={"width": 8, "halvings": 1}', "sigma=0.3")
LATENT = (*COMMON, "only=3,4", "model=denoiser_tiny", 'model_options={"width": 16}', "sampler_steps=4",
          "views=2", 'augment={"crop_padding": 1}')  # fmt: skip


def trained(name, out, steps, *changes):
    run = override(find(name)(), changes, name)
    return run, train(run, Request(name, steps=steps, out=out), say=lambda text: None)


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    return trained("vae_photos", tmp_path_factory.mktemp("first") / "vae", 60, *VAE)[1]


@pytest.fixture(scope="module")
def latent(vae, tmp_path_factory):
    return trained(
        "latent_photos", tmp_path_factory.mktemp("second") / "run", 8, *LATENT, f"first_stage={vae.path}",
        "save_every=1e-6",
    )  # fmt: skip


@pytest.mark.long
def test_a_finished_run_stands_alone(latent, vae, tmp_path):
    """Both stages' weights are in it: it draws the same with the first stage's folder gone."""
    _, folder = latent
    before = np.asarray(Image.open(draw(folder, Wanted(n=4), tmp_path / "before.png")))
    aside = vae.path.with_name("aside")
    vae.path.rename(aside)
    try:
        after = np.asarray(Image.open(draw(folder, Wanted(n=4), tmp_path / "after.png")))
    finally:
        aside.rename(vae.path)
    assert np.array_equal(before, after)
    held, own = load_file(vae.path / "model.safetensors"), load_file(folder.path / "model.safetensors")
    for name, value in held.items():
        assert torch.equal(own[f"stage.inner.{name}"], value), name
    assert folder.read("model.json")["classes"] == ["3", "4"]


@pytest.mark.long
def test_codes_of_training_pictures_have_mean_0_and_variance_1_and_come_back(latent):
    run, folder = latent
    model, _ = rebuilt(folder, run)
    splits = run.open(0)
    assert splits.train.classes == ("3", "4")
    x, _ = run.pipeline(splits.train).eval(splits.train.pixels, splits.train.labels)
    with torch.inference_mode():
        maps = model.maps(x)
        torch.testing.assert_close(model.pictures(maps), model.stage.decode(model.stage.encode(x)))
    close = {"rtol": 0, "atol": 1e-4}  # sums of thousands of float32 numbers in another order
    torch.testing.assert_close(maps.mean((0, 2, 3)), torch.zeros(4), **close)
    torch.testing.assert_close(maps.std((0, 2, 3)), torch.ones(4), **close)


@pytest.mark.long
def test_the_denoiser_alone_is_trained_on_every_view(latent):
    run, folder = latent
    steps = 8
    assert folder.read("result.json")["steps"] == steps
    assert set(folder.read("result.json")["metrics"]) >= {"test_loss", "test_decoder_error"}
    newest = max((folder.path / "checkpoints").glob("step-*"))
    kept = {name.split(".")[0] for file in newest.glob("model*.safetensors") for name in load_file(file)}
    assert "stage" not in kept  # a checkpoint holds what changes
    page = run.report(folder).read_text()
    for title in ("Codes", "Through noise", "Out of noise", "Reconstructions", "New pictures"):
        assert f">{title}<" in page


@pytest.mark.long
def test_resumed_equals_uninterrupted(latent, cut_short):
    _, whole = latent
    folder = RunFolder.open(cut_short(whole))
    resume(folder, *reopen(folder), say=lambda text: None)
    again, before = (load_file(run.path / "model.safetensors") for run in (folder, whole))
    assert all(torch.equal(again[name], before[name]) for name in before)


@pytest.mark.long
def test_without_a_first_stage_one_is_trained_once_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    small = [f"autoencoder.{word}" for word in (*VAE, "epochs=0.3")]
    _, one = trained("latent_photos", tmp_path / "one", 2, *LATENT, *small)
    assert "vae_photos on all classes" in capsys.readouterr().out
    _, two = trained("latent_photos", tmp_path / "two", 2, *LATENT, *small)
    assert "trained before" in capsys.readouterr().out
    assert len(list((tmp_path / "cache" / "first-stages").iterdir())) == 1
    first, second = (load_file(run.path / "model.safetensors") for run in (one, two))
    assert all(torch.equal(first[name], second[name]) for name in first)  # whether it was trained or found


@pytest.mark.long
def test_what_does_not_fit_is_refused_in_a_sentence(vae, latent, tmp_path):
    start = override(find("latent_photos")(), (*LATENT, f"first_stage={vae.path}"), "latent_photos")
    flat = trained("vae_mnist", tmp_path / "flat", 1, "data=digits", "threads=1")[1]
    cases = {
        f"first_stage={latent[1].path}": "which is no VAE",
        f"first_stage={flat.path}": "is no map",
        f"first_stage={tmp_path / 'nowhere'}": "is not a run",
        "size=16": "was trained on 8x8 of 1 channels, the pictures are 16x16 of 1 channels",
        "limit=1000": "has .* parameters; wanted: at most 1,000",
        "only=5,x": "no class 'x'",
        "model=denoiser_small": "codes of these pictures are 4x4, which denoiser_small does not take",
    }
    for change, said in cases.items():
        run = override(start, [change], "latent_photos")
        with pytest.raises(UserError, match=said):
            train(run, Request("latent_photos", steps=1, out=tmp_path / "none"), say=lambda text: None)
    assert not (tmp_path / "none").exists()
    with pytest.raises(UserError, match=r"map_vae has .* parameters; wanted: at most 1,000,000 \(limit\)"):
        run = override(
            find("vae_photos")(), ["data=digits", "size=16", 'model_options={"width": 64}'], "vae_photos"
        )
        train(run, Request("vae_photos", steps=1, out=tmp_path / "none"), say=lambda text: None)


def test_the_hub_is_asked_only_by_name_and_says_what_to_bring(monkeypatch):
    import huggingface_hub

    def down(*args, **kwargs):
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", down)
    place = "gradschool-test/no-such-place"
    assert try_to_load_from_cache(place, "config.json") is None
    with pytest.raises(
        WorkFailed, match=r"cannot be reached .ConnectionError.; wanted: a network, or a folder"
    ):
        first_stage.opened(f"hub:{place}", (3, 64, 64))


def test_without_diffusers_the_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (tmp_path / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    (tmp_path / first_stage.WEIGHTS).write_bytes(b"")
    with pytest.raises(UserError, match=r"diffusers is not installed.*practice"):
        first_stage.opened(str(tmp_path), (3, 64, 64))


@pytest.mark.skipif(importlib.util.find_spec("diffusers") is None, reason="diffusers is not installed")
def test_an_autoencoder_of_diffusers_is_a_first_stage(tmp_path):
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)
    form = {"block_out_channels": (8, 16), "norm_num_groups": 4,
            "down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2,
            "in_channels": 1, "out_channels": 1}  # fmt: skip
    theirs = diffusers.AutoencoderKL(**form).eval()
    theirs.save_pretrained(tmp_path / "kl")
    stage = first_stage.opened(str(tmp_path / "kl"), (1, 8, 8))
    x = torch.rand(2, 1, 8, 8)
    with torch.inference_mode():
        z = theirs.encode(2 * x - 1).latent_dist.mean
        torch.testing.assert_close(stage.encode(x), z)
        torch.testing.assert_close(stage.decode(z), (theirs.decode(z).sample / 2 + 0.5).clamp(0, 1))
    with pytest.raises(UserError, match="multiples of 2"):
        first_stage.opened(str(tmp_path / "kl"), (1, 9, 9))
    _, folder = trained("latent_photos", tmp_path / "run", 3, *LATENT, f"first_stage={tmp_path / 'kl'}")
    shutil.rmtree(tmp_path / "kl")
    assert draw(folder, Wanted(n=2), tmp_path / "two.png").is_file()
