"""A few shots: so many of each class, the same for the same seed, and smaller draws inside larger ones."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.vision.few import drawn, few
from gradschool.data.vision.images import Images
from gradschool.errors import UserError

CLASSES = ("ant", "bee", "wasp")
LABELS = torch.tensor([0] * 9 + [1] * 6 + [2] * 12)[
    torch.randperm(27, generator=torch.Generator().manual_seed(1))
]


@settings(max_examples=20, deadline=None)
@given(shots=st.integers(1, 6), seed=st.integers(0, 1000))
def test_each_class_gives_as_many_and_larger_draws_hold_smaller_ones(shots, seed):
    index = drawn(LABELS, CLASSES, shots, seed)
    assert LABELS[index].bincount().tolist() == [shots] * 3
    assert index.tolist() == sorted(set(index.tolist()))
    assert set(drawn(LABELS, CLASSES, 1, seed).tolist()) <= set(index.tolist())


def test_seeds_draw_others_and_every_picture_can_be_drawn():
    found = [set(drawn(LABELS, CLASSES, 2, seed).tolist()) for seed in range(40)]
    assert found[0] != found[1] and set.union(*found) == set(range(27))


def test_the_pictures_are_those_at_the_places():
    pixels = torch.arange(27, dtype=torch.uint8).view(27, 1, 1, 1)
    images = few(Images(pixels, LABELS, CLASSES, [str(i) for i in range(27)]), 3, 5)
    index = drawn(LABELS, CLASSES, 3, 5)
    assert images.pixels.flatten().tolist() == index.tolist() == [int(name) for name in images.names]
    assert torch.equal(images.labels, LABELS[index])


def test_a_class_with_fewer_pictures_is_named():
    with pytest.raises(UserError, match="shots is 7, and class bee has 6 pictures; wanted: 1 to 6"):
        drawn(LABELS, CLASSES, 7, 0)
