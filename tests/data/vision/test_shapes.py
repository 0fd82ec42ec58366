"""Shapes: areas by closed forms, classes asked for, the same picture from the same seed."""

import math

import pytest
import torch

from gradschool.data.vision.shapes import HALF_LINE, shapes


def drawn(seed, n=200, side=40, **options):
    return shapes(n, side, torch.Generator().manual_seed(seed), **options)


def test_pictures_are_bright_where_there_is_a_shape():
    pictures, masks = drawn(0)
    assert pictures.shape == (200, 1, 40, 40) and masks.shape == (200, 40, 40)
    assert set(masks.unique().tolist()) == {0, 1, 2, 3}
    left = pictures[:, 0] - (masks > 0).float()
    assert left.std().item() == pytest.approx(0.3, abs=0.005) and abs(left.mean().item()) < 0.005


def test_areas_are_those_of_discs_squares_and_rings():
    # Centres are spread evenly over side^2 places, so a pixel far from the edges is covered with probability
    # area / side^2; a third of the shapes is of each kind.
    r, side = 4.0, 24
    _, masks = drawn(1, 6000, side, each=1, radius=(r, r + 1e-6))
    middle = masks[:, 6:18, 6:18]
    covered = [(middle == k).float().mean().item() * 3 * side**2 for k in (1, 2, 3)]
    area = math.pi * r**2
    for found, wanted in zip(covered, (area, area, 2 * math.pi * r * 2 * HALF_LINE), strict=True):
        assert found == pytest.approx(wanted, rel=0.1)  # three deviations: about 1000 shapes of each kind


def test_only_the_kinds_asked_for_and_the_seed_decides():
    first, again, other = drawn(2, 5, kinds=1), drawn(2, 5, kinds=1), drawn(3, 5, kinds=1)
    assert set(first[1].unique().tolist()) == {0, 1}
    assert torch.equal(first[0], again[0]) and not torch.equal(first[0], other[0])
