"""The benches of transfer in miniature: every body and row is there, and a table goes on where it stood."""

import json
import sys

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from bench import (
    bodies,
    common,
    transfer_animals,
    transfer_domains,
    transfer_lora,
    transfer_methods,
    transfer_normalisation,
    transfer_shots,
)
from gradschool.data.examples import Splits
from gradschool.data.vision.images import Images
from gradschool.practice import probes
from gradschool.runs.classification.transfer import TransferRun

NAME, SIDE = "test_resnet", 32


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common, "RESULTS", tmp_path / "results")
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(1)
    save_file(timm.create_model(NAME).state_dict(), tmp_path / "w.safetensors")
    monkeypatch.setattr(bodies, "letters", lambda run: tmp_path / "w.safetensors")


def folder(root, level=0):
    """Six pictures of each of two classes to train on, three to test on; all brighter by a level."""
    rng = np.random.default_rng(level)
    for part, n in (("train", 6), ("test", 3)):
        for name, colour in (("ants", (150, 60, 60)), ("bees", (60, 150, 60))):
            (root / part / name).mkdir(parents=True)
            for i in range(n):
                pixels = np.clip(rng.normal(colour, 40, (20, 20, 3)) + level, 0, 255).astype("uint8")
                Image.fromarray(pixels).save(root / part / name / f"{i}.png")
    return root


def call(monkeypatch, bench, *words, data=None):
    """Run a bench on a small network and read its file."""
    sets = [
        f"backbone={NAME}",
        f"image_size={SIDE}",
        "kept_size=20",
        "pretrained=false",
        "weights=w.safetensors",
    ]
    sets += [f"data={data}"] if data else []
    told = [word for each in sets for word in ("--set", each)]
    monkeypatch.setattr(sys, "argv", ["bench", *words, *told])
    bench.main()
    name = bench.__name__.rpartition(".")[2]
    return json.loads((common.RESULTS / f"{name}.json").read_text())


def test_learning_curves_of_every_body_and_one_made_again(tmp_path, monkeypatch):
    data = folder(tmp_path / "insects")
    found = call(monkeypatch, transfer_shots, "--draws", "3", data=data)
    wanted = {(body, f"{n} shots, {fit}") for body in bodies.BODIES for n in (1, 2, 5) for fit in probes.FITS}
    assert {(row["body"], row["row"]) for row in found["rows"]} == wanted and found["tested"] == 6
    for row in found["rows"]:
        low, high = row["interval"]
        assert row["n"] == len(row["accuracies"]) == 3 and low <= row["mean"] <= high
    again = call(monkeypatch, transfer_shots, "--draws", "4", "--bodies", "pixels", data=data)
    assert {(row["body"], row["row"]) for row in again["rows"]} == wanted
    assert {row["n"] for row in again["rows"] if row["body"] == "pixels"} == {4}


def test_bodies_differ_in_what_their_names_say(tmp_path, monkeypatch):
    base = bodies.replace(bodies.fewshot_animals(), backbone=NAME, image_size=SIDE, weights="w.safetensors")
    runs = {name: bodies.start(name, base) for name in bodies.BODIES[:4]}
    assert runs["own"] == bodies.replace(base, shots=None)
    assert runs["wrong"] == bodies.replace(runs["own"], learnt_from=bodies.USUAL)
    assert not runs["random"].starts_learnt and runs["letters"].starts_learnt
    images = Images(torch.randint(0, 256, (4, 3, 20, 20), dtype=torch.uint8), torch.arange(4) % 2, ("a", "b"))
    own, wrong, random = (bodies.looked_at(name, [images], base)[0].x for name in ("own", "wrong", "random"))
    assert not torch.allclose(own, wrong) and not torch.allclose(own, random)
    assert bodies.looked_at("pixels", [images])[0].x.shape == (4, 3 * 16 * 16)


def test_every_pair_of_domains(tmp_path, monkeypatch):
    places = {
        f"animals_{name}": folder(tmp_path / name, level) for name, level in (("photo", 0), ("sketch", 90))
    }
    monkeypatch.setattr(transfer_domains, "DOMAINS", tuple(places))
    opened = TransferRun.opened
    monkeypatch.setattr(
        TransferRun,
        "opened",
        lambda self, seed, val, data: opened(self, seed, val, str(places[data])),
    )
    found = call(monkeypatch, transfer_domains, "--draws", "2", "--bodies", "own", "pixels")
    pairs = [f"{a} to {b}" for a in ("photo", "sketch") for b in ("photo", "sketch")]
    assert [(row["body"], row["row"]) for row in found["rows"]] == [
        (b, p) for b in ("own", "pixels") for p in pairs
    ]


def test_wrong_normalisation_is_asked_of_the_networks_own_outputs(tmp_path, monkeypatch):
    """Twenty pictures that are all alike, one of each class: a network answers one class for all of them."""
    names = sorted(name for name, *_ in transfer_normalisation.natural_animals.chosen())
    pixels = torch.full((20, 3, 8, 8), 0, dtype=torch.uint8)
    images = Images(pixels, torch.arange(20), tuple(names))
    monkeypatch.setattr(transfer_normalisation, "NAME", "test_vit")
    monkeypatch.setattr(transfer_normalisation, "open_set", lambda *a, **k: Splits("x", images, None, images))
    file = tmp_path / "n.safetensors"
    save_file(timm.create_model("test_vit").state_dict(), file)
    monkeypatch.setattr(transfer_normalisation.backbone, "learnt", lambda *a, **k: file)
    transfer_normalisation.main()
    found = json.loads((common.RESULTS / "transfer_normalisation.json").read_text())
    assert [row["normalisation"] for row in found["rows"]] == ["own", "usual"]
    assert [row["mean"] for row in found["rows"]] == [[0.5] * 3, bodies.USUAL["mean"]]
    assert all(row["tested"] == 20 and row["accuracy"] == pytest.approx(0.05) for row in found["rows"])
    assert found["lost"]["value"] == 0


@pytest.mark.long
def test_the_cost_of_features_is_measured_without_the_cache(tmp_path, monkeypatch):
    data = folder(tmp_path / "insects")
    small = ("--seeds", "2", "--set", "epochs=1", "--set", "batch_size=4")
    found = call(monkeypatch, transfer_animals, *small, data=data)
    assert found["n"] == 2 and found["features"]["photographs"] == 12
    assert found["features"]["scaled"] == pytest.approx(found["features"]["processor_seconds"] * 18 / 12)
    assert found["features"]["processor_seconds"] > 0


@pytest.mark.long
def test_methods_and_ranks(tmp_path, monkeypatch):
    data = folder(tmp_path / "insects")
    small = ("--seeds", "1", "--set", "shots=2", "--set", "epochs=1", "--set", "batch_size=4")
    rows = ("scratch", "probe, then fine-tuned", "frozen", "frozen, random body", "letters, frozen")
    found = call(monkeypatch, transfer_methods, *small, "--rows", *rows, data=data)
    assert [row["row"] for row in found["rows"]] == list(rows)
    sizes = {row["row"]: row["trained_parameters"] for row in found["rows"]}
    assert sizes["frozen"] < sizes["scratch"] == sizes["probe, then fine-tuned"]
    found = call(monkeypatch, transfer_lora, *small, "--rows", "head", "rank 1", "rank 4", "full", data=data)
    sizes = [row["trained_parameters"] for row in found["rows"]]
    assert sizes == sorted(sizes) and sizes[0] < sizes[1] and sizes[-1] > sizes[-2]
