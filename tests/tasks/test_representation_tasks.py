"""Tasks without labels: against their losses called by hand, whatever the batch is cut into."""

import copy
import math

import pytest
import torch
from torch import nn

from gradschool.models.vision.mae import MaskedAutoencoder
from gradschool.models.vision.projected import Projected, SelfDistilled, prototype_head
from gradschool.models.vision.vit import plain_vit
from gradschool.ops.practice.contrastive import nt_xent
from gradschool.tasks.representation.contrast import Contrast
from gradschool.tasks.representation.distil_self import DistilSelf, Teaching, information
from gradschool.tasks.representation.masked_patches import MaskedPatches


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Flat(nn.Module):
    """Pictures to features, linear."""

    def __init__(self, n, d):
        super().__init__()
        self.layer = nn.Linear(n, d)

    def forward(self, x):
        return self.layer(x.flatten(1))


class Descend:
    """An update as the engine makes it, by plain gradient descent, in so many pieces."""

    def __init__(self, module, pieces=1, rate=0.1):
        self.module, self.pieces, self.rate, self.progress = module, pieces, rate, 0.25

    def __call__(self, part, batch, loss_of):
        means = {}
        cut = list(zip(*(value.chunk(self.pieces) for value in batch), strict=True))
        self.module.zero_grad()
        for piece in cut:
            share = len(piece[0]) / len(batch[0])
            losses = loss_of(piece)
            (losses["loss"] * share).backward()
            for name, value in losses.items():
                means[name] = means.get(name, 0) + value.detach() * share
        with torch.no_grad():
            for p in self.module.parameters():
                if p.grad is not None:
                    p -= self.rate * p.grad
        return means


def test_simclr_is_its_loss_on_both_views():
    torch.manual_seed(0)
    model = Projected(Flat(12, 6), nn.Linear(6, 4))
    a, b = noise(5, 3, 2, 2), noise(5, 3, 2, 2, seed=1)
    found = Contrast(model, None, temperature=0.3).losses((a, b))["loss"]
    torch.testing.assert_close(found, nt_xent(torch.stack([model(a), model(b)]), 0.3))


def test_simclr_learns_what_views_have_in_common():
    """One channel is the picture, two are noise that every view has of its own."""
    torch.manual_seed(0)
    model = Projected(Flat(12, 8), nn.Linear(8, 4))
    task, x = Contrast(model, None, temperature=0.2), noise(16, 3, 2, 2)
    loud = torch.tensor([0.1, 2.0, 2.0]).view(1, 3, 1, 1)
    update, losses = Descend(model), []
    for i in range(150):
        batch = tuple(x + loud * noise(16, 3, 2, 2, seed=2 * i + j) for j in (1, 2))
        losses.append(task.step(batch, update)["loss"].item())
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    weight = model.head.weight @ model.body.layer.weight  # (4, 3 channels of 4 pixels)
    assert weight[:, :4].norm() > 2 * weight[:, 4:].norm()


def mae():
    torch.manual_seed(0)
    body = plain_vit(2, 1, 2, 8, 1, 2)
    body.head = nn.Identity()
    return MaskedAutoencoder(body, 8, 8, 1, 2)


