"""Backbones by folder and by file: what is named, what is guessed, and what is refused."""

import json
import re

import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models import save_for_hf

from gradschool.errors import UserError
from gradschool.runs.classification.transfer import TransferRun
from gradschool.runs.vision import backbone
from gradschool.runs.vision.brought import brought

NAME, SIDE = "test_efficientnet", 64


@pytest.fixture(scope="module")
def net():
    """A network of timm whose normalisation layers have seen something."""
    torch.manual_seed(1)
    made = timm.create_model(NAME).train()
    for _ in range(3):
        made(2 + torch.randn(8, 3, SIDE, SIDE))
    return made.eval()


def folder_of(net, place, **config):
    """A folder as timm saves it for the Hub."""
    save_for_hf(net, place, model_config=config or None, safe_serialization=True)
    return place


def test_a_folder_that_timm_saved_gives_timms_own_features(net, tmp_path):
    """Oracle: timm's own forward pass, without our resizing and head."""
    run = TransferRun(data="", backbone=str(folder_of(net, tmp_path / "net")), image_size=SIDE)
    assert run.backbone.partition(".")[0] == NAME and run.learnt_from == {}
    assert run.weights == str(tmp_path / "net" / "model.safetensors") and run.starts_learnt
    body = backbone.trained_body(run.backbone, 3, {}, tmp_path / "net" / "model.safetensors").eval()
    x = torch.randn(4, 3, SIDE, SIDE)
    with torch.no_grad():
        wanted = net.forward_head(net.forward_features(x), pre_logits=True)
        torch.testing.assert_close(body(x), wanted, rtol=0, atol=1e-4)
        assert wanted.std(0).max() > 5e-3, "features that tell pictures apart"


def test_what_a_folder_says_of_its_pictures_counts(net, tmp_path):
    changed = {**net.pretrained_cfg, "mean": (0.1, 0.2, 0.3), "input_size": (3, 96, 96), "tag": "mine"}
    net_cfg, net.pretrained_cfg = net.pretrained_cfg, changed
    try:
        place = folder_of(net, tmp_path / "net")
    finally:
        net.pretrained_cfg = net_cfg
    run = TransferRun(data="", backbone=str(place))
    assert (run.backbone, run.side(), run.expected.mean) == (NAME, 96, (0.1, 0.2, 0.3))
    assert run.expected.std == backbone.expects(NAME).std


def test_a_file_or_a_lone_file_in_a_folder_is_named_after_its_network(net, tmp_path):
    save_file(net.state_dict(), tmp_path / f"{NAME}.safetensors")
    for place in (tmp_path, tmp_path / f"{NAME}.safetensors"):
        found = brought(str(place))
        assert (found.name, found.weights) == (NAME, tmp_path / f"{NAME}.safetensors")


def test_a_finished_run_is_a_backbone(net, tmp_path):
    """Its body's weights, and the mean and side that it was trained with."""
    run = TransferRun(data="", backbone=NAME, image_size=SIDE)
    model = run.build_model(2, 3)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"kind": "transfer", "settings": {"backbone": NAME}}))
    facts = {"input": [3, SIDE, SIDE], "mean": [0.4] * 3, "std": list(backbone.expects(NAME).std)}
    (tmp_path / "model.json").write_text(json.dumps(facts))
    other = TransferRun(data="", backbone=str(tmp_path))
    assert (other.backbone, other.side(), other.expected.mean) == (NAME, SIDE, (0.4,) * 3)
    body = backbone.trained_body(NAME, 3, {}, tmp_path / "model.safetensors")
    assert all(torch.equal(value, body.state_dict()[key]) for key, value in model.body.state_dict().items())


def test_a_name_is_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir()
    assert brought(NAME) is None and brought("resnet18.a1_in1k") is None and brought("resnet19") is None


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "net has no weights; wanted: one .safetensors file"),
        ({"pytorch_model.bin": b"x"}, "no weights but pytorch_model.bin, which can run code.*save_file"),
        ({"a.safetensors": b"", "b.safetensors": b""}, "net has 2 files of weights: a.safetensors, b.safet"),
        ({"model.safetensors": b""}, "nothing says of which network.*--set backbone=NAME --set weights="),
        (
            {"model.safetensors": b"", "config.json": b'{"model_type": "bert"}'},
            "is a bert of Hugging Face.*text",
        ),
        (
            {"model.safetensors": b"", "config.json": b'{"architecture": "resnot"}'},
            "names 'resnot', which timm",
        ),
        ({"model.safetensors": b"", "config.json": b"{"}, "config.json cannot be read"),
        ({"model.safetensors": b"", "config.json": b"[]"}, "config.json holds no JSON object"),
        (
            {"model.safetensors": b"", "config.json": b'{"architecture": "resnet18", "mean": "grey"}'},
            "mean of a backbone's config.json is 'grey'; wanted: one or three numbers",
        ),
    ],
)
def test_folders_that_are_no_backbone_are_one_sentence(files, words, tmp_path):
    place = tmp_path / "net"
    place.mkdir()
    for name, content in files.items():
        (place / name).write_bytes(content)
    with pytest.raises(UserError, match=re.compile(words, re.DOTALL)):
        TransferRun(data="", backbone=str(place))


def test_paths_and_files_that_are_no_backbone_are_one_sentence(net, tmp_path):
    save_file(net.state_dict(), tmp_path / f"{NAME}.safetensors")
    (tmp_path / "net.pth").write_bytes(b"x")
    for backbone_, words in (
        (tmp_path / "nowhere", "there is no .*nowhere; wanted: a network of timm by name, or a folder"),
        (tmp_path / "net.pth", "can run code when it is opened.*save_file"),
        ("resnet19", "backbone is 'resnet19'.*Did you mean resnet18"),
    ):
        with pytest.raises(UserError, match=words):
            TransferRun(data="", backbone=str(backbone_))
    with pytest.raises(UserError, match="which has some of its own; wanted: one of both"):
        TransferRun(data="", backbone=str(tmp_path / f"{NAME}.safetensors"), weights="w.safetensors")


def test_published_weights_are_found_where_they_lie_and_never_fetched_unasked(net, tmp_path, monkeypatch):
    import huggingface_hub

    def called(*args, **kwargs):
        pytest.fail("the Hub was asked")

    for name in ("hf_hub_download", "get_hf_file_metadata"):
        monkeypatch.setattr(huggingface_hub, name, called)
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path / "pack"))
    with pytest.raises(UserError, match=r"weights of test_efficientnet are not here.*--set fetch=true"):
        backbone.learnt(NAME, fetch=False)
    tag = timm.get_pretrained_cfg(NAME).tag
    for place in ("cache", "pack"):
        file = tmp_path / place / "weights" / f"{NAME}.safetensors"
        file.parent.mkdir(parents=True)
        save_file(net.state_dict(), file)
        for name in (NAME, f"{NAME}.{tag}"):
            assert backbone.learnt(name, fetch=True) == backbone.learnt(name, fetch=False) == file
    # Another tag means other weights: the file without a tag is not theirs.
    assert backbone.at_hand("resnet18.a2_in1k") is None
    (tmp_path / "pack" / "weights" / "resnet18.safetensors").write_bytes(b"")
    assert backbone.at_hand("resnet18.a2_in1k") is None and backbone.at_hand("resnet18") is not None


def test_without_timm_the_part_is_named(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "timm" else real(name, *a)
    )
    with pytest.raises(UserError, match=r"timm is not installed, and backbone=resnet18 needs it.*practice"):
        TransferRun(data="", backbone="resnet18")
