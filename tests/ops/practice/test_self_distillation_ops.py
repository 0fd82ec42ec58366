"""DINO's loss and centre against loops, closed forms, and the two collapses that they work against."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.ops.practice.self_distillation import (
    moving_centre,
    self_distillation_loss,
    teacher_probabilities,
)


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def shares(logits, tau):
    top = max(logits)
    e = [math.exp((x - top) / tau) for x in logits]
    return [x / sum(e) for x in e]


def by_loops(student, teacher, centre, tau, sharp):
    v, n, _ = student.shape
    costs = []
    for i in range(len(teacher)):
        for j in range(v):
            for b in range(n):
                p = shares((teacher[i, b] - centre).tolist(), sharp)
                q = shares(student[j, b].tolist(), tau)
                if i != j:
                    costs.append(-sum(a * math.log(c) for a, c in zip(p, q, strict=True)))
    return sum(costs) / len(costs)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), g=st.integers(1, 3), more=st.integers(0, 2), n=st.integers(1, 3))
def test_it_is_the_papers_sum_written_out(seed, g, more, n):
    v = max(2, g + more)
    student, teacher, centre = (
        noise(v, n, 4, seed=seed),
        noise(g, n, 4, seed=seed + 1),
        noise(4, seed=seed + 2),
    )
    found = self_distillation_loss(student, teacher, centre, 0.5, 0.2).item()
    assert found == pytest.approx(by_loops(student, teacher, centre, 0.5, 0.2), rel=1e-9)


def test_gradients_reach_the_student_alone():
    student, teacher, centre = (
        noise(*s, seed=i).requires_grad_() for i, s in enumerate([(3, 2, 4), (2, 2, 4), (4,)])
    )
    assert torch.autograd.gradcheck(lambda s: self_distillation_loss(s, teacher, centre, 0.5, 0.2), student)
    loss = self_distillation_loss(student, teacher, centre)
    slopes = torch.autograd.grad(loss, (student, teacher, centre), allow_unused=True)
    assert slopes[0].abs().max() > 0 and slopes[1] is None and slopes[2] is None
    assert not moving_centre(centre.detach(), teacher).requires_grad
    # For two views, eq. 3 has the slope (q - p) / (tau pairs n) of cross-entropy.
    student = noise(2, 3, 4).requires_grad_()
    (slope,) = torch.autograd.grad(
        self_distillation_loss(student, teacher[:, :1].expand(2, 3, 4), centre), student
    )
    p = torch.softmax((teacher[:, :1].expand(2, 3, 4) - centre) / 0.04, -1)
    wanted = (torch.softmax(student / 0.1, -1) - p.flip(0)) / (0.1 * 2 * 3)
    torch.testing.assert_close(slope, wanted)


def test_centre_and_temperature_work_against_opposite_collapses():
    """One output wins for every picture: the centre takes that away. All alike: the temperature sharpens."""
    one_wins = noise(2, 50, 6) * 0.1 + torch.tensor([9.0, 0, 0, 0, 0, 0])
    usual = lambda c: teacher_probabilities(one_wins, c).mean((0, 1))  # noqa: E731
    assert usual(torch.zeros(6).double())[0] > 0.99
    assert usual(moving_centre(torch.zeros(6).double(), one_wins, 0.0)).max() < 0.4
    sharp, flat = (teacher_probabilities(noise(1, 9, 6), torch.zeros(6).double(), t) for t in (0.04, 1.0))
    assert sharp.amax(-1).mean() > 0.85 > 0.6 > flat.amax(-1).mean()


def test_the_centre_is_a_moving_mean():
    centre, first, second = torch.zeros(3).double(), noise(2, 4, 3), noise(2, 4, 3, seed=1)
    for batch in (first, second):
        centre = moving_centre(centre, batch, 0.9)
    mean = lambda x: sum(x[i, j] for i in range(2) for j in range(4)) / 8  # noqa: E731
    torch.testing.assert_close(centre, 0.09 * mean(first) + 0.1 * mean(second))
    torch.testing.assert_close(moving_centre(centre, first, 1.0), centre)
    torch.testing.assert_close(moving_centre(centre, first, 0.0), mean(first))


def test_closed_forms():
    zeros = torch.zeros(2, 3, 8, dtype=torch.float64)
    assert self_distillation_loss(zeros, zeros, zeros[0, 0]).item() == pytest.approx(math.log(8), abs=1e-12)
    sure = torch.zeros(2, 3, 8, dtype=torch.float64)
    sure[..., 2] = 1e4
    assert self_distillation_loss(sure, sure, zeros[0, 0]).item() == pytest.approx(0, abs=1e-12)


def test_extremes_stay_finite():
    """Logits of 1e4 over 0.04 are no float16, and a wrong answer that is sure costs their difference."""
    student, teacher = torch.zeros(2, 1, 3), torch.zeros(2, 1, 3)
    student[..., 0], teacher[..., 1] = 1e4, 1e4
    found = self_distillation_loss(student.half(), teacher.half(), torch.zeros(3))
    assert found.dtype == torch.float32 and found.item() == pytest.approx(1e5)
    assert moving_centre(torch.zeros(3), teacher.half(), 0.5).tolist() == [0, 5000, 0]
    for dtype in (torch.float16, torch.bfloat16):
        s, t = noise(2, 3, 5).to(dtype), noise(2, 3, 5, seed=1).to(dtype)
        wide = self_distillation_loss(s.double(), t.double(), torch.zeros(5).double()).item()
        assert self_distillation_loss(s, t, torch.zeros(5)).item() == pytest.approx(wide, rel=1e-5)


C = torch.zeros(4, dtype=torch.float64)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: self_distillation_loss(noise(1, 3, 4), noise(1, 3, 4), C), "two views or more"),
        (lambda: self_distillation_loss(noise(2, 3, 4), noise(3, 3, 4), C), "at most as many views"),
        (lambda: self_distillation_loss(noise(2, 3, 4), noise(2, 2, 4), C), "the same pictures"),
        (lambda: self_distillation_loss(noise(2, 0, 4), noise(2, 0, 4), C), "one picture or more"),
        (lambda: self_distillation_loss(noise(2, 3, 4), noise(2, 3, 4), C[:1]), r"\(4,\) was wanted"),
        (lambda: self_distillation_loss(noise(2, 3, 4), noise(2, 3, 4), C, 0.0), "temperature is 0.0"),
        (lambda: self_distillation_loss(noise(2, 3, 4), noise(2, 3, 4), C, 0.1, -1.0), "temperature is -1.0"),
        (lambda: moving_centre(C, noise(2, 3, 4), 1.5), "momentum is 1.5"),
        (lambda: moving_centre(C, noise(2, 0, 4)), "one picture or more"),
        (lambda: moving_centre(C, noise(3, 4)), r"\(views, pictures, outputs\)"),
    ],
)
def test_what_makes_no_sense_is_refused(unchecked, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