@pytest.mark.parametrize("pieces", [2, 3])
def test_a_masked_step_is_the_same_in_pieces(pieces):
    """What is hidden is drawn once for the whole batch; every picture hides as many patches."""
    x, labels = noise(6, 1, 4, 6), torch.zeros(6)
    models = [mae(), mae()]
    found = []
    for model, count in zip(models, (1, pieces), strict=True):
        torch.manual_seed(5)
        found.append(MaskedPatches(model, None, hidden=0.5).step((x, labels), Descend(model, count)))
    torch.testing.assert_close(*found)
    # Sums of gradients in another order: rounding of float32.
    for one, other in zip(*(m.parameters() for m in models), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_other_patches_are_hidden_at_every_step():
    model, seen = mae(), []
    task = MaskedPatches(model, None, hidden=0.5)
    for _ in range(2):
        task.step((noise(4, 1, 4, 6),), lambda _, batch, __: seen.append(batch[1]) or {})
    assert seen[0].sum(1).tolist() == seen[1].sum(1).tolist() == [3] * 4
    assert not torch.equal(*seen)


def dino(k=5):
    torch.manual_seed(0)
    return SelfDistilled(Projected(Flat(12, 6), prototype_head(6, k, 7, 4)), k)


def test_teacher_and_centre_follow_the_student():
    model = dino()
    start = copy.deepcopy(model)
    a, b = noise(4, 3, 2, 2), noise(4, 3, 2, 2, seed=1)
    task = DistilSelf(model, None, teaching=Teaching(momentum=0.9, centre=0.8))
    with torch.no_grad():
        answers = start.teacher(torch.cat([a, b]))
    task.step((a, b), Descend(model))
    m = 1 - 0.1 * (math.cos(math.pi * 0.25) + 1) / 2
    moved = zip(
        model.teacher.parameters(), start.teacher.parameters(), model.student.parameters(), strict=True
    )
    for now, before, student in moved:
        torch.testing.assert_close(now, m * before + (1 - m) * student, rtol=1e-5, atol=1e-6)
        assert not now.requires_grad
    torch.testing.assert_close(model.centre, 0.2 * answers.mean(0), rtol=1e-5, atol=1e-6)
    assert any(
        not torch.equal(p, q)
        for p, q in zip(model.student.parameters(), start.student.parameters(), strict=True)
    )


def test_the_teachers_momentum_rises_to_one():
    on = Teaching(momentum=0.9)
    assert [round(on.at(p), 4) for p in (0.0, 0.5, 1.0, 1.2)] == [0.9, 0.95, 1.0, 1.0]


def test_information_is_nothing_after_either_collapse():
    sure = torch.eye(4)
    assert information(sure).item() == pytest.approx(math.log(4))
    assert information(sure[:1].expand(4, 4)).item() == pytest.approx(0, abs=1e-6)
    assert information(torch.full((4, 4), 0.25)).item() == pytest.approx(0, abs=1e-6)
    p = torch.softmax(noise(50, 6), 1).double()
    divergence = (p * (p / p.mean(0)).log()).sum(1).mean()
    assert information(p.view(2, 25, 6)).item() == pytest.approx(divergence.item(), rel=1e-9)


def test_held_out_pictures_are_scored_by_their_neighbours():
    """Three classes far apart, one held-out picture labelled wrong: neighbours know 5 of 6."""
    model = Projected(nn.Flatten(), nn.Identity())
    model.register_parameter("unused", nn.Parameter(torch.zeros(1)))
    centres = torch.eye(3).repeat(4, 1).view(12, 3, 1, 1) * 5
    bank = [(centres + 0.1 * noise(12, 3, 1, 1), torch.arange(12) % 3)]
    x, y = centres[:6] + 0.1 * noise(6, 3, 1, 1, seed=1), torch.tensor([0, 1, 2, 0, 1, 1])
    task = Contrast(model, lambda: iter(bank), "test", 3, temperature=0.5)
    halves = [(x[i : i + 3], y[i : i + 3], x[i : i + 3], x[i : i + 3]) for i in (0, 3)]
    with torch.inference_mode():
        found = task.evaluate(iter(halves))
        alike = task.evaluate(iter([(torch.ones_like(x), y, x, x)]))
    assert found["test_knn_accuracy"] == pytest.approx(5 / 6)
    each = [nt_xent(torch.stack([h[2].flatten(1)] * 2), 0.5).item() for h in halves]
    assert found["test_loss"] == pytest.approx(sum(each) / 2, rel=1e-5)
    assert found["test_spread"] > 0.5 and alike["test_spread"] == pytest.approx(0, abs=1e-6)
    silent = Contrast(model, None, "val", temperature=0.5)
    assert "val_knn_accuracy" not in silent.evaluate(iter(halves))
