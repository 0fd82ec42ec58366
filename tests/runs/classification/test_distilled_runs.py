"""Students of a teacher on digits: what the teacher sees, what is kept of it, and who may not teach."""

import json
import re
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.data.augment.pipeline import Augment
from gradschool.data.vision.images import Images
from gradschool.engine.device import Machine
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.models.vision.mlp import netlin
from gradschool.practice.ensemble.make import ensemble
from gradschool.practice.plan import memory
from gradschool.recipes import find
from gradschool.runs.classification.teacher import View
from gradschool.runs.classification.transfer import TransferRun
from gradschool.runs.reopen import reopen
from gradschool.runs.request import Request, silent
from gradschool.runs.settings import override
from gradschool.runs.train import resume, train
from gradschool.tasks.classify import Classify
from gradschool.tasks.distil import Distil

CPU = Machine("cpu", "fp32", False)
MOVED = Augment(flip=True, crop_padding=1, cutmix=1.0)


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("distilled")
        patch.chdir(folder)
        patch.setenv("GRADSCHOOL_CACHE", str(folder / "cache"))
        yield folder


def settings(**changes):
    return replace(find("digits")(), **{"precision": "fp32", **changes})


@pytest.fixture(scope="module")
def teacher(place):
    return train(settings(ema=None), Request("digits", 0, 60, out=place / "teacher"), silent)


def batches_of(run, **request):
    """The training batches of a run, as it is put together."""
    return run.assemble(Request("digits", **request), CPU, silent).batches


def pixels_of(x, pipeline):
    """Stored pixels of a normalised batch that no change has touched."""
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (pipeline.mean, pipeline.std))
    return ((x * std + mean) * 255).round().to(torch.uint8)


def test_the_teacher_answers_as_it_does_for_stored_pictures(teacher):
    taught = batches_of(settings(teacher="teacher"), seed=3)
    x, logits, y = next(taught.epoch(0))
    pictures = Images(pixels_of(x, taught.batches.pipeline), y, taught.batches.images.classes)
    wanted = reopen(teacher)[0].said(teacher, pictures)
    torch.testing.assert_close(logits, wanted, atol=1e-4, rtol=1e-4)  # two orders of float32 sums
    assert (logits.argmax(1) == y).float().mean() > 0.7  # of 10 classes: it has learnt


def test_the_teacher_sees_the_very_changes_of_the_student(teacher):
    """Batch 2 of epoch 1, moved, mirrored and mixed: the student's pictures, at the scale of pixels."""
    plain = batches_of(settings(augment=MOVED), seed=3)
    taught = batches_of(settings(augment=MOVED, teacher="teacher"), seed=3)
    seen = []

    def looked(pixels):
        seen.append(pixels)
        return torch.zeros(len(pixels), 10)

    taught = replace(taught, teacher=looked)
    x, _, y = next(taught.epoch(1, 2))
    alone, shares = next(plain.epoch(1, 2))
    assert torch.equal(x, alone) and torch.equal(y, shares) and y.shape == (64, 10)
    mean, std = taught.batches.pipeline.mean[0], taught.batches.pipeline.std[0]
    assert torch.allclose((seen[0] - mean) / std, alone, atol=1e-5) and len(taught) == len(plain)


def test_a_view_of_another_size_is_resized_to_what_the_teacher_knows():
    known = {"mean": [0.25], "std": [0.5]}
    view = View(torch.nn.Identity(), known, [8, 8])
    small = torch.rand(2, 1, 5, 5)
    wanted = torch.nn.functional.interpolate(small, (8, 8), mode="bilinear", antialias=True)
    torch.testing.assert_close(view(small), (wanted - 0.25) / 0.5)
    assert view(torch.rand(2, 1, 8, 8)).shape == (2, 1, 8, 8)


def test_progressive_sizes_reach_the_end_of_the_run(teacher):
    sizes = ((0.0, 6), (0.5, 8))
    taught = batches_of(settings(teacher="teacher", sizes=sizes, model=netlin_any), seed=0, steps=40)
    (early, first, _), (late, second, _) = next(taught.epoch(0)), next(taught.epoch(1))
    assert early.shape[-1] == 6 and late.shape[-1] == 8
    assert first.shape == second.shape == (64, 10)


