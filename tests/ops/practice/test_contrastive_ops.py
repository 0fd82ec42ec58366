"""SimCLR's loss against loops in float64, closed forms and its own properties."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.ops.practice.contrastive import directions, nt_xent, spread


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def by_loops(views, tau):
    """Algorithm 1 of the paper: views of a picture side by side, number by number."""
    z = [views[half][i].tolist() for i in range(views.shape[1]) for half in (0, 1)]
    cosine = lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)  # noqa: E731

    def one(i, j):
        others = sum(math.exp(cosine(z[i], z[k]) / tau) for k in range(len(z)) if k != i)
        return -math.log(math.exp(cosine(z[i], z[j]) / tau) / others)

    n = len(z) // 2
    return sum(one(2 * k, 2 * k + 1) + one(2 * k + 1, 2 * k) for k in range(n)) / (2 * n)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 5), d=st.integers(1, 4), tau=st.floats(0.05, 2))
def test_it_is_the_papers_algorithm_written_out(seed, n, d, tau):
    views = noise(2, n, d, seed=seed)
    assert nt_xent(views, tau).item() == pytest.approx(by_loops(views, tau), rel=1e-9)


def test_closed_forms():
    """All equal: one of 2n - 1 by chance. Orthogonal pictures: 1 against 2n - 2 times exp(0)."""
    same = torch.ones(2, 4, 3, dtype=torch.float64)
    assert nt_xent(same, 0.3).item() == pytest.approx(math.log(7), abs=1e-12)
    apart = torch.eye(4, dtype=torch.float64).expand(2, 4, 4)
    assert nt_xent(apart, 0.5).item() == pytest.approx(math.log1p(6 * math.exp(-2)), abs=1e-12)


def test_what_it_does_not_depend_on():
    """Lengths, order of pictures, which view is first, a rotation of the space."""
    views, wanted = noise(2, 5, 3), nt_xent(noise(2, 5, 3), 0.2)
    turn = torch.linalg.qr(noise(3, 3, seed=4)).Q
    lengths = torch.rand(2, 5, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.1
    for other in (views * lengths, views[:, torch.tensor([3, 0, 4, 1, 2])], views.flip(0), views @ turn):
        torch.testing.assert_close(nt_xent(other, 0.2), wanted, rtol=1e-12, atol=0)
    mixed = torch.stack([views[0], views[1].roll(1, 0)])  # other pairs are another loss
    assert abs(nt_xent(mixed, 0.2) - wanted) > 0.05


def test_a_batch_is_not_its_parts():
    views = noise(2, 8, 6)
    parts = (nt_xent(views[:, :4]) + nt_xent(views[:, 4:])) / 2
    assert nt_xent(views) > parts + 0.3  # twice as many negatives: about log 2 more


def test_gradients():
    views = noise(2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: nt_xent(z, 0.3), views)
    assert torch.autograd.gradcheck(directions, views)
    assert torch.autograd.gradcheck(spread, views[0].detach().requires_grad_())
    (slope,) = torch.autograd.grad(nt_xent(views, 0.3), views)
    # Only directions matter, so the slope along each vector is 0 but for rounding.
    assert (slope * views).sum(-1).abs().max() < 1e-12 and slope.abs().max() > 1e-3


@pytest.mark.parametrize("size", [1e-30, 1e30, 0.0])
def test_lengths_of_any_size(size):
    """Squares of these over- or underflow in float32; zeros have no direction and no gradient."""
    views = noise(2, 3, 4, dtype=torch.float32)
    views[0, 0] = views[0, 0] / views[0, 0].norm() * size
    views.requires_grad_()
    loss = nt_xent(views, 0.1)
    (slope,) = torch.autograd.grad(loss, views)
    assert loss.isfinite() and slope[1].isfinite().all() and slope[0, 1:].isfinite().all()
    torch.testing.assert_close(directions(views)[0, 0].norm().item(), float(size > 0), rtol=1e-5, atol=0)
    if size == 0:
        assert (slope[0, 0] == 0).all()


@pytest.mark.parametrize("tau", [1e-3, 1e3])
def test_temperatures_of_any_size(tau):
    views = noise(2, 4, 3, dtype=torch.float32)
    if tau > 1:
        assert nt_xent(views, tau).item() == pytest.approx(math.log(7), abs=0.01)
    else:
        assert 0 <= nt_xent(views, tau).item() < 2 / tau
        assert nt_xent(views[:1].expand(2, -1, -1), tau).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_is_computed_in_float32(dtype):
    """300 squared is no float16."""
    views = (300 * noise(2, 6, 8)).to(dtype)
    found = nt_xent(views, 0.1)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(nt_xent(views.double(), 0.1).item(), rel=1e-5)


def test_the_spread_shows_a_collapse():
    assert spread(noise(1, 5).expand(9, 5)).item() == pytest.approx(0, abs=1e-12)
    assert spread(noise(4000, 8)).item() == pytest.approx(1, abs=0.02)  # evenly: variance 1/d of each number
    assert spread(torch.tensor([[1.0, 0], [7, 0], [-2, 0], [-1, 0]])).item() == pytest.approx(0.5**0.5)
    line = noise(4000, 1) * noise(1, 8, seed=1)  # two opposite directions: all along one line
    wanted = (noise(1, 8, seed=1).abs() / noise(1, 8, seed=1).norm()).mean() * 8**0.5
    assert spread(line).item() == pytest.approx(wanted.item(), abs=1e-3)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: nt_xent(noise(2, 1, 3)), "two pictures or more"),
        (lambda: nt_xent(noise(3, 4, 3)), "two views of each"),
        (lambda: nt_xent(noise(2, 4)), r"\(2, pictures, numbers\)"),
        (lambda: nt_xent(noise(2, 4, 3), 0.0), "temperature is 0.0"),
        (lambda: nt_xent(noise(2, 4, 3), math.nan), "temperature is nan"),
        (lambda: nt_xent(noise(2, 4, 0)), "one number or more"),
        (lambda: nt_xent(torch.ones(2, 3, 4, dtype=torch.int64)), "floating-point"),
        (lambda: directions(torch.tensor(1.0)), "numbers"),
        (lambda: spread(noise(1, 3)), "two vectors or more"),
    ],
)
def test_what_makes_no_sense_is_refused(unchecked, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
