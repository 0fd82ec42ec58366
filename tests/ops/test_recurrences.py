"""Linear recurrences in parallel equal the step-by-step form, also from a state that is not zero."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.fast.sequence import scan as fast
from gradschool.ops.sequence import scan, statespace
from gradschool.ops.switch import using


def noise(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def shares(*shape, seed=3, dtype=torch.float64):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def with_gradients(form, a, b, state, **more):
    h = form(a, b, state, **more)
    weights = torch.linspace(0.5, 1.5, h.numel(), dtype=h.dtype).view(h.shape)
    return [h, *torch.autograd.grad((h * weights).sum(), [a, b, state])]


@settings(max_examples=50)
@given(b=st.integers(1, 3), t=st.integers(1, 70), d=st.integers(1, 4), chunk=st.integers(1, 80))
def test_chunks_equal_steps_for_any_length_from_any_state(b, t, d, chunk):
    given_ = shares(b, t, d), noise(b, t, d), noise(b, d, seed=1)
    wanted = with_gradients(scan.linear_recurrence.plain, *given_)
    for found in (
        with_gradients(scan.chunked_recurrence, *given_, chunk=chunk),
        with_gradients(scan.linear_recurrence.fast, *given_),
    ):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("t", [1, 37, 1000])
@pytest.mark.parametrize("d", [3, fast.ENOUGH])  # by chunks, and step by step in place
def test_float32_agrees_to_1e_5(t, d):
    t = t if d == 3 else min(t, 100)
    given_ = [shares(1, t, d), noise(1, t, d), noise(1, d, seed=1)]
    wanted = with_gradients(scan.linear_recurrence.plain, *given_)
    single = [x.detach().float().requires_grad_() for x in given_]
    for form in (scan.linear_recurrence.fast, scan.chunked_recurrence):
        for one, other in zip(with_gradients(form, *single), wanted, strict=True):
            torch.testing.assert_close(one, other.float(), rtol=1e-5, atol=1e-5)


def test_steps_that_forget_everything_or_nothing_are_safe():
    """A quotient of running products would be 0 / 0 after the first forgotten step."""
    a, b = torch.zeros(1, 200, 2), torch.ones(1, 200, 2)
    a[..., 1] = 1
    for form in (scan.linear_recurrence.plain, scan.linear_recurrence.fast, scan.chunked_recurrence.plain):
        h = form(a, b, torch.full((1, 2), 5.0))
        assert torch.equal(h[0, :, 0], torch.ones(200))
        assert torch.equal(h[0, :, 1], torch.arange(6.0, 206.0))


def test_gradients_of_gradients():
    given_ = shares(1, 19, 2), noise(1, 19, 2), noise(1, 2, seed=1)
    assert torch.autograd.gradcheck(scan.linear_recurrence.fast, given_)
    assert torch.autograd.gradgradcheck(scan.linear_recurrence.fast, given_)


def test_more_axes_are_more_recurrences():
    a, b, state = shares(2, 9, 3, 4), noise(2, 9, 3, 4), noise(2, 3, 4, seed=1)
    flat = scan.linear_recurrence.plain(a.flatten(2), b.flatten(2), state.flatten(1))
    for form in (scan.linear_recurrence.fast, scan.chunked_recurrence):
        torch.testing.assert_close(form(a, b, state).flatten(2), flat)


def test_half_precision_is_summed_in_float32():
    a, b = (f(1, 300, 2, dtype=torch.float32).detach().bfloat16() for f in (shares, noise))
    state = torch.ones(1, 2)
    wanted = scan.linear_recurrence.plain(a.float(), b.float(), state)
    for form in (scan.linear_recurrence.plain, scan.linear_recurrence.fast, scan.chunked_recurrence):
        found = form(a, b, state)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_the_minimal_gru_and_lstm_are_the_papers_equations():
    u, h = 3 * noise(2, 6, 9), noise(2, 3, seed=1)
    with using("plain"):
        gru, lstm = scan.min_gru(u[..., :6], h), scan.min_lstm(u, h)
    one = other = h
    for t in range(6):
        z, candidate = torch.sigmoid(u[:, t, :3]), u[:, t, 3:6]
        one = (1 - z) * one + z * candidate
        f, i = torch.sigmoid(u[:, t, :3]), torch.sigmoid(u[:, t, 3:6])
        other = f / (f + i) * other + i / (f + i) * u[:, t, 6:]
        torch.testing.assert_close(gru[:, t], one)
        torch.testing.assert_close(lstm[:, t], other)


def test_closed_gates_are_no_division_by_zero():
    u = torch.tensor([-400.0, -400.0, 1.0]).expand(1, 4, 3).clone().requires_grad_()
    h = scan.min_lstm(u, torch.zeros(1, 1))
    torch.testing.assert_close(h[0, :, 0], torch.tensor([0.5, 0.75, 0.875, 0.9375]))
    assert torch.autograd.grad(h.sum(), u)[0].isfinite().all()


@pytest.mark.parametrize("case", [
    ((2, 3, 4), (2, 3, 1), (2, 4), "equal ones were wanted"),
    ((2, 3, 4), (2, 3, 4), (1, 4), "the state has shape"),
    ((2, 0, 4), (2, 0, 4), (2, 4), "one step or more"),
])  # fmt: skip
def test_refusals_are_sentences(case):
    *shapes, words = case
    for form in (scan.linear_recurrence.plain, scan.linear_recurrence.fast, scan.chunked_recurrence.plain):
        with pytest.raises(ValueError, match=words):
            form(*map(torch.zeros, shapes))


def test_a_selective_scan_is_its_definition():
    b, t, d, n = 2, 5, 3, 4
    x, delta = noise(b, t, d), shares(b, t, d)
    A, B, C = -shares(d, n, seed=5), noise(b, t, n, seed=6), noise(b, t, n, seed=7)
    h = state = noise(b, d, n, seed=8)
    y, last = statespace.selective_scan(x, delta, A, B, C, state)
    for s in range(t):
        for channel in range(d):
            keep = torch.exp(delta[:, s, channel, None] * A[channel])
            new = keep * h[:, channel] + delta[:, s, channel, None] * B[:, s] * x[:, s, channel, None]
            h = torch.cat([h[:, :channel], new[:, None], h[:, channel + 1 :]], 1)
        torch.testing.assert_close(y[:, s], (h * C[:, s, None]).sum(2))
    torch.testing.assert_close(last, h)
