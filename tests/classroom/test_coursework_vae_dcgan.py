"""The second coursework on 8x8 digits: every figure, every mark, and hand-ins that are wrong in one thing."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from gradschool.classroom import coursework
from gradschool.classroom.coursework import handed
from gradschool.classroom.coursework.frame import Desk, Lost, marked, written
from gradschool.classroom.coursework.handed import Call, ask, convolutions, write_players, write_vae
from gradschool.classroom.coursework.vae_dcgan import marks as vae_dcgan_marks
from gradschool.classroom.coursework.vae_dcgan import work as vae_dcgan
from gradschool.classroom.coursework.vae_dcgan.gan import level
from gradschool.classroom.coursework.vae_dcgan.record import Paper
from gradschool.classroom.coursework.vae_dcgan.vae import curved
from gradschool.classroom.coursework.vae_dcgan.work import VaeDcgan, facts_of
from gradschool.cli.main import main
from gradschool.data.vision.open import open_set
from gradschool.errors import UserError
from gradschool.models.generative.dcgan import dcgan
from gradschool.models.generative.gan import mlp_gan
from gradschool.models.generative.vae import conv_vae, mlp_vae
from gradschool.runs.generation import judge

pytestmark = pytest.mark.timeout(600)  # it trains both networks and starts a process for every file
SHAPE = (1, 8, 8)
WORDS = (
    "vae.data=digits", "vae.epochs=2", "vae.threads=1", 'vae.model_options={"width": 8, "latent": 4}',
    "gan.data=digits", "gan.epochs=2", "gan.threads=1", "gan.evaluations=3", "gan.counted=0",
    'gan.model_options={"width": 8, "latent": 8}',
)  # fmt: skip
FIGURES = {
    "vae-curves", "vae-reconstructions", "vae-samples", "vae-map", "vae-perplexity", "vae-interpolation",
    "gan-grid", "gan-training", "gan-curves",
}  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The command, once, with a classifier of four passes in a cache of its own."""
    root = tmp_path_factory.mktemp("coursework")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSCHOOL_CACHE", str(root / "cache"))
        patch.setattr(judge, "eye", lambda run, images, eye=judge.eye: replace(eye(run, images), epochs=4))
        patch.setattr("gradschool.evals.generation.latent.ITERATIONS", 250)
        desk = Desk(root / "work", lambda text: None)
        outcome = VaeDcgan(set=WORDS).work(desk)
        yield root / "work", outcome, written(outcome, root / "work", "vae-dcgan")


@pytest.fixture
def copy(done, tmp_path):
    """A hand-in to spoil."""
    return Path(shutil.copytree(done[0] / "handin", tmp_path / "handin"))


def paper_of(place: Path) -> Paper:
    """A hand-in on digits."""
    splits = open_set("digits", val=0.0)
    return Paper(place, facts_of(place), splits, splits)


@pytest.fixture(scope="module")
def good(done):
    """The sound hand-in, which is asked once."""
    return paper_of(done[0] / "handin")


def judged(good: Paper, place: Path) -> list:
    """Marks; files that were not spoilt are not asked again."""
    paper = paper_of(place)
    for name in ("vae", "generator", "discriminator"):
        file, known = place / f"{name}.pt", good.folder / f"{name}.pt"
        if file.is_file() and file.read_bytes() == known.read_bytes():
            paper.__dict__[name] = getattr(good, name)
            if name == "vae":
                paper.__dict__["decoder"] = good.decoder
    return vae_dcgan_marks.marks(paper)[0]


def lost(done, good: Paper, place: Path) -> set[str]:
    """What a spoilt hand-in got fewer points for than the good one."""
    was = {mark.asked: mark.points for mark in done[1].marks}
    return {mark.asked for mark in judged(good, place) if mark.points < was[mark.asked]}


@pytest.mark.long
def test_every_figure_and_every_mark_is_there(done):
    folder, outcome, page = done
    assert {shown.name for shown in outcome.shown} == FIGURES
    assert all((folder / f"{name}.png").stat().st_size > 500 for name in FIGURES)
    text = page.read_text()
    assert text.count("data:image/png") == len(FIGURES) and "http" not in text.split("<body>")[1]
    record = json.loads((folder / "marks.json").read_text())
    assert record["of"] == 64 and record["of"] + sum(item[2] for item in record["by_hand"]) == 100
    assert record["points"] == pytest.approx(sum(mark["points"] for mark in record["marks"]))
    assert outcome.warnings and "digits" in outcome.warnings[0]


