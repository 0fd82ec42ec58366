"""Pictures with masks: folders read, sizes and numbers checked, masks moved with their pictures."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from gradschool.data.augment.pipeline import Augment
from gradschool.data.vision.borders import two_nearest
from gradschool.data.vision.loader import Loader
from gradschool.data.vision.masks import Masked, MaskPipeline, open_masked, weighed
from gradschool.data.vision.open import open_set
from gradschool.errors import UserError


def png(values, mode=None):
    with io.BytesIO() as out:
        Image.fromarray(values.astype(np.uint8), mode).save(out, "PNG")
        return out.getvalue()


def pair(folder, name, size=(12, 10), mask=None, part=""):
    """A grey picture whose bright half is class 1."""
    for kind in ("image", "label"):
        (folder / part / kind).mkdir(parents=True, exist_ok=True)
    pixels = np.zeros(size)
    pixels[:, size[1] // 2 :] = 200
    (folder / part / "image" / f"{name}.png").write_bytes(png(pixels))
    (folder / part / "label" / f"{name}.png").write_bytes(png((pixels > 0) if mask is None else mask))


def test_a_folder_is_read_and_its_end_is_the_test_part(tmp_path):
    for i in range(10):
        pair(tmp_path, f"slice{i}")
    splits = open_masked(tmp_path, val=0.25)
    assert [len(p) for p in (splits.train, splits.val, splits.test)] == [6, 2, 2]
    assert splits.train.classes == ("background", "foreground")
    assert splits.train.pixels.shape == (6, 1, 12, 10)
    assert torch.equal(splits.train.labels, (splits.train.pixels > 0).to(torch.uint8))


def test_black_and_white_masks_are_two_classes(tmp_path):
    for i in range(3):
        pair(tmp_path, str(i), mask=np.where(np.arange(10) < 3, 0, 255)[None].repeat(12, 0))
    assert open_masked(tmp_path).train.labels.unique().tolist() == [0, 1]


def test_parts_and_names_of_classes_are_taken_and_void_is_255(tmp_path):
    mask = np.array([[0, 1], [2, 2]])
    for part in ("train", "val", "test"):
        pair(tmp_path, part, (2, 2), mask, part)
    rows = [{"label": 2, "name": "Void"}, {"label": 1, "name": "road"}, {"label": 0, "name": "sky"}]
    (tmp_path / "classes.json").write_text(json.dumps(rows))
    splits = open_masked(tmp_path)
    assert splits.train.classes == ("sky", "road") and len(splits.val) == 1
    assert splits.test.labels[0, 0].tolist() == [[0, 1], [255, 255]]


def test_what_does_not_fit_is_said_in_a_sentence(tmp_path):
    pair(tmp_path, "a")
    with pytest.raises(UserError, match="holds 1 picture with masks; wanted: 2 or more"):
        open_masked(tmp_path)
    pair(tmp_path, "b", mask=np.zeros((5, 10)))
    with pytest.raises(UserError, match=r"b.png is 10x12 and its mask 10x5"):
        open_masked(tmp_path)
    pair(tmp_path, "b", (20, 10))
    with pytest.raises(UserError, match=r"b.png is 10x20 and image/a.png 10x12; wanted: pictures of"):
        open_masked(tmp_path)
    pair(tmp_path, "b")
    (tmp_path / "classes.json").write_text(json.dumps([{"label": 0, "name": "only"}]))
    with pytest.raises(UserError, match=r"the mask label/a.png holds 1; wanted: 0 to 0, or 255"):
        open_masked(tmp_path)
    for text in ("{oops", '[{"label": 0}]', "[3]", '{"cell": 0}'):
        (tmp_path / "classes.json").write_text(text)
        with pytest.raises(UserError, match=r"classes.json cannot be read .*; wanted: \[.\"label\": 0"):
            open_masked(tmp_path)
    (tmp_path / "label" / "b.png").unlink()
    with pytest.raises(UserError, match=r"image/b.png has no mask"):
        open_masked(tmp_path)


@pytest.mark.parametrize(("images", "masks"), [("images", "masks"), ("Image", "Labels"), ("image", "label")])
def test_the_folders_that_were_found_are_named_in_what_is_wanted(tmp_path, images, masks):
    pair(tmp_path, "a")
    (tmp_path / "image").rename(tmp_path / images)
    (tmp_path / "label").rename(tmp_path / masks)
    wanted = f"{images}/NAME.jpg beside {masks}/NAME.png"
    with pytest.raises(UserError, match=f"wanted: 2 or more, {wanted}"):
        open_masked(tmp_path)
    (tmp_path / images / "b.png").write_bytes(png(np.zeros((12, 10))))
    with pytest.raises(UserError, match=rf"{images}/b\.png has no mask; wanted: {wanted}"):
        open_masked(tmp_path)


def labelled(folder, *masks):
    """Pictures of three pixels a row whose masks hold these labels."""
    for i, labels in enumerate(masks):
        pair(folder, str(i), (2, 3), np.array([labels, labels]))


@pytest.mark.parametrize(("masks", "file", "label", "lost"), [
    (([0, 1, 0], [0, 1, 7], [0, 7, 7]), "1", 7, "2 to 6"), (([0, 1, 1], [1, 3, 255], [4, 4, 4]), "1", 3, "2"),
    (([1, 2, 3], [2, 2, 255]), "0", 1, "0"), (([0, 255, 255], [0, 128, 255]), "1", 128, "1 to 127"),
])  # fmt: skip
def test_labels_with_a_gap_are_refused_with_file_label_and_next_step(tmp_path, masks, file, label, lost):
    labelled(tmp_path, *masks)
    said = (
        rf"^the mask label/{file}.png holds the label {label}, and no mask holds {lost}; wanted: labels 0 to "
        r"n-1 without gaps .* 0 and 255 alone\. .*classes\.json\.$"
    )
    with pytest.raises(UserError, match=said) as refused:
        open_masked(tmp_path)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(("masks", "classes"), [
    (([0, 0, 0], [2, 2, 255], [0, 1, 1]), 3), (([255, 255, 255], [0, 1, 1]), 2),
])  # fmt: skip
def test_a_class_may_be_missing_in_any_mask_but_not_in_all(tmp_path, masks, classes):
    labelled(tmp_path, *masks)
    assert len(open_masked(tmp_path).train.classes) == classes


def test_a_class_that_has_a_name_need_not_occur(tmp_path):
    labelled(tmp_path, [0, 3, 3], [0, 0, 0])
    rows = [{"label": i, "name": name} for i, name in enumerate(("sky", "road", "car", "tree"))]
    (tmp_path / "classes.json").write_text(json.dumps(rows))
    assert open_masked(tmp_path).train.classes == ("sky", "road", "car", "tree")


def test_sets_of_the_other_kind_are_refused_by_name(monkeypatch):
    with pytest.raises(UserError, match="digits has a class for each picture"):
        open_masked("digits")
    with pytest.raises(UserError, match=r"membrane has a class for each pixel|is not here"):
        open_set("membrane")


@pytest.mark.parametrize("augment", [
    Augment(flip=True, crop_padding=3, edge="mirror"),
    Augment(resized_crop=(0.3, 1.0)),
    Augment(rotate=40.0, scale=(0.7, 1.4), edge="mirror"),
])  # fmt: skip
def test_masks_move_with_their_pictures(augment):
    """The picture shows its mask, so after any move they must still agree away from smoothed edges."""
    small = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    blobs = torch.nn.functional.interpolate(small, 32)
    mask = (blobs > 0.5).to(torch.uint8)
    images = Masked(mask * 200, mask, ("dark", "bright"))
    loader = Loader(images, 3, 0, MaskPipeline((0.0,), (1.0,), augment, ((0.0, 24),)))
    for x, y in loader.epoch(0):
        assert x.shape == (3, 1, 24, 24) and y.shape == (3, 1, 24, 24) and y.dtype == torch.uint8
        clear = (x < 0.1) | (x > 0.68)
        assert clear.float().mean() > 0.6
        assert ((x > 0.39) == (y == 1))[clear].float().mean() > 0.99


def test_quarter_turns_are_exact_for_each_picture_and_want_squares():
    """Nothing but turns is on: every picture is one of its four, all four occur, and the mask went along."""
    pixels = torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8).expand(24, 1, 8, 8)
    pipeline = MaskPipeline((0.0,), (1.0,), turning=True)
    x, y = pipeline.train(pixels, pixels, torch.Generator().manual_seed(0), 0.0)
    assert torch.equal((x * 255).round().to(torch.uint8), y)
    views = {tuple(torch.rot90(pixels[0, 0], turns).flatten().tolist()) for turns in range(4)}
    assert {tuple(mask.flatten().tolist()) for mask in y} == views
    with pytest.raises(UserError, match="6x8 pixels cannot be turned by quarters; wanted: squares"):
        pipeline.train(pixels[..., :6], pixels[..., :6], torch.Generator(), 0.0)


def test_evaluation_keeps_whole_pictures_and_black_edges_are_refused():
    pipeline = MaskPipeline((0.0,), (1.0,), Augment(flip=True), ((0.0, 8),))
    mask = torch.ones(2, 1, 30, 20, dtype=torch.uint8)
    x, y = pipeline.eval(mask, mask)
    assert x.shape == y.shape == (2, 1, 30, 20)
    with pytest.raises(UserError, match="mirrored ones"):
        MaskPipeline((0.0,), (1.0,), Augment(rotate=10.0))


def test_weights_travel_in_twentieths_beside_the_classes():
    mask = torch.ones(2, 1, 4, 4, dtype=torch.uint8)
    found = weighed(Masked(mask, mask, ("a", "b")), torch.full((2, 4, 4), 3.14))
    assert found.labels.shape == (2, 2, 4, 4)
    assert found.labels[:, 1].unique().tolist() == [63]


def test_distances_to_two_cells_are_those_of_whole_pictures():
    rng = np.random.default_rng(0)
    inside = ndimage.gaussian_filter(rng.random((60, 70)), 3) > 0.5
    cells, count = ndimage.label(inside)
    assert count > 3
    every = np.sort([ndimage.distance_transform_edt(cells != i + 1) for i in range(count)], axis=0)
    first, second = two_nearest(inside, 12)
    np.testing.assert_allclose(first, every[0].clip(max=12), rtol=1e-6)
    np.testing.assert_allclose(second, every[1].clip(max=12), rtol=1e-6)


@pytest.mark.pack
@pytest.mark.parametrize(("name", "counts", "classes", "size"), [
    ("membrane", (22, 2, 6), 2, (1, 512, 512)), ("camvid", (367, 101, 233), 11, (3, 180, 240)),
])  # fmt: skip
def test_the_packs_sets(name, counts, classes, size):
    try:
        splits = open_masked(name)
    except UserError as missing:
        pytest.skip(str(missing))
    assert tuple(len(p) for p in (splits.train, splits.val, splits.test)) == counts
    assert len(splits.train.classes) == classes and splits.train.pixels.shape[1:] == size
