"""Folds: every example once, classes alike, groups whole, the test part untouched."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.examples import Splits
from gradschool.data.folds import fold_of, folds, parsed, pooled
from gradschool.data.vision.images import Images
from gradschool.errors import UserError


def pictures(labels, first=0):
    """Pictures that all differ: their first pixels count them."""
    numbers = torch.arange(first, first + len(labels))
    pixels = torch.zeros(len(labels), 1, 2, 2, dtype=torch.uint8)
    pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = numbers % 256, numbers // 256
    return Images(pixels, torch.tensor(labels), ("a", "b", "c"))


@settings(max_examples=25)
@given(st.lists(st.integers(5, 20), min_size=2, max_size=3), st.integers(2, 5), st.integers(0, 9))
def test_classes_are_dealt_out_evenly(sizes, count, seed):
    labels = torch.cat([torch.full((size,), i) for i, size in enumerate(sizes)])
    found = folds(labels, None, count, seed)
    for i, size in enumerate(sizes):
        each = found[labels == i].bincount(minlength=count)
        assert each.sum() == size and each.max() - each.min() <= 1
    assert (found == folds(labels, None, count, seed)).all()


def test_another_seed_gives_other_folds():
    labels = torch.arange(60) % 3
    assert (folds(labels, None, 3, 0) != folds(labels, None, 3, 1)).any()


@settings(max_examples=25)
@given(st.integers(2, 4), st.integers(0, 9), st.booleans(), st.integers(1, 6))
def test_a_group_is_never_in_two_folds(count, seed, is_mixed, size):
    """Groups of one class and of several, small ones and large ones."""
    labels = torch.arange(60) % 3
    groups = torch.arange(60) // size if is_mixed else torch.arange(60) % (3 * max(4, 12 // size))
    found = folds(labels, groups, count, seed)
    for group in groups.unique():
        assert len(found[groups == group].unique()) == 1
    assert len(found.unique()) == count


def test_many_small_groups_keep_the_shares_of_classes():
    """Copies in a large set: dealt out by one picture of each group."""
    labels = (torch.arange(400) // 2) % 4
    found = folds(labels, torch.arange(400) // 2, 5, 0)
    for label in range(4):
        assert found[labels == label].bincount(minlength=5).tolist() == [20] * 5


@pytest.mark.parametrize(
    ("labels", "groups", "count", "said"),
    [
        ([0] * 9 + [1] * 3, None, 4, "4 folds, and the class b has 3 examples; wanted: 2 to 3 folds"),
        ([0] * 9 + [1], None, 2, "the class b has 1 example; wanted: two or more of each class"),
        ([0] * 4 + [1] * 4, [0, 1, 2, 3, 4, 4, 5, 5], 3, "the class b has 2 groups of examples"),
    ],
)
def test_a_class_that_is_too_small_is_refused(labels, groups, count, said):
    together = None if groups is None else torch.tensor(groups)
    with pytest.raises(UserError) as told:
        folds(torch.tensor(labels), together, count, 0, ("a", "b"))
    assert said in str(told.value)


@pytest.mark.parametrize("word", ["2", "2/", "/5", "a/b", "0/5", "6/5", "1/1", "-1/5", "1/5/5", "1 / 5"])
def test_a_word_that_is_no_fold_is_refused(word):
    with pytest.raises(UserError):
        parsed(word)
    assert parsed("5/5") == (5, 5)


def test_every_picture_is_validated_on_once_and_the_test_part_stays():
    train, val, test = pictures([0, 1, 2] * 6), pictures([0, 1, 2] * 2, 18), pictures([0, 1, 2], 24)
    splits = Splits("set", train, val, test)
    seen = []
    for number in range(1, 4):
        cut = fold_of(splits, f"{number}/3", 7)
        assert cut.test is test and cut.val is not None
        kept, held = (set(part.pixels[:, 0, 0, 0].tolist()) for part in (cut.train, cut.val))
        assert not kept & held and kept | held == set(range(24))
        assert (cut.val.labels == cut.val.pixels[:, 0, 0, 0] % 3).all()  # labels went along
        seen += sorted(held)
    assert sorted(seen) == list(range(24))
    assert len(pooled(splits).train) == 24 and pooled(splits).val is None


def test_copies_of_a_picture_are_validated_on_together():
    train = pictures([0, 1, 2] * 8)
    train.pixels[3:6] = train.pixels[0:3]
    assert train.groups.tolist()[:7] == [0, 1, 2, 0, 1, 2, 3]
    for number in range(1, 5):
        held = fold_of(Splits("set", train, None, train), f"{number}/4", 0).val.pixels[:, 0, 0, 0].tolist()
        assert all(held.count(i) in (0, 2) for i in range(3))


class Unlabelled:
    """Examples of no class."""

    names = ()

    def __len__(self):
        return 3

    def take(self, index):
        return self

    def content(self):
        return [b"all"]


def test_examples_without_classes_have_no_folds():
    with pytest.raises(UserError, match="has no classes"):
        pooled(Splits("lines", Unlabelled(), None, Unlabelled()))