@pytest.mark.long
def test_a_sound_hand_in_has_all_points_that_do_not_depend_on_quality(done):
    by_quality = {
        "quality of the pictures", "quality of the pictures, in three levels", "modes: classes that are made",
        "the discriminator tells real from generated", "six curves, and the test loss falls",
        "reconstructions beat the mean picture; codes in use",
    }  # fmt: skip
    for mark in done[1].marks:
        assert 0 <= mark.points <= mark.of or mark.of == 0
        if mark.asked not in by_quality:
            assert mark.points == mark.of, mark


@pytest.mark.long
def test_answers_of_a_clean_process_are_those_of_the_network(tmp_path):
    torch.manual_seed(0)
    x, model = torch.rand(7, *SHAPE), conv_vae(SHAPE, width=4, latent=3).eval()
    write_vae(model, x, tmp_path / "vae.pt")
    found = ask(tmp_path / "vae.pt", [Call("forward", (x,)), Call("forward", (x,), True), Call("none", (x,))])
    with torch.no_grad():
        mean, log_variance = model.encode(x)
        wanted = torch.sigmoid(model.decode(mean))
    again, *codes = found.answer(0, 3)
    for ours, theirs in zip((again, *codes), (wanted, mean, log_variance), strict=True):
        torch.testing.assert_close(
            ours, theirs, rtol=1e-5, atol=1e-5
        )  # the same float32 sums in another order
    assert not torch.equal(found.answer(1, 3)[0], again)  # a sample in training
    with pytest.raises(Lost, match=r"vae\.pt fails"):
        found.answer(2)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert convolutions(found, ("encode", "decode"))[0] == 1.0


@pytest.mark.long
def test_a_file_that_is_missing_or_broken_loses_its_own_points(done, good, copy):
    (copy / "vae.pt").unlink()
    (copy / "discriminator.pt").write_bytes(b"no network")
    marks = {mark.asked: mark for mark in judged(good, copy)}
    gone = {mark.asked: marks[mark.asked] for mark in done[1].marks if marks[mark.asked].points < mark.points}
    assert "every file loads in a clean process" in gone
    assert gone["every file loads in a clean process"].points == -1
    assert all(mark.points <= 0 for mark in gone.values())
    assert "vae.pt: it is not there" in gone["every file loads in a clean process"].told
    kept = {mark.asked for mark in done[1].marks} - gone.keys()
    assert {"generator: pictures of the set's shape", "six curves, and the test loss falls"} <= kept


@pytest.mark.slow
def test_networks_without_convolutions_lose_theirs_alone(done, good, copy):
    x = torch.rand(2, *SHAPE)
    write_vae(mlp_vae(SHAPE, hidden=16, latent=4), x, copy / "vae.pt")
    gone = lost(done, good, copy)
    layers = {"convolutions in encoder and decoder", "normalisation or dropout"}
    untrained = {"quality of the pictures", "reconstructions beat the mean picture; codes in use"}
    assert layers <= gone <= layers | untrained
    shutil.copy(good.folder / "vae.pt", copy)
    write_players(mlp_gan(SHAPE, widths=(8, 8), latent=8), 2 * x - 1, copy)
    assert {"convolutions in the generator", "convolutions in the discriminator"} <= lost(done, good, copy)


@pytest.mark.long
def test_too_many_parameters_cost_one_point(done, good, copy, monkeypatch):
    monkeypatch.setattr(vae_dcgan_marks, "LIMIT", 1000)
    mark = next(mark for mark in judged(good, copy) if "parameters" in mark.asked)
    assert mark.points == -1 and mark.of == 0


class Still(nn.Module):
    """A sample that is none."""

    def forward(self, mean, log_variance, noise):
        return mean + 0 * noise


class Squared(nn.Module):
    """Takes the log-variance for the logarithm of sigma."""

    def forward(self, mean, log_variance, noise):
        return mean + torch.exp(log_variance) * noise


class Cheap(nn.Module):
    """A price without its half."""

    def forward(self, mean, log_variance):
        return (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "wrong", "item"),
    [("Shift", Still, "reparametrise: a sample in training, else the mean"),
     pytest.param(
         "Shift", Squared, "reparametrise: a sample in training, else the mean", marks=pytest.mark.slow
     ),
     pytest.param("Price", Cheap, "KL in closed form", marks=pytest.mark.slow)],
)  # fmt: skip
def test_wrong_mathematics_loses_its_item(done, good, copy, monkeypatch, name, wrong, item):
    monkeypatch.setattr(handed, name, wrong)
    loaded = torch.jit.load(str(copy / "vae.pt"))
    model = conv_vae(SHAPE, width=8, latent=4)
    names = dict(loaded.named_parameters())
    for key, value in model.named_parameters():
        value.data = next(v for n, v in names.items() if n.endswith(f"model.{key}")).data.clone()
    for key, value in model.named_buffers():
        value.data = next(v for n, v in loaded.named_buffers() if n.endswith(f"model.{key}")).data.clone()
    write_vae(model, torch.rand(2, *SHAPE), copy / "vae.pt")
    assert lost(done, good, copy) == {item}


