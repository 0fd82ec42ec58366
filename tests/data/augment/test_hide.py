"""Damage: what is hidden is 0 and marked, and drawn from the generator alone."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.augment.hide import Damage, lines_mask, squares_mask
from gradschool.errors import UserError


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 3), st.integers(1, 4), st.integers(0, 9))
def test_squares_are_slices(n, k, side, seed):
    corners = torch.randint(0, 5, (n, k, 2), generator=generator(seed))
    wanted = torch.zeros(n, 1, 6, 7, dtype=torch.bool)
    for i, places in enumerate(corners.tolist()):
        for top, left in places:
            wanted[i, 0, top : top + side, left : left + side] = True
    assert torch.equal(squares_mask(corners, side, (6, 7)), wanted)


def test_hidden_pixels_are_zero_and_the_others_untouched():
    images = torch.rand(50, 3, 6, 7, generator=generator()) + 0.1
    damaged, mask = Damage(squares=1, side=3)(images, generator(1))
    assert (mask.sum((1, 2, 3)) == 9).all()
    assert torch.equal(damaged == 0, mask.expand_as(images))
    assert torch.equal(damaged[~mask.expand_as(images)], images[~mask.expand_as(images)])
    rows, columns = mask.any(3).any(0)[0], mask.any(2).any(0)[0]
    assert rows.all() and columns.all(), "squares reach every row and column, the border's too"


def test_pixels_are_hidden_with_their_probability():
    _, mask = Damage(pixels=0.6)(torch.rand(100, 1, 20, 20), generator())
    assert abs(mask.float().mean().item() - 0.6) < 0.01  # 40,000 coins: four deviations


def test_noise_alone_judges_every_pixel():
    images = torch.full((20, 1, 30, 30), 0.5)
    damaged, mask = Damage(noise=0.2)(images, generator())
    assert mask.all() and mask.shape == (20, 1, 30, 30)
    assert abs((damaged - images).std().item() - 0.2) < 0.005


def test_the_generator_decides():
    images, damage = torch.rand(4, 1, 8, 8), Damage(squares=2, pixels=0.1, noise=0.1)
    first, again, other = (damage(images, generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[1], other[1])


@pytest.mark.parametrize("wrong", [{"pixels": 1.5}, {"squares": -1}, {"side": 0}, {"noise": -0.1}])
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        Damage(**wrong)


def test_squares_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match="do not fit into pictures of 8x8"):
        Damage(squares=1, side=9)(torch.rand(1, 1, 8, 8), generator())


@settings(max_examples=20)
@given(st.integers(0, 99), st.floats(0.5, 4))
def test_lines_are_pixels_near_them(seed, thickness):
    g = generator(seed)
    points, angles = 6 * torch.rand(2, 3, 2, generator=g), math.pi * torch.rand(2, 3, generator=g)
    found = lines_mask(points, angles, thickness, (6, 8))
    for i in range(2):
        for row in range(6):
            for column in range(8):
                near = []
                for (down, right), angle in zip(points[i].tolist(), angles[i].tolist(), strict=True):
                    # The cross product with the line's unit vector (down sin, right cos).
                    cross = (row - down) * math.cos(angle) - (column - right) * math.sin(angle)
                    near.append(abs(cross) - thickness / 2)
                if min(map(abs, near)) > 1e-5:
                    assert found[i, 0, row, column] == (min(near) < 0)


def test_lines_cross_pictures_in_every_direction():
    damage = Damage(lines=2, thickness=2.0)
    images = torch.rand(200, 1, 16, 16, generator=generator()) + 0.1
    damaged, mask = damage(images, generator(1))
    assert damage.hides and torch.equal(damaged == 0, mask)
    assert mask.flatten(1).any(1).all()
    share = mask.float().mean().item()
    assert 0.15 < share < 0.35  # two bands of 2 pixels and up to 16 * sqrt 2 length in 256
