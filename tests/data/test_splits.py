"""Splits hold for any labels: every class in its share, nothing lost, nothing twice, before any copying."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.splits import cut, quotas, stratified
from gradschool.data.vision.images import Images
from gradschool.data.vision.open import open_set
from gradschool.errors import UserError

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=80)


@settings(max_examples=30)
@given(LABELS, st.floats(0, 0.9), st.integers(0, 9))
def test_splits_are_stratified_disjoint_whole_and_seeded(labels, share, seed):
    y = torch.tensor(labels)
    kept, held = stratified(y, share, seed)
    assert torch.cat([kept, held]).sort().values.tolist() == list(range(len(y)))
    for label in y.unique():
        n, h = int((y == label).sum()), int((y[held] == label).sum())
        assert abs(h - share * n) <= 1 or n == 1
        assert h < n
    assert torch.equal(stratified(y, share, seed)[1], held)


def test_another_seed_holds_out_others():
    y = torch.arange(100) % 4
    assert not torch.equal(stratified(y, 0.2, 0)[1], stratified(y, 0.2, 1)[1])


def test_what_is_held_out_is_the_share_of_all_rounded_up():
    assert sum(quotas([178, 182, 177, 183, 181, 182, 181, 179, 174, 180], 0.2)) == 360
    assert quotas([5, 5, 1], 0.2) == [1, 1, 0]  # a single example stays where it is learned from
    digits = open_set("digits", val=0.0)
    assert (len(digits.train), digits.val, len(digits.test)) == (1437, None, 360)


def test_a_cut_takes_each_image_with_its_label_and_name():
    pixels = torch.arange(40, dtype=torch.uint8).view(40, 1, 1, 1)
    images = Images(pixels, torch.arange(40) % 2, ("even", "odd"), [str(i) for i in range(40)])
    for part in cut(images, 0.3, 7):
        values = part.pixels.flatten().tolist()
        assert part.names == [str(v) for v in values]
        assert part.labels.tolist() == [v % 2 for v in values]
    assert cut(images, 0.0, 7)[1] is None


@pytest.mark.parametrize("share", [-0.1, 1.0, 3.0])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(UserError, match="from 0 to below 1"):
        stratified(torch.tensor([0, 1]), share, 0)