@pytest.mark.long
def test_pictures_in_another_range_than_named_cost_a_point(done, good, copy):
    facts = json.loads((copy / "handin.json").read_text())
    facts["gan"]["range"] = "unit"  # the pictures are in -1 to 1: the transform is missing
    (copy / "handin.json").write_text(json.dumps(facts))
    assert "pictures leave in the range that was named" in lost(done, good, copy)


@pytest.mark.long
def test_logs_and_sheets_that_are_missing_cost_their_share(done, good, copy):
    (copy / "vae.jsonl").unlink()
    lines = [json.loads(line) for line in (copy / "gan.jsonl").read_text().splitlines()]
    kept = [{k: v for k, v in line.items() if k != "D(x)"} for line in lines]
    (copy / "gan.jsonl").write_text("\n".join([*map(json.dumps, kept), "no JSON", "3"]))
    shutil.rmtree(copy / "fixed")
    points = {mark.asked: mark.points for mark in judged(good, copy)}
    assert points["errD, errG, D(x), D(G(z)) before and after are logged"] == 4.0
    assert points["six curves, and the test loss falls"] == points["the same noise over the training"] == 0
    assert len(lost(done, good, copy)) == 3


def test_levels_need_both_distance_and_classes():
    assert [level(0.1, 1.0), level(0.1, 0.7), level(0.1, 0.2)] == [3, 2, 1]
    assert [level(0.3, 1.0), level(0.9, 1.0), level(float("nan"), 1.0)] == [2, 1, 1]


@pytest.mark.long
def test_too_many_parameters_are_counted_over_both(tmp_path):
    players = dcgan(SHAPE, width=8, latent=8)
    write_players(players, torch.rand(2, *SHAPE), tmp_path)
    both = sum(ask(tmp_path / f"{name}.pt", []).parameters for name in ("generator", "discriminator"))
    assert both == sum(p.numel() for p in players.parameters())


@pytest.mark.long
def test_a_network_cannot_speak_for_its_marks(tmp_path):
    class Loud(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            print("100 of 100 points")
            return x

    torch.jit.script(Loud()).save(str(tmp_path / "loud.pt"))
    assert torch.equal(
        ask(tmp_path / "loud.pt", [Call("forward", (torch.ones(2, 3),))]).answer(0)[0], torch.ones(2, 3)
    )


@pytest.mark.long
def test_a_pickle_is_not_opened(tmp_path):
    torch.save(conv_vae(SHAPE, width=4, latent=3), tmp_path / "vae.pt")
    found = ask(tmp_path / "vae.pt", [])
    assert found.error
    with pytest.raises(Lost):
        marked("1", "it", 1, lambda: (float(found.parameters), "")) and found.need()


def test_wrong_use_is_refused_before_training(tmp_path, capsys):
    with pytest.raises(UserError, match="the name of a run before it"):
        VaeDcgan(set=("epochs=2",)).work(Desk(tmp_path))
    with pytest.raises(UserError, match="no setting"):
        VaeDcgan(set=("gan.epoch=2",)).work(Desk(tmp_path))
    with pytest.raises(UserError, match="is no folder"):
        VaeDcgan(handin=tmp_path / "none").work(Desk(tmp_path))
    (tmp_path / "handin.json").write_text('{"gan": {"noise": "many"}}')
    with pytest.raises(UserError, match="noise"):
        facts_of(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["coursework", "vae-gcdan"])
    assert left.value.code == 2 and "Did you mean vae-dcgan" in capsys.readouterr().err


def test_the_command_lists_courseworks(capsys):
    with pytest.raises(SystemExit) as left:
        main(["coursework"])
    assert left.value.code == 0 and "vae-dcgan" in capsys.readouterr().out
    assert coursework.find("vae_dcgan") is vae_dcgan.VaeDcgan


def test_curves_that_were_logged_once_are_no_curves():
    once = [
        {"step": 1, "loss": 9.0, "reconstruction": 8.0, "kl": 1.0},
        {"step": 2, "loss": 8.0, "test_loss": 7.0},
    ]
    with pytest.raises(Lost, match="logged once, which is no curve: a full run"):
        curved(SimpleNamespace(log=lambda name: once))
    twice = [*once, {"step": 3, "test_loss": 6.0}]
    share, told = curved(SimpleNamespace(log=lambda name: twice))
    assert 0.5 < share < 1 and "from 7.0 to 6.0" in told
