"""Tables of frozen features: rows against scikit-learn, draws that never touch test pictures."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.neighbors import NearestCentroid

from gradschool.cli.main import main
from gradschool.data.vision.few import drawn
from gradschool.errors import UserError
from gradschool.practice import probes
from gradschool.practice.probes import FITS, Seen, between, curve, of_domain, one_draw

CLASSES = ("ant", "bee", "wasp")


def clouds(n, seed, shift=0.0, spread=1.0):
    """Overlapping classes in four dimensions, all moved by so much."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 3
    centres = torch.randn(3, 4, generator=torch.Generator().manual_seed(9))
    return Seen(centres[y] + spread * torch.randn(n, 4, generator=generator) + shift, y, CLASSES)


def test_a_row_holds_the_accuracy_of_every_draw_and_stops_where_pictures_end():
    train, test = clouds(36, 0), clouds(60, 1)
    rows = {rung.name: rung for rung in curve(train, test, (1, 5, 12, 13), 4)}
    assert list(rows) == [f"{n} shots, {fit}" for n in (1, 5, 12) for fit in FITS]
    for seed, accuracy in enumerate(rows["5 shots, nearest mean"].test):
        index = drawn(train.y, CLASSES, 5, seed)
        peer = NearestCentroid().fit(train.x[index], train.y[index])
        assert accuracy == pytest.approx(peer.score(test.x, test.y))
    all_of_it = rows["12 shots, linear probe"]
    assert len(set(all_of_it.test)) == 1 and len(set(rows["1 shots, linear probe"].test)) > 1
    assert all_of_it.mean > rows["1 shots, nearest mean"].mean


def test_every_pair_of_domains_and_none_tested_on_what_it_learnt(monkeypatch):
    domains = {"animals_photo": clouds(30, 0), "animals_sketch": clouds(30, 1, shift=4.0, spread=0.05)}
    rows = {rung.name: rung for rung in between(domains, 3)}
    assert list(rows) == ["photo to photo", "photo to sketch", "sketch to photo", "sketch to sketch"]
    assert rows["sketch to sketch"].mean > 0.95 > rows["photo to sketch"].mean + 0.2
    parts = []
    monkeypatch.setattr(probes, "one_draw", lambda fit, train, tests: parts.append((train, tests)) or [0.0])
    list(of_domain(domains, "animals_photo", 3, FITS["linear probe"]))
    for train, (own, other) in parts:
        assert (len(train.y), len(own.y), len(other.y)) == (24, 6, 30)
        assert not {*map(tuple, train.x.tolist())} & {*map(tuple, own.x.tolist())}
        assert torch.equal(other.x, domains["animals_sketch"].x)
    assert not torch.equal(parts[0][0].x, parts[1][0].x)


def test_one_draw_gives_the_training_accuracy_first():
    train, test = clouds(12, 0, spread=0.01), clouds(30, 1, spread=3.0)
    scores = one_draw(FITS["linear probe"], train, [test, train])
    assert scores[0] == scores[2] == 1.0 > scores[1]


def test_domains_of_other_classes_are_refused(monkeypatch):
    found = [clouds(6, 0), replace(clouds(6, 1), classes=("a", "b", "c"))]
    monkeypatch.setattr(probes, "seen", lambda run, parts: found)
    monkeypatch.setattr(probes, "whole", lambda splits: None)

    class Anything:
        """A run of which nothing is asked but to open."""

        def opened(self, *args):
            return None

    with pytest.raises(UserError, match="the classes of x, y differ"):
        next(probes.domain_rungs(Anything(), 1, ("x", "y")))


@pytest.fixture
def asked(tmp_path, monkeypatch, capsys):
    """Calls `gradschool ladder` on ants and bees in the frozen features of a small network."""
    timm = pytest.importorskip("timm")
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "test_resnet.safetensors")
    rng = np.random.default_rng(0)
    for part, n in (("train", 3), ("test", 2)):
        for name, colour in (("ants", (150, 60, 60)), ("bees", (60, 150, 60))):
            (tmp_path / "insects" / part / name).mkdir(parents=True)
            for i in range(n):
                pixels = np.clip(rng.normal(colour, 40, (20, 20, 3)), 0, 255).astype("uint8")
                Image.fromarray(pixels).save(tmp_path / "insects" / part / name / f"{i}.png")
    small = (
        f"--set backbone={tmp_path}/test_resnet.safetensors --set image_size=32 --out {tmp_path}/out".split()
    )

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main(["ladder", *words, *small])
        return int(left.value.code or 0), *capsys.readouterr()

    return call


def test_the_command_prints_a_learning_curve_and_keeps_it(asked, tmp_path):
    code, out, err = asked("--what", "shots", "--data", str(tmp_path / "insects"), "--seeds", "2", "--json")
    assert code == 0, err
    rows = json.loads(out.splitlines()[-1])["rows"]
    assert [row["rung"] for row in rows] == [f"{n} shots, {fit}" for n in (1, 2) for fit in FITS]
    assert all(len(row["test"]) == 2 for row in rows) and "2 shots, linear probe" in out
    (table,) = (tmp_path / "out").rglob("ladder.json")
    assert json.loads(table.read_text())["name"] == "shots"


def test_words_that_probes_have_no_use_for_are_refused(asked):
    for words in (("--what", "domains", "--data", "x"), ("--what", "shots", "--only", "frozen")):
        code, _, err = asked(*words)
        assert code == 2 and "--only or --data came with --what" in err
    code, _, err = asked("--what", "shots", "--seeds", "0")
    assert code == 2 and "seeds is 0; wanted: a whole number >= 1" in err
