"""Segmentation as a task: torch's losses, void that counts nothing, scores over all pixels."""

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import jaccard_score
from torch import nn
from torchvision.ops import sigmoid_focal_loss

from gradschool.ops.segment import STEPS, VOID, dice_loss
from gradschool.tasks.segment import Segment

G = torch.Generator().manual_seed(0)
X = torch.randn(5, 3, 6, 7, generator=G)
Y = torch.randint(3, (5, 1, 6, 7), generator=G)
Y[0, 0, :2] = VOID
MASKS = Y.to(torch.uint8)


def loss(criterion, masks=MASKS, weights=None):
    return Segment(nn.Identity(), criterion, weights).loss((X, masks))["loss"]


def test_losses_are_torchs():
    cross = F.cross_entropy(X, Y[:, 0], ignore_index=VOID)
    dice = dice_loss(X, Y[:, 0])
    torch.testing.assert_close(loss("cross_entropy"), cross)
    torch.testing.assert_close(loss("dice"), dice)
    torch.testing.assert_close(loss("both"), cross + dice)
    weights = torch.tensor([0.2, 1.0, 3.0])
    torch.testing.assert_close(
        loss("cross_entropy", weights=weights), F.cross_entropy(X, Y[:, 0], weights, ignore_index=VOID)
    )


def test_focal_loss_is_torchvisions_over_pixels_that_count():
    counts = Y[:, 0] != VOID
    truth = F.one_hot(Y[:, 0].clamp(max=2), 3).permute(0, 3, 1, 2).float()
    each = sigmoid_focal_loss(X, truth, alpha=-1, gamma=2).sum(1)
    torch.testing.assert_close(loss("focal"), each[counts].mean())


def test_a_second_map_weighs_pixels():
    weights = torch.randint(1, 5, Y.shape, generator=G)
    masks = torch.cat([MASKS, (weights * STEPS).to(torch.uint8)], 1)
    each = F.cross_entropy(X, Y[:, 0], ignore_index=VOID, reduction="none")
    wanted = (each * weights[:, 0]).sum() / weights[:, 0][Y[:, 0] != VOID].sum()
    torch.testing.assert_close(loss("cross_entropy", masks), wanted)


def test_scores_are_scikit_learns_over_all_batches():
    task = Segment(nn.Identity(), held_out="test")
    found = task.evaluate(iter([(X[:2], MASKS[:2]), (X[2:], MASKS[2:])]))
    counts = Y[:, 0] != VOID
    said, true = X.argmax(1)[counts], Y[:, 0][counts]
    assert found["test_iou"] == pytest.approx(jaccard_score(true, said, average="macro"), rel=1e-6)
    assert found["test_accuracy"] == pytest.approx((said == true).float().mean().item())
    assert found["test_loss"] == pytest.approx(
        F.cross_entropy(X, Y[:, 0], ignore_index=VOID).item(), rel=1e-5
    )


def test_pictures_without_a_pixel_that_counts_do_no_harm():
    nothing = torch.full_like(MASKS, VOID)
    assert loss("both", nothing) == 0
    assert Segment(nn.Identity()).evaluate(iter([(X, nothing)]))["val_loss"] == 0
    with pytest.raises(ValueError, match="0 batches"):
        Segment(nn.Identity()).measure(iter([]))
