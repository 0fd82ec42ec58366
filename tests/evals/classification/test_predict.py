"""Predicting on real files: all sorts of pictures, folders, and what cannot be read."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gradschool.errors import UserError, WorkFailed
from gradschool.evals.classification.predict import predict, read_picture
from gradschool.evals.classifier import Classifier
from gradschool.evals.files import pictures_in


class Brightest(nn.Module):
    """Says which colour channel is brightest: an answer that can be known beforehand."""

    def forward(self, x):
        return 20 * x.mean((2, 3))


RED_GREEN_BLUE = Classifier(Brightest(), ("red", "green", "blue"), lambda p: p.float() / 255, 3, 8, 8)


def first(*paths, **more):
    return {p.file.name: p.top[0][0] for p in predict(RED_GREEN_BLUE, list(paths), **more)}


@pytest.fixture
def folder(tmp_path):
    red, green = Image.new("RGB", (30, 20), "red"), Image.new("RGB", (9, 50), (0, 200, 0))
    red.save(tmp_path / "red.jpg")
    red.convert("CMYK").save(tmp_path / "cmyk red.jpg")
    green.convert("P").save(tmp_path / "grün.png")
    Image.new("RGBA", (12, 12), (0, 0, 255, 255)).save(tmp_path / "blue.webp")
    (tmp_path / "inner").mkdir()
    green.save(tmp_path / "inner" / "GREEN.PNG")
    return tmp_path


def test_every_kind_of_picture_in_nested_folders(folder):
    wanted = {
        "red.jpg": "red",
        "cmyk red.jpg": "red",
        "grün.png": "green",
        "blue.webp": "blue",
        "GREEN.PNG": "green",
    }
    assert first(folder) == wanted


def test_probabilities_sum_to_one_in_falling_order(folder):
    for found in predict(RED_GREEN_BLUE, [folder], top=5):
        shares = [share for _, share in found.top]
        assert (
            len(shares) == 3
            and shares == sorted(shares, reverse=True)
            and sum(shares) == pytest.approx(1, abs=1e-5)
        )


def test_unreadable_files_are_told_and_the_rest_goes_on(folder):
    whole = (folder / "red.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").touch()
    (folder / "text.gif").write_text("not a picture")
    told, ticks = {}, []
    found = first(
        folder,
        batch_size=3,
        progress=lambda *t: ticks.append(t),
        skip=lambda f, why: told.update({f.name: why}),
    )
    assert len(found) == 5 and set(told) == {"cut.jpg", "empty.png", "text.gif"}
    assert all(told.values()) and told["empty.png"] == "the file is empty (0 bytes)"
    assert ticks == [(3, 8), (6, 8), (8, 8)]


def test_batches_do_not_change_the_answer(folder):
    one, many = (list(predict(RED_GREEN_BLUE, [folder], batch_size=size)) for size in (1, 64))
    assert [p.file for p in one] == [p.file for p in many]
    torch.testing.assert_close([p.top[0][1] for p in one], [p.top[0][1] for p in many], rtol=1e-5, atol=1e-6)


def test_a_bomb_is_skipped_not_decoded(tmp_path, monkeypatch):
    Image.new("L", (200, 200)).save(tmp_path / "huge.png")
    Image.new("L", (20, 20), 9).save(tmp_path / "fine.png")
    monkeypatch.setattr("gradschool.data.vision.decode.LARGEST", 10_000)
    told = []
    found = first(tmp_path, skip=lambda file, why: told.append(file.name))
    assert list(found) == ["fine.png"] and told == ["huge.png"]


def test_a_turned_photograph_is_set_upright(tmp_path):
    picture = Image.new("RGB", (16, 16), "red")
    picture.paste("blue", (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    picture.save(tmp_path / "turned.png", exif=exif)

    class Top(nn.Module):
        def forward(self, x):
            return x[:, :, :4].mean((2, 3))

    turned = Classifier(Top(), ("red", "green", "blue"), lambda p: p.float(), 3, 16, 16)
    assert next(predict(turned, [tmp_path])).top[0][0] == "red"


def test_grey_networks_get_grey_pictures(folder):
    class Shape(nn.Module):
        def forward(self, x):
            assert x.shape[1:] == (1, 6, 10)
            return x.mean((2, 3)).repeat(1, 2)

    grey = Classifier(Shape(), ("a", "b"), lambda p: p.float(), 1, 6, 10)
    assert len(list(predict(grey, [folder]))) == 5


def test_sixteen_bits_become_eight(tmp_path):
    Image.fromarray(np.full((9, 9), 0x80FF, dtype=np.uint16)).save(tmp_path / "deep.png")
    assert read_picture(tmp_path / "deep.png", 1, 4, 4).unique().tolist() == [0x80]


def test_a_size_that_is_not_square_is_cut_from_the_centre(tmp_path):
    picture = Image.new("RGB", (40, 40), "red")
    picture.paste("blue", (0, 10, 40, 30))  # the middle half of the height
    picture.save(tmp_path / "bands.png")
    found = read_picture(tmp_path / "bands.png", 3, 5, 10)
    assert found.shape == (3, 5, 10) and found[2, 1:-1].min() > 200 and found[0, 1:-1].max() < 50


def test_wrong_paths_get_sentences(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        list(predict(RED_GREEN_BLUE, [tmp_path / "nowhere.jpg"]))
    with pytest.raises(UserError, match="No picture in"):
        list(predict(RED_GREEN_BLUE, [tmp_path]))
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(WorkFailed, match=r"bad\.jpg could not be read"):
        list(predict(RED_GREEN_BLUE, [tmp_path]))


def test_junk_of_other_systems_is_passed_over(folder):
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._red.jpg").write_bytes(b"x")
    (folder / ".hidden.jpg").write_bytes(b"x")
    assert len(pictures_in([folder, folder / "red.jpg"])) == 5
