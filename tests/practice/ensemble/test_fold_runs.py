"""Runs over folds: what is predicted out of fold, and that a killed one goes on."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.practice.ensemble.folds import go_on, train_folds
from gradschool.recipes import find
from gradschool.runs.language.classify import TextClassifier
from gradschool.runs.reopen import reopen, splits_again
from gradschool.runs.request import Request, silent
from gradschool.runs.train import train


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("folds")
        patch.chdir(folder)
        patch.setenv("GRADSCHOOL_CACHE", str(folder / "cache"))
        yield folder


def digits(**changes):
    return replace(find("digits")(), precision="fp32", save_every=0.0, **changes)


@pytest.fixture(scope="module")
def whole(place):
    return train_folds(digits(), Request("digits", 0, 8, out=place / "whole"), 3, silent)


def test_every_example_is_predicted_by_the_run_that_has_not_seen_it(whole):
    kept = load_file(whole.path / "oof.safetensors")
    assert kept["logits"].shape == (1437, 10)
    pixels = splits_again(reopen(whole)[0], whole).train.pixels
    for number in range(3):
        inner = RunFolder(whole.path / f"fold-{number + 1}")
        run, request = reopen(inner)
        assert run.fold == f"{number + 1}/3" and request.recipe == "digits"
        splits = splits_again(run, inner)
        mine = kept["fold"] == number
        assert (splits.val.pixels == pixels[mine]).all() and (splits.val.labels == kept["labels"][mine]).all()
        assert torch.allclose(run.said(inner, splits.val), kept["logits"][mine], atol=1e-5)
        seen = {bytes(each) for each in splits.train.pixels.numpy()}
        assert not seen & {bytes(each) for each in splits.val.pixels.numpy()}


def test_the_test_part_is_that_of_any_run(whole, place):
    ordinary = train(digits(), Request("digits", 0, 1, out=place / "ordinary"), silent)
    tests = [folder.read("data.json")["parts"]["test"] for folder in (whole, ordinary)]
    assert tests[0] == tests[1]
    parts = whole.read("data.json")["parts"]
    assert parts.keys() == {"train", "test"} and parts["train"]["count"] == 1437


def test_the_folder_says_what_the_folds_reached(whole):
    result, kept = whole.read("result.json"), load_file(whole.path / "oof.safetensors")
    right = (kept["logits"].argmax(1) == kept["labels"]).double()
    assert result["metrics"]["val_accuracy"] == pytest.approx(float(right.mean()))
    each = [float(right[kept["fold"] == number].mean()) for number in range(3)]
    assert [row["val_accuracy"] for row in result["folds"]] == pytest.approx(each)
    said = [RunFolder(whole.path / f"fold-{n}").read("result.json")["metrics"] for n in (1, 2, 3)]
    assert [row["test_accuracy"] for row in result["folds"]] == [row["test_accuracy"] for row in said]
    assert result["main"] == "test_accuracy"
    command = whole.read("config.json")["command"]
    assert command.startswith("gradschool train digits --seed 0") and command.endswith("--folds 3")


@pytest.mark.long
def test_its_report_has_the_folds(whole):
    page = reopen(whole)[0].report(whole).read_text()
    assert "Scores of each fold" in page and "standard deviation" in page and "1,437 training images" in page


def test_a_killed_one_goes_on_with_the_fold_it_was_in(whole, place, cut_short, tmp_path):
    killed = tmp_path / "killed"
    shutil.copytree(whole.path, killed)
    for name in ("result.json", "oof.safetensors", "model.json", "blend.safetensors"):
        (killed / name).unlink()
    # 1. The third was never begun, the second lies between two checkpoints, the first is whole.
    shutil.rmtree(killed / "fold-3")
    shutil.rmtree(killed / "fold-2")
    shutil.move(cut_short(RunFolder(whole.path / "fold-2")), killed / "fold-2")
    (killed / "fold-2" / "held_out.safetensors").unlink()
    before = (killed / "fold-1" / "model.safetensors").stat().st_mtime_ns
    with pytest.raises(SystemExit) as left:
        main(["train", "--resume", str(killed), "--no-report"])
    assert not left.value.code
    assert (killed / "fold-1" / "model.safetensors").stat().st_mtime_ns == before
    ours, wanted = (load_file(path / "oof.safetensors") for path in (killed, whole.path))
    assert (ours["fold"] == wanted["fold"]).all()
    assert torch.allclose(ours["logits"], wanted["logits"], atol=1e-5)
    # 2. A finished one is not begun again, and one that was killed at once is.
    with pytest.raises(UserError, match="is finished"):
        go_on(RunFolder(killed), silent)
    (killed / "result.json").unlink()
    shutil.rmtree(killed / "fold-3" / "checkpoints")
    (killed / "fold-3" / "result.json").unlink()
    go_on(RunFolder(killed), silent)
    assert (killed / "fold-3" / "result.json").is_file()


def test_other_data_are_refused(whole, tmp_path):
    shutil.copytree(whole.path, tmp_path / "moved")
    (tmp_path / "moved" / "result.json").unlink()
    file = tmp_path / "moved" / "data.json"
    content = json.loads(file.read_text())
    content["parts"]["train"]["sha256"] = "x"
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="cannot go on: The train part is not what the run had"):
        go_on(RunFolder(tmp_path / "moved"), silent)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["digits", "--folds", "1"], "folds is 1; wanted: a whole number >= 2"),
        (["digits", "--folds", "2000"], "2000 folds, and the class"),
        (["vae_mnist", "--folds", "3"], "--folds was given to"),
        (["digits", "--folds", "3", "--set", "fold=1/3"], "--folds came with fold=1/3"),
        (["digits", "--folds", "3", "--mine"], "--folds came with --mine"),
        (["digits", "--folds", "many"], "--folds is 'many'; wanted: a whole number"),
        (["digits", "--set", "fold=9/3"], "fold is 9/3; wanted: one of 1/3 to 3/3"),
        (["digits", "--set", "split_seed=-1"], "split_seed is a number >= 0, got -1"),
    ],
)
def test_folds_that_cannot_be_are_a_sentence(place, capsys, words, sentence):
    with pytest.raises(SystemExit) as left:
        main(["train", *words, "--out", "refused"])
    assert left.value.code == 2 and sentence in capsys.readouterr().err
    assert not (place / "refused").exists()


def test_texts_have_folds_and_ensembles(place, capsys):
    good, bad = ["fine", "lovely", "great", "warm"], ["awful", "dull", "bad", "cold"]
    lines = ["text,label"]
    for i in range(120):
        words = (good, bad)[i % 2]
        lines.append(f"it was {words[i % 4]} and {words[i // 4 % 4]} number {i},{('yes', 'no')[i % 2]}")
    (place / "reviews.csv").write_text("\n".join(lines))
    run = TextClassifier(data=str(place / "reviews.csv"), epochs=15, batch_size=16, learning_rate=0.03,
                         baselines=False, precision="fp32", threads=1)  # fmt: skip
    folder = train_folds(run, Request("text", 0, out=place / "texts"), 3, silent)
    kept = load_file(folder.path / "oof.safetensors")
    assert len(kept["labels"]) == 108  # a tenth is the test part
    ensemble, _ = reopen(folder)
    assert ensemble.title == "an ensemble of text classifiers"
    (one,) = ensemble.answer(folder, ["it was lovely and great"], 2)
    assert one.top[0][0] == "yes" and sum(p for _, p in one.top) == pytest.approx(1)
    (place / "more.txt").write_text("it was awful and dull\n")
    (line,) = list(ensemble.predict(folder, [place / "more.txt"], 1, lambda *_: None, lambda *_: None))
    assert line.top[0][0] == "no"
    assert "Scores of each fold" in ensemble.report(folder).read_text()
    with pytest.raises(UserError, match="cannot export"):
        ensemble.export(folder, None)
