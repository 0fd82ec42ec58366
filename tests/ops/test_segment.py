"""Segmentation losses and scores against scikit-learn, slow loops, closed forms and finite differences."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score

from gradschool.ops.segment import VOID, boundary_weights, confusion, dice_loss, intersection_over_union


def drawn(seed, classes=4, n=3, side=9):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, classes, side, side, generator=g, dtype=torch.float64)
    return x, torch.randint(classes, (n, side, side), generator=g)


def certain(y, classes):
    """Scores that leave no doubt."""
    return 100.0 * torch.nn.functional.one_hot(y, classes).permute(0, 3, 1, 2).double()


@given(st.integers(0, 50))
def test_dice_of_certain_scores_is_scikit_learns_f1(seed):
    x, y = drawn(seed)
    said = x.argmax(1)
    wanted = 1 - f1_score(y.flatten(), said.flatten(), average="macro", labels=y.unique())
    assert dice_loss(certain(said, 4), y).item() == pytest.approx(wanted, abs=1e-9)


def test_dice_of_doubtful_scores_by_a_loop():
    x, y = drawn(0)
    y[0, :3] = VOID
    y[y == 3] = 2  # class 3 does not occur, so it is not counted
    p, found = x.softmax(1).numpy(), []
    for k in range(3):
        truth, counts = (y == k).numpy(), (y != VOID).numpy()
        share = p[:, k] * counts
        found.append(2 * (share * truth).sum() / (share.sum() + truth.sum()))
    assert dice_loss(x, y).item() == pytest.approx(1 - np.mean(found), rel=1e-9)


def test_dice_has_the_right_slope_and_void_has_none():
    x, y = drawn(1, n=1, side=3)
    y[0, 0] = VOID
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: dice_loss(v, y), x)
    dice_loss(x, y).backward()
    assert x.grad[:, :, 0].abs().max() == 0 and x.grad[:, :, 1:].abs().min() > 0


def test_dice_ends_where_it_should():
    _, y = drawn(2)
    assert dice_loss(certain(y, 4), y).item() == pytest.approx(0, abs=1e-9)
    assert dice_loss(certain((y + 1) % 4, 4), y).item() == pytest.approx(1, abs=1e-9)
    assert dice_loss(certain(y, 4), torch.full_like(y, VOID)) == 0


def test_a_rare_class_counts_as_much_as_a_common_one():
    y = torch.zeros(1, 20, 20, dtype=torch.int64)
    y[0, 0, 0] = 1
    forgotten = certain(torch.zeros_like(y), 2)
    assert dice_loss(forgotten, y).item() == pytest.approx(0.5, abs=0.01)
    assert torch.nn.functional.cross_entropy(forgotten / 100, y).item() < 0.35


def test_weights_of_a_gap_by_the_formula():
    first, second = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[9.0, 3.0, 2.0]])
    found = boundary_weights(first, second, 10.0, 5.0)
    wanted = [1.0, 1 + 10 * math.exp(-16 / 50), 1 + 10 * math.exp(-16 / 50)]
    np.testing.assert_allclose(found[0], wanted, rtol=1e-6)


def test_confusion_and_iou_are_scikit_learns():
    x, y = drawn(3)
    y[0, 0] = VOID
    said, counts = x.argmax(1), y != VOID
    found = confusion(said, y, 4)
    np.testing.assert_array_equal(found, confusion_matrix(y[counts], said[counts]))
    wanted = jaccard_score(y[counts], said[counts], average=None)
    np.testing.assert_allclose(intersection_over_union(found), wanted, rtol=1e-6)


def test_a_class_without_pixels_has_no_score():
    found = intersection_over_union(confusion(torch.tensor([0, 1]), torch.tensor([0, 1]), 3))
    assert found[:2].tolist() == [1, 1] and found[2].isnan()
