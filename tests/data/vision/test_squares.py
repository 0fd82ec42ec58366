"""Squares: every combination once, and the pixels say what the factors do."""

import torch

from gradschool.data.vision.squares import SIZES, square_splits, squares


def test_pixels_are_what_the_factors_say():
    pixels, factors = squares()
    assert len({tuple(row) for row in factors.tolist()}) == len(pixels) == 605
    lit = pixels[:, 0] == 255
    assert torch.equal(lit.any(1).int().argmax(1), factors[:, 0])
    assert torch.equal(lit.any(2).int().argmax(1), factors[:, 1])
    assert torch.equal(lit.sum((1, 2)), torch.tensor(SIZES)[factors[:, 2]] ** 2)


def test_parts_share_no_picture():
    splits = square_splits(3)
    both = torch.cat([splits.train.pixels, splits.test.pixels]).flatten(1)
    assert len(both.unique(dim=0)) == 605 and len(splits.test) == 121
