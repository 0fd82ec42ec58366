"""Restoration: the loss against torch's, damage that is new in training and the same in tests."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gradschool.data.augment.hide import Damage
from gradschool.tasks.restore import Restore, masked_mse

IMAGES = torch.rand(12, 3, 6, 6, generator=torch.Generator().manual_seed(0))


class Guess(nn.Module):
    """One learnable colour for all hidden pixels."""

    def __init__(self):
        super().__init__()
        self.colour = nn.Parameter(torch.full((3, 1, 1), 0.1))

    def forward(self, damaged, mask):
        return torch.where(mask, self.colour, damaged)


def test_loss_is_torchs_over_the_marked_numbers():
    mask = torch.rand(12, 1, 6, 6, generator=torch.Generator().manual_seed(1)) < 0.3
    other = IMAGES.flip(0)
    marked = mask.expand_as(IMAGES)
    torch.testing.assert_close(masked_mse(other, IMAGES, mask), F.mse_loss(other[marked], IMAGES[marked]))
    assert masked_mse(other, IMAGES, torch.zeros_like(mask)) == 0


def test_evaluation_sees_the_same_damage_each_time_and_weighs_pixels():
    task = Restore(Guess(), Damage(pixels=0.4), "test")
    batches = [(IMAGES[:8], torch.zeros(8)), (IMAGES[8:], torch.zeros(4))]
    with torch.no_grad():
        first, again = (task.evaluate(iter(batches)) for _ in range(2))
        assert first == again
        parts = list(task.damaged(iter(batches)))
        wrong = torch.cat([(task.parts["model"](d, m) - x)[m.expand_as(x)] for d, m, x in parts])
    assert first["test_loss"] == pytest.approx(wrong.square().mean().item(), rel=1e-5)


def test_training_damages_anew_from_the_steps_own_randomness():
    task, seen = Restore(Guess(), Damage(squares=1)), []

    def update(part, batch, loss_of):
        seen.append(batch[1])
        return {name: value.detach() for name, value in loss_of(batch).items()}

    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        losses = task.step((IMAGES, torch.zeros(12)), update)
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])
    assert losses["loss"].isfinite()


def test_the_best_single_colour_is_learned():
    task = Restore(Guess(), Damage(squares=1, side=6))  # everything is hidden: the mean is the best answer
    optimiser = torch.optim.SGD(task.parts["model"].parameters(), lr=0.5)

    def update(part, batch, loss_of):
        optimiser.zero_grad()
        losses = loss_of(batch)
        losses["loss"].backward()
        optimiser.step()
        return losses

    for _ in range(60):
        task.step((IMAGES,), update)
    found = task.parts["model"].colour.detach().flatten()
    torch.testing.assert_close(found, IMAGES.mean((0, 2, 3)), atol=1e-4, rtol=0)
