"""Black and white pictures: their mean is the grey, their drawing always the same."""

import torch

from gradschool.data.examples import Splits
from gradschool.data.vision.binarise import binarised, binarised_splits
from gradschool.data.vision.images import Images


def images(pixels):
    return Images(pixels, torch.zeros(len(pixels), dtype=torch.int64), ("a",))


def test_pixels_are_on_as_often_as_they_are_grey():
    grey = torch.tensor([0, 51, 128, 255], dtype=torch.uint8).view(1, 1, 2, 2).expand(9000, 1, 2, 2)
    drawn = binarised(grey, torch.Generator().manual_seed(0))
    assert drawn.dtype == torch.uint8 and set(drawn.unique().tolist()) == {0, 255}
    share = (drawn == 255).float().mean(0).flatten()
    assert share[0] == 0 and share[3] == 1
    # 9000 coins: the share is off by at most 0.5 / 95 in one standard deviation; five of them.
    assert (share - torch.tensor([0, 51, 128, 255]) / 255).abs().max() < 5 * 0.5 / 95


def test_every_part_has_its_own_drawing_that_does_not_change():
    grey = torch.full((50, 1, 4, 4), 128, dtype=torch.uint8)
    splits = Splits("greys", images(grey), images(grey), images(grey))
    first, again = binarised_splits(splits), binarised_splits(splits)
    assert torch.equal(first.test.pixels, again.test.pixels)
    assert not torch.equal(first.test.pixels, first.train.pixels)
    assert not torch.equal(first.test.pixels, first.val.pixels)
    dynamic = binarised_splits(splits, train=False)
    assert dynamic.train is splits.train and torch.equal(dynamic.test.pixels, first.test.pixels)