def netlin_any(classes, channels):
    """A network of pictures of any size."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(channels, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(4, classes),
    )  # fmt: skip


def test_a_student_learns_from_its_teacher_alone_and_its_folder_stands_alone(teacher, place):
    folder = train(
        settings(teacher="teacher", teacher_weight=1.0, model=netlin, val=0.2, split_seed=0, data="digits"),
        Request("digits", 1, 60, out=place / "student"), silent,
    )  # fmt: skip
    result = folder.read("result.json")
    assert result["metrics"]["test_accuracy"] > 0.6
    about = result["teacher"]
    assert about["run"] == "teacher"
    assert about["accuracy"] == teacher.read("result.json")["metrics"]["test_accuracy"]
    assert about["parameters"] == teacher.read("model.json")["parameters"]
    # The folder stands alone: its weights are the student's, and the teacher's place holds from anywhere.
    run, _ = reopen(folder)
    own = run.rebuild(folder.read("model.json")).state_dict()
    assert load_file(folder.path / "model.safetensors").keys() == own.keys()
    assert run.teacher == str(place / "teacher")
    told = run.conclusion(result, "")
    assert f"{100 * about['accuracy']:.1f} % by teacher with {about['parameters']:,} parameters" in told


def test_the_loss_mixes_labels_and_teacher():
    model = torch.nn.Linear(6, 4).double()
    g = torch.Generator().manual_seed(0)
    x, taught = (torch.randn(5, n, generator=g, dtype=torch.float64) for n in (6, 4))
    y = torch.tensor([3, 1, 0, 0, 2])
    shares = torch.rand(5, 4, generator=g, dtype=torch.float64).softmax(1)
    for labels in (y, shares):
        for smoothing in (0.0, 0.1):
            wanted = Classify(model, smoothing).loss((x, labels))["loss"]
            found = Distil(model, 3.0, 0.0, smoothing).loss((x, taught, labels))["loss"]
            torch.testing.assert_close(found, wanted)
    logits = model(x)
    p, q = (taught / 3).softmax(1), (logits / 3).softmax(1)
    soft = 9 * (p * (p / q).log()).sum(1).mean()
    hard = torch.nn.functional.cross_entropy(logits, y)
    found = Distil(model, 3.0, 0.7).loss((x, taught, y))["loss"]
    torch.testing.assert_close(found, 0.3 * hard + 0.7 * soft)
    alone = [Distil(model, 3.0, 1.0).loss((x, taught, each))["loss"] for each in (y, 3 - y)]
    assert alone[0] == alone[1]  # labels that are all wrong do no harm


def test_a_killed_student_goes_on_as_if_nothing_had_happened(teacher, place, cut_short):
    run = settings(teacher="teacher", augment=MOVED, model=netlin, save_every=0.0)
    whole = train(run, Request("digits", 2, 12, out=place / "whole"), silent)
    cut = RunFolder.open(cut_short(whole))
    resumed = resume(cut, *reopen(cut), say=silent)
    ours, theirs = (load_file(each.path / "model.safetensors") for each in (resumed, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_an_ensemble_teaches(teacher, place):
    train(settings(model=netlin, split_seed=0), Request("digits", 1, 30, out=place / "other"), silent)
    both = ensemble(["teacher", "other"], out=place / "both")
    taught = batches_of(settings(teacher="both", split_seed=0), seed=3)
    x, logits, y = next(taught.epoch(0))
    pictures = Images(pixels_of(x, taught.batches.pipeline), y, taught.batches.images.classes)
    wanted = reopen(both)[0].said(both, pictures)
    torch.testing.assert_close(logits.softmax(1), wanted.exp(), atol=1e-5, rtol=1e-4)


def test_a_plan_is_made_of_a_student(teacher):
    run = settings(teacher="teacher")
    with_teacher, alone = (
        memory.predict(each, memory.opened(each, Request("digits")))
        for each in (run, replace(run, teacher=None))
    )
    assert with_teacher.parameters == alone.parameters and with_teacher.peak > alone.peak


def spoilt(place, name, file, **changes):
    """A copy of the teacher with other facts in one of its files."""
    copy = place / name
    shutil.copytree(place / "teacher", copy, dirs_exist_ok=True)
    content = json.loads((copy / file).read_text())
    for key, value in changes.items():
        content[key] = value
    (copy / file).write_text(json.dumps(content))
    return name


def test_who_cannot_teach_is_told_in_a_sentence(teacher, place):
    parts = teacher.read("data.json")["parts"]
    moved = {"parts": {**parts, "test": {**parts["test"], "sha256": "0"}}}
    train(find("perceptron")(), Request("perceptron", out=place / "rule"), silent)
    cases = {
        "nowhere": "nowhere is not a run; wanted: one of .*teacher",
        "rule": "teacher is rule, .*perceptron.*; wanted: an image classifier",
        spoilt(place, "more", "model.json", classes=[*"0123456789", "ten"]):
            "more has other classes than the data .ten is in one of them alone.",
        spoilt(place, "order", "model.json", classes=[*"1023456789"]): "in another order",
        spoilt(place, "large", "model.json", height=16, width=16):
            "16x16 grey, the data are 8x8 grey; wanted: the same size and channels. .*image_size=16",
        spoilt(place, "coloured", "model.json", channels=3): "8x8 colour, the data are 8x8 grey",
        spoilt(place, "elsewhere", "data.json", **moved): "another test part: .*--set split_seed=0",
    }  # fmt: skip
    (place / spoilt(place, "cut", "config.json") / "model.json").unlink()
    cases["cut"] = "cut is not finished"
    for name, sentence in cases.items():
        with pytest.raises(UserError) as refused:
            batches_of(settings(teacher=name))
        assert re.search(sentence, str(refused.value)), (name, str(refused.value))


def test_settings_that_contradict_each_other(teacher):
    with pytest.raises(UserError, match="balance is on beside a teacher"):
        batches_of(settings(teacher="teacher", balance=True))
    with pytest.raises(UserError, match="mode is frozen beside a teacher"):
        TransferRun(data="digits", backbone="test_resnet", mode="frozen", teacher="teacher")
    for word, sentence in (("temperature=0", "a number > 0"), ("teacher_weight=1.5", "a number <= 1")):
        with pytest.raises(UserError, match=sentence):
            override(find("digits")(), [word], "digits")
