"""The ESE courseworks on digits: done by one command each; hand-ins that are right, wrong and broken."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from gradschool.classroom.coursework.frame import Lost, marked
from gradschool.classroom.coursework.lines_restore.marks import level
from gradschool.classroom.coursework.lines_restore.marks import marks as marks_of_file
from gradschool.classroom.coursework.lines_restore.work import LinesRestore, scores
from gradschool.classroom.coursework.xray_detect.marks import counted
from gradschool.classroom.coursework.xray_detect.marks import marks as marks_of_csv
from gradschool.classroom.coursework.xray_detect.work import copied
from gradschool.classroom.coursework.xray_files import (
    read_labels,
    read_pictures,
    save_jpegs,
    write_labels,
)
from gradschool.classroom.coursework.xray_generate.marks import marks as marks_of_folder
from gradschool.classroom.coursework.xray_generate.work import measured
from gradschool.cli.main import main
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.runs.dense.gaps import LikeGaps, fill, read_gaps, with_gaps


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Both generators, the detector and their csv by one command, on digits of 16 pixels."""
    place = tmp_path_factory.mktemp("runs") / "detect"
    few = ["size=16", "epochs=1", "shown=4"]
    words = [f"--set={name}.{word}" for name in ("vae", "gan") for word in few]
    command = ["coursework", "xray-detect", "--data", "digits", "--quick", "--out", str(place), *words]
    with pytest.raises(SystemExit) as end:
        main([*command, "--set=detector.epochs=1"])
    assert end.value.code == 0
    return place


@pytest.mark.long
def test_the_detector_labels_what_its_generators_made(runs):
    marks = json.loads((runs / "marks.json").read_text())
    facts = marks["facts"]
    assert facts["n"] == 3 * 300 and sum(map(sum, facts["confusion"])) == facts["n"]
    right = sum(facts["confusion"][i][i] for i in range(3))
    assert facts["accuracy"] == right / facts["n"] > 1 / 3
    assert facts["interval"][0] < facts["accuracy"] <= facts["interval"][1]
    assert [m["item"] for m in marks["marks"]] == ["1.1", "1.2", "1.3", "1.4"]
    assert marks["marks"][0]["points"] == 10
    assert len(read_labels(runs / "classified.csv")[0]) == 900
    assert (runs / "report.html").is_file() and (runs / "called.png").is_file()


@pytest.mark.long
def test_a_csv_of_somebody_else_is_marked_without_training(runs, tmp_path):
    truth, _ = read_labels(runs / "truth.csv")
    write_labels(tmp_path / "mine.csv", truth)
    words = [
        "--hands",
        str(runs),
        "--hand-in",
        str(tmp_path / "mine.csv"),
        "--truth",
        str(runs / "truth.csv"),
    ]
    with pytest.raises(SystemExit) as end:
        main(["coursework", "xray-detect", *words, "--out", str(tmp_path / "out")])
    assert end.value.code == 0 and not (tmp_path / "out" / "detector").exists()
    marks = json.loads((tmp_path / "out" / "marks.json").read_text())
    assert [m["points"] for m in marks["marks"]] == [10, 10, 30, 10] and marks["facts"]["accuracy"] == 1


@pytest.mark.long
def test_three_hundred_files_are_drawn_and_counted(runs, tmp_path):
    with pytest.raises(SystemExit) as end:
        main(["coursework", "xray-generate", "--run", str(runs / "vae"), "--out", str(tmp_path / "x")])
    assert end.value.code == 0
    marks = {m["item"]: m for m in json.loads((tmp_path / "x" / "marks.json").read_text())["marks"]}
    files = sorted((tmp_path / "x" / "hand-in").iterdir())
    assert len(files) == 300 and files[0].name.endswith("_0001.jpeg")
    with Image.open(files[0]) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "L", (16, 16))
    assert [marks[i]["points"] for i in ("1.1", "1.2", "1.3")] == [5, 5, 5]


def noise(n, side=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, 1, side, side), dtype=torch.uint8, generator=generator)


def folder_marks(folder, real):
    handed = read_pictures(folder)
    made = handed.of_shape((1, 8, 8))
    facts = measured(made, *real) if len(made) > 10 else {}
    return {m.item: m for m in marks_of_folder(handed, made, (1, 8, 8), facts)}


def test_every_flaw_of_a_folder_costs_its_own_points(tmp_path):
    real = noise(300, seed=1), noise(300, seed=2)
    save_jpegs(tmp_path, noise(300, seed=3), "mine")
    whole = folder_marks(tmp_path, real)
    assert [whole[i].points for i in ("1.1", "1.2", "1.3", "1.4")] == [5, 5, 5, 5]
    files = sorted(tmp_path.iterdir())
    files[0].unlink()
    files[1].write_bytes(b"not a picture")
    Image.new("L", (9, 8)).save(files[2], "PNG")
    Image.new("RGB", (8, 8), (200, 0, 0)).save(files[3], "JPEG")
    flawed = folder_marks(tmp_path, real)
    assert 0 < flawed["1.1"].points <= 5 and "299 files" in flawed["1.1"].told
    assert "297 of 299 are JPEGs" in flawed["1.2"].told
    assert "296 of 299 are 8x8 grey" in flawed["1.3"].told and "not an image" in flawed["1.3"].told


