"""Images of different sizes: decoded as they are, packed into rows that hold every patch once."""

import io
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gradschool.data.vision.sized.images import SizedImages, open_sized
from gradschool.data.vision.sized.rows import PADDING, PackedBatches, Packing, in_order, statistics
from gradschool.errors import UserError
from gradschool.models.vision.packed_vit import packed_vit

PACKING = Packing(4, 16, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
SIZES = st.lists(st.tuples(st.integers(1, 16), st.integers(1, 16)), min_size=1, max_size=7)


def noise(sizes, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return [torch.randint(256, (3, *size), generator=draw).byte() for size in sizes]


def record(sizes, side=16):
    pixels = torch.zeros(len(sizes), 3, side, side, dtype=torch.uint8)
    for i, picture in enumerate(noise(sizes)):
        pixels[i, :, : picture.shape[1], : picture.shape[2]] = picture
    labels = torch.arange(len(sizes)) % 2
    names = [f"{i}.png" for i in range(len(sizes))]
    return SizedImages(pixels, labels, ("a", "b"), names, sizes=torch.tensor(sizes))


@settings(max_examples=40, deadline=None)
@given(SIZES)
def test_every_image_is_whole_in_one_row_and_can_be_put_together_again(sizes):
    pictures = noise(sizes)
    x, places, number, labels = PACKING.rows(pictures, torch.arange(len(sizes)))
    assert x.shape[1] <= 16 and labels.tolist() == list(range(len(sizes)))
    for i, picture in enumerate(pictures):
        rows = (number == i).any(1).nonzero().flatten().tolist()
        assert len(rows) == 1
        patches, at = x[number == i], places[number == i]
        whole = torch.zeros(3, 16, 16)
        for patch, (row, column) in zip(patches, at.tolist(), strict=True):
            whole[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = patch.view(3, 4, 4)
        _, high, wide = picture.shape
        back = whole[:, :high, :wide] * torch.tensor(PACKING.std)[:, None, None]
        back = 255 * (back + torch.tensor(PACKING.mean)[:, None, None])
        torch.testing.assert_close(back, picture.float(), atol=1e-3, rtol=0)
        assert not whole[:, high:].any() and not whole[:, :, wide:].any()
        assert len(at) == -(-high // 4) * -(-wide // 4)
    assert (number == PADDING).sum() + sum((number == i).sum() for i in range(len(sizes))) == number.numel()


def test_no_row_is_begun_while_an_earlier_one_has_room():
    _, _, number, _ = PACKING.rows(noise([(16, 12), (16, 16), (4, 8), (8, 4)]), torch.zeros(4).long())
    assert [sorted(set(row.tolist()) - {PADDING}) for row in number] == [[0, 2, 3], [1]]


@torch.no_grad()
def test_a_network_says_of_a_packed_image_what_it_says_of_it_alone():
    torch.manual_seed(0)
    model = packed_vit(5, patch=4, width=16, depth=2, heads=2).eval()
    pictures = noise([(16, 12), (7, 9), (4, 4), (16, 16), (5, 13)])
    *rows, _ = PACKING.rows(pictures, torch.zeros(5).long())
    mean, std = (torch.tensor(each)[:, None, None] for each in (PACKING.mean, PACKING.std))
    normal = [(picture.float() / 255 - mean) / std for picture in pictures]
    together = model(*rows)
    torch.testing.assert_close(together, model(normal), atol=1e-5, rtol=1e-4)
    for i, picture in enumerate(normal):
        torch.testing.assert_close(together[i], model(picture[None])[0], atol=1e-5, rtol=1e-4)


def test_statistics_leave_out_what_lies_around_an_image():
    images = record([(3, 5), (16, 2), (8, 8)])
    pixels = np.concatenate([images.picture(i).flatten(1).numpy() for i in range(3)], 1) / 255
    mean, std = statistics(images)
    assert mean == pytest.approx(pixels.mean(1)) and std == pytest.approx(pixels.std(1))


def test_batches_are_a_function_of_seed_epoch_and_position_and_are_shared():
    images = record([(4 + i % 9, 16 - i % 7) for i in range(11)])
    packing = Packing(4, 16, (0.5,) * 3, (0.2,) * 3, flip=True)
    batches = PackedBatches(images, 4, 3, packing)
    assert len(batches) == 2
    second = [*batches.epoch(1)][1]
    [again] = batches.epoch(1, 1)
    assert all(torch.equal(a, b) for a, b in zip(second, again, strict=True))
    halves = [next(PackedBatches(images, 4, 3, packing, (rank, 2)).epoch(1, 1)) for rank in range(2)]
    assert torch.cat([half[3] for half in halves]).equal(second[3])
    pixels = [torch.sort(each[0][each[2] != PADDING].flatten()).values for each in (second, *halves)]
    torch.testing.assert_close(torch.sort(torch.cat(pixels[1:])).values, pixels[0])
    labels = torch.cat([batch[3] for batch in in_order(images, packing, 4)])
    assert labels.equal(images.labels)
    with pytest.raises(UserError, match="a multiple of 2"):
        PackedBatches(images, 3, 0, packing, (0, 2))


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A zip of class folders: pictures of several sizes, one that is too large, one that is none."""
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as file:
        for i in range(12):
            size = (40, 10) if i == 11 else (5 + i, 12 - i % 4)
            held = io.BytesIO()
            Image.new("RGB" if i else "L", size, (20 * i, 9, 9) if i else 50).save(held, "PNG")
            file.writestr(f"{'ab'[i % 2]}/{i:02d}.png", held.getvalue())
        file.writestr("a/broken.png", b"no picture")
    return tmp_path / "own.zip"


def test_a_folder_keeps_sizes_and_says_what_it_changed(own):
    splits = open_sized(own, 20, 0.0, 0)
    every = {}
    for part in splits.parts.values():
        every |= dict(zip(part.names, map(tuple, part.sizes.tolist()), strict=True))
    kept = {f"{'ab'[i % 2]}/{i:02d}.png": (12 - i % 4, 5 + i) for i in range(11)}
    assert every == kept | {"b/11.png": (5, 20)}
    for part in splits.parts.values():
        for i, name in enumerate(part.names):
            number = int(name[2:4])
            inside = part.picture(i)
            assert inside.shape[0] == 3 and int(inside[0, 0, 0]) == (20 * number if number else 50)
            assert part.pixels[i].sum() == inside.sum(), "the rest is empty"
    assert splits.skipped[0][0] == "a/broken.png"
    assert any("1 image is larger than 20 pixels, made smaller" in note for note in splits.notes)
    taken = splits.train.take(torch.tensor([2, 0]))
    assert taken.sizes.tolist() == splits.train.sizes[[2, 0]].tolist()


def test_what_is_no_folder_of_images_is_refused(tmp_path):
    with pytest.raises(UserError, match="no image files of their own sizes"):
        open_sized("digits", 32, 0.0, 0)
