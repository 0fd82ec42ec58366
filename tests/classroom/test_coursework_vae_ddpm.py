"""The second coursework since 2025 in miniature: every figure and mark, and parts wrong in one thing."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.classroom.coursework.frame import Desk, Lost, written
from gradschool.classroom.coursework.vae_ddpm import marks as marks
from gradschool.classroom.coursework.vae_ddpm.record import Parts, Trained
from gradschool.classroom.coursework.vae_ddpm.work import VaeDdpm
from gradschool.errors import UserError
from gradschool.models.generative.denoiser import denoiser_tiny
from gradschool.ops.diffusion import NoiseSchedule, cosine_betas
from gradschool.ops.sampling import SAMPLERS

pytestmark = pytest.mark.timeout(600)  # it trains five networks
WORDS = (
    "vae.data=digits", "vae.epochs=2", "vae.threads=1", 'vae.model_options={"width": 8, "latent": 4}',
    "photos.size=16", "photos.epochs=3", "photos.threads=1", 'photos.model_options={"width": 8}',
    "stage.size=16", "stage.epochs=3", "stage.threads=1", 'stage.model_options={"width": 8}',
    "latent.size=16", "latent.epochs=40", "latent.threads=1", "latent.model=denoiser_tiny",
    'latent.model_options={"width": 8}', "latent.ema=0.5", "latent.views=1",
    "judge.image_size=16", "judge.epochs=1", "judge.threads=1",
)  # fmt: skip
FIGURES = [
    "vae-pixels", "vae-curves", "vae-reconstructions", "vae-samples", "vae-map", "vae-perplexity",
    "vae-interpolation", "photos-curves", "photos-reconstructions", "photos-samples", "photos-interpolation",
    "latent-codes", "latent-schedule", "latent-noise", "latent-loss", "latent-generated",
]  # fmt: skip


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Two kinds of coloured shapes, a folder each."""
    root, draw = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    y, x = np.mgrid[:20, :20]
    for kind in ("ball", "bar"):
        (root / kind).mkdir()
        for i in range(24):
            middle = draw.integers(6, 14)
            inside = (y - middle) ** 2 + (x - 10) ** 2 < 20 if kind == "ball" else abs(x - middle) < 3
            picture = np.full((20, 20, 3), draw.integers(0, 100, 3), np.uint8)
            picture[inside] = draw.integers(130, 256, 3)
            Image.fromarray(picture).save(root / kind / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def done(tmp_path_factory, shapes):
    """The coursework, once."""
    root = tmp_path_factory.mktemp("coursework")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSCHOOL_CACHE", str(root / "cache"))
        patch.setattr("gradschool.evals.generation.latent.ITERATIONS", 250)
        (root / "work").mkdir()
        desk = Desk(root / "work", lambda text: None)
        outcome = VaeDdpm(set=WORDS, data=str(shapes), label="bar").work(desk)
        yield root / "work", outcome, written(outcome, root / "work", "vae-ddpm")


@pytest.fixture
def parts(done):
    """What is marked, to spoil."""
    place, outcome, _ = done
    found = Parts(None, Trained(done_run(place, "photos")), Trained(done_run(place, "latent")), "bar", "")
    found.__dict__["verdict"] = outcome.facts["verdict"]
    with torch.no_grad():
        yield found


def done_run(place, part):
    from gradschool.engine.run import RunFolder

    return RunFolder.open(place / part)


@pytest.mark.long
def test_every_figure_is_drawn_and_the_points_add_up_to_a_hundred(done):
    place, outcome, page = done
    assert [shown.name for shown in outcome.shown] == FIGURES
    for name in FIGURES:
        with Image.open(place / f"{name}.png") as image:
            assert np.asarray(image.convert("RGB")).std() > 3, name
    assert "2.2d Into the noise" in page.read_text(encoding="utf-8")
    record = json.loads((place / "marks.json").read_text())
    assert record["of"] + sum(points for _, _, points, _ in record["by_hand"]) == 100
    assert outcome.warnings == [
        "The VAE was trained on digits, not on MNIST.",
        "The frozen autoencoder is one of ours; the coursework's is Stable Diffusion's (--first-stage).",
    ]


@pytest.mark.long
def test_a_sound_part_two_has_all_points_that_do_not_hang_on_the_length_of_training(done):
    got = {mark.asked: (mark.points, mark.of) for mark in done[1].marks if mark.item.startswith("2.2")}
    del got["training that lowers the loss"]
    assert len(got) == 7 and all(points == of for points, of in got.values()), got


@pytest.mark.long
def test_each_fault_costs_its_own_line(parts, monkeypatch):
    run = parts.latent.run
    # 1. Another course of noise, a wrong product, a course that does not end in noise.
    other = NoiseSchedule(cosine_betas(1000))
    parts.latent.__dict__["run"] = SimpleNamespace(noise_schedule=lambda: other)
    assert marks.scheduled(parts)[0] == pytest.approx(0.6)
    wrong = SimpleNamespace(beta=other.beta, alpha_bar=1 - torch.cumsum(other.beta, 0))
    parts.latent.__dict__["run"] = SimpleNamespace(noise_schedule=lambda: wrong)
    assert marks.scheduled(parts)[0] < 0.6
    parts.latent.__dict__["run"] = run
    assert marks.scheduled(parts)[0] == 1
    # 2. Noise that is weighted by a in place of its root.
    assert marks.noised(parts)[0] == 1
    monkeypatch.setattr(marks, "q_sample", lambda x0, noise, a: a * x0 + (1 - a) * noise)
    assert marks.noised(parts)[0] == 0
    # 3. A step back that keeps its noise.
    assert marks.returned(parts)[0] == 1
    monkeypatch.setitem(SAMPLERS, "ddpm", lambda clean, x, levels, noise: iter([x + 1.0]))
    share, told = marks.returned(parts)
    assert share == 0.5 and "ddpm by" in told


@pytest.mark.long
def test_what_the_network_must_do_is_asked_of_it(parts):
    net = parts.net
    for name, blind, mark in (
        ("timed", lambda x, t, y=None: x, marks.timed),
        ("connected", lambda x, t, y=None: x * t[0], marks.connected),
    ):
        assert mark(parts)[0] == 1, name
        true, net.denoiser.forward = net.denoiser.forward, blind
        assert mark(parts)[0] == 0, name
        net.denoiser.forward = true
    assert marks.predictor(parts)[0] == 1
    net.denoiser.forward = lambda x, t, y=None: x[:, :1]
    with pytest.raises(Lost, match="the same shape was wanted"):
        marks.predictor(parts)
    net.denoiser.forward = true


@pytest.mark.parametrize(
    ("classes", "among", "first", "real", "share"),
    [
        (20, 9, 2, 36, 0.0),  # 25 % is what chance gives
        (20, 36, 0, 36, 1.0),
        (20, 18, 0, 36, (0.5 - 0.25) / 0.75),
        (20, 27, 0, 27, 1.0),  # as often as real ones
        (2, 36, 18, 36, 0.0),  # of two classes the first guess counts
        (2, 36, 36, 36, 1.0),
    ],
)
def test_points_rise_from_chance_to_real_photographs(classes, among, first, real, share):
    made = {"n": 36, "among": among, "first": first, "highest": 0.5}
    known = {"n": 36, "among": real, "first": real, "highest": 1.0}
    verdict = {"classes": classes, "generated": made, "real": known, "network": "a judge"}
    assert marks.recognised(SimpleNamespace(verdict=verdict))[0] == pytest.approx(share)


@pytest.mark.long
def test_wrong_words_are_refused_before_anything_is_trained(done, shapes, tmp_path):
    desk = Desk(tmp_path, lambda text: pytest.fail(f"went on: {text}"))
    work = VaeDdpm(data=str(shapes))
    assert work.chosen() == "ball"  # the first, where none is named
    for wrong, sentence in (
        (replace(work, label="sky"), "has no class 'sky'; wanted: one of ball, bar"),
        (replace(work, set=("gan.epochs=2",)), "the name of a run before it"),
        (replace(work, latent=done[0] / "vae"), "cannot be handed in as latent"),
        (replace(work, vae=done[0] / "judge"), "cannot be handed in as vae"),
        (replace(work, network=str(done[0] / "vae")), "is no classifier"),
        (replace(work, set=("vae.epochz=2",)), "epochs"),
    ):
        with pytest.raises(UserError, match=sentence.replace("(", r"\(")):
            wrong.work(desk)


@pytest.mark.long
def test_a_predictor_that_is_too_large_loses_its_points(parts, monkeypatch):
    monkeypatch.setattr(marks, "PREDICTOR", 1000)
    share, told = marks.predictor(parts)
    assert share == 0 and "parameters for codes of" in told
    assert sum(p.numel() for p in denoiser_tiny((4, 4, 4), width=8).parameters()) > 1000