def test_copies_and_repetitions_lose_points_and_noise_has_no_quality(tmp_path):
    real = noise(300, seed=1), noise(300, seed=2)
    facts = measured(real[0], *real)
    assert facts["copied"] == 1.0 and facts["precision_of_real"] == facts["precision"]
    facts = measured(real[1][:1].expand(300, -1, -1, -1).contiguous(), *real)
    assert facts["unique"] == 1 and facts["recall"] < 0.1
    assert measured(torch.zeros_like(real[0]), *real)["share"] == 0


def test_a_csv_with_a_head_wrong_labels_and_a_picture_twice(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("Filename,Predicted_Class\na.jpeg, 2\n\nb.jpeg,0\nb.jpeg,1\nc.jpeg,GAN\n")
    labels, wrong = read_labels(path)
    assert labels == {"a.jpeg": 2, "b.jpeg": 0}
    assert wrong == ["line 5 names b.jpeg again", "line 6 has the label 'GAN', not 0, 1 or 2"]
    truth = {"a.jpeg": 2, "b.jpeg": 1, "c.jpeg": 1}
    facts = counted(labels, truth)
    assert facts["accuracy"] == 1 / 3 and facts["recall"] == [0, 0, 1]
    marks = {m.item: m for m in marks_of_csv(list(truth), labels, wrong, truth, facts)}
    assert marks["1.1"].points == 6.7 and "c.jpeg has none" in marks["1.1"].told
    assert marks["1.3"].points == 0 and marks["1.4"].points == 0
    write_labels(path, labels)
    assert read_labels(path) == (labels, [])
    with pytest.raises(UserError, match=r"nowhere.csv cannot be read"):
        read_labels(tmp_path / "nowhere.csv")


def test_without_truth_nothing_is_said_to_be_right(tmp_path):
    marks = {m.item: m for m in marks_of_csv(["a"], {"a": 1}, [], {}, {})}
    assert marks["1.1"].points == 10 and marks["1.3"].points == 0 and "not known" in marks["1.3"].told


def test_the_courses_folders_become_classes_in_label_order(tmp_path):
    for name in ("real_hands", "VAE_hands", "GAN_hands"):
        save_jpegs(tmp_path / "hands" / name, noise(2), "hand")
    out = copied(tmp_path / "hands", tmp_path / "out")
    table = (out / "labels.csv").read_text().splitlines()
    assert table[0] == "file,class" and "VAE_hands-hand_0001.jpeg,1_vae" in table and len(table) == 7
    with pytest.raises(UserError, match="no folder real_hands"):
        copied(tmp_path, tmp_path / "out")


def test_the_courses_own_pictures_are_labelled(tmp_path):
    for grey, name in enumerate(("real_hands", "VAE_hands", "GAN_hands")):
        save_jpegs(tmp_path / "hands" / name, noise(12, 16, grey) // 4 + 80 * grey, "hand")
    save_jpegs(tmp_path / "hands" / "test_hands", noise(6, 16, 9), "test_hand")
    command = [
        "coursework",
        "xray-detect",
        "--hands",
        str(tmp_path / "hands"),
        "--out",
        str(tmp_path / "out"),
    ]
    with pytest.raises(SystemExit) as end:
        main([*command, "--set=detector.epochs=2"])
    assert end.value.code == 0
    labels, wrong = read_labels(tmp_path / "out" / "classified.csv")
    assert list(labels) == [f"test_hand_{i:04d}.jpeg" for i in range(1, 7)] and not wrong
    marks = json.loads((tmp_path / "out" / "marks.json").read_text())
    assert [m["points"] for m in marks["marks"]] == [10, 10, 0, 0]
    assert "The truth is not known here" in marks["marks"][2]["told"]


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """Lines of digits restored by one command."""
    place = tmp_path_factory.mktemp("lines") / "run"
    changes = ["epochs=6", "damage.lines=1", "damage.thickness=1.5"]
    words = [f"--set=lines.{word}" for word in changes]
    with pytest.raises(SystemExit) as end:
        main(["coursework", "lines-restore", "--data", "digits", "--out", str(place), *words])
    assert end.value.code == 0
    return place


@pytest.mark.long
def test_lines_are_restored_and_what_is_known_is_kept(lines):
    given, answer = np.load(lines / "test_set.npy"), np.load(lines / "test_set_nogaps.npy")
    gaps = np.isnan(given)
    assert answer.shape == given.shape == (100, 8, 8) and answer.dtype == np.float32
    assert np.isfinite(answer).all() and answer.min() >= 0 and answer.max() <= 1
    np.testing.assert_array_equal(answer[~gaps], given[~gaps])
    marks = json.loads((lines / "marks.json").read_text())
    facts = marks["facts"]
    truth = np.load(lines / "truth.npy")
    assert facts["restored"]["mse"] == pytest.approx(((answer - truth) ** 2).mean(), rel=1e-5)
    assert facts["restored"]["ssim"] > facts["damaged"]["ssim"]
    assert [m["points"] for m in marks["marks"][:3]] == [5, 5, 10]


@pytest.mark.long
def test_a_file_of_the_course_is_restored_in_its_own_type(lines, tmp_path):
    """Grey levels 1 to 255 and gaps at 0; fractions above 0 and gaps at 0."""
    gapped = np.load(lines / "test_set.npy")
    gaps = np.isnan(gapped)
    bytes_ = np.where(gaps, 0, np.rint(np.nan_to_num(gapped) * 254) + 1).astype(np.uint8)
    fractions = np.where(gaps, 0, np.nan_to_num(gapped) * 0.9 + 0.1)
    for found in (bytes_, fractions):
        np.save(tmp_path / "test_set.npy", found)
        given = read_gaps(tmp_path / "test_set.npy")
        assert torch.equal(given.mask[:, 0], torch.from_numpy(gaps))
        answer = fill(RunFolder.open(lines / "lines"), given)
        assert answer.dtype == found.dtype and answer.shape == found.shape
        np.testing.assert_array_equal(answer[~gaps], found[~gaps])


def test_gaps_of_a_file_are_learned_from(tmp_path):
    masks = torch.zeros(5, 1, 8, 8, dtype=torch.bool)
    masks[:, :, 3, :4] = True
    damaged, mask = LikeGaps(masks)(torch.ones(40, 1, 8, 8), torch.Generator().manual_seed(0))
    left, right = mask[:, 0, 3, :4].all(1), mask[:, 0, 3, 4:].all(1)
    assert (left ^ right).all() and left.any() and right.any() and mask.sum() == 40 * 4
    assert torch.equal(damaged == 0, mask)
    run = LinesRestore(gaps=tmp_path / "x.npy", data="digits").settings()
    np.save(tmp_path / "x.npy", np.where(masks[:, 0].numpy(), np.nan, 0.5))
    assert isinstance(run.damaging(), LikeGaps)
    gapped, truth = with_gaps(run, noise(6), 0)
    assert np.isnan(gapped).sum() == 6 * 4 and not np.isnan(truth).any()


@pytest.mark.parametrize(
    ("stack", "told"),
    [
        (np.zeros((4, 8, 8)), "100.0 % of the pixels"),
        (np.ones((4, 8, 8)), "0.0 % of the pixels"),
        (np.eye(8), r"the shape \(8, 8\)"),
        (np.eye(8)[None] * 300.0, "from 0 to 300"),
        (np.array(["a"]), "of <U1"),
    ],
)
def test_what_is_no_file_with_gaps_is_refused_in_one_sentence(tmp_path, stack, told):
    np.save(tmp_path / "x.npy", stack)
    with pytest.raises(UserError, match=told):
        read_gaps(tmp_path / "x.npy")


def test_every_flaw_of_a_restored_file_costs_its_own_points(tmp_path):
    truth = noise(20, 16).float() / 255
    mask = torch.zeros(20, 1, 16, 16, dtype=torch.bool)
    mask[:, :, 7:9] = True
    np.save(tmp_path / "x.npy", truth.masked_fill(mask, torch.nan)[:, 0].numpy())
    given = read_gaps(tmp_path / "x.npy")
    facts = scores(given, truth)

    def points(answer):
        return [m.points for m in marks_of_file(given, answer, truth, facts)[0]]

    right = truth[:, 0].numpy()
    assert points(right) == [5, 5, 10, 40]
    assert points(right[:19]) == [0, 0, 0, 0] and points({"a": right}) == [0, 0, 0, 0]
    assert points(right[::-1].copy())[2] == 0  # another order
    left = given.pictures
    assert points(left)[1] < 2.5 and points(left)[2:] == [10, 0]


def test_levels_of_likeness_have_their_order():
    shares = [level(ssim, 0.7, 0.9)[0] for ssim in (0.6, 0.8, 0.92, 0.96)]
    assert shares == [0, 0.25, 0.65, 1]
    assert level(0.97, 0.9, 0.96)[0] == 0.65 and level(0.99, 0.9, 0.96)[0] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["lines-restore", "--truth", "x.npy"], "given alone"),
        (["lines-restore", "--set", "line.epochs=1"], "--set lines.epochs"),
        (["xray-detect", "--hands", "nowhere"], "nowhere"),
        (["xray-detect", "--hand-in", "x.csv"], "came without its pictures"),
        (["xray-generate", "--hand-in", "nowhere", "--data", "digits"], "nowhere is no folder"),
        (["xray-generate", "--run", "nowhere"], "nowhere"),
    ],
)
def test_wrong_words_are_answered_in_one_sentence(tmp_path, monkeypatch, capsys, words, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["coursework", *words])
    error = capsys.readouterr().err
    assert end.value.code == 2 and told in error and "Traceback" not in error


def test_an_item_that_cannot_be_marked_gives_nothing():
    def check():
        raise Lost("Why.")

    assert marked("1", "x", 5, check).points == 0
