"""Sinusoids, ALiBi and buckets against their papers' formulas, entry by entry, and published numbers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.ops.attention import positions as ops


@given(t=st.integers(-500, 5000), half=st.integers(1, 8), base=st.sampled_from([100.0, 10000.0]))
def test_sinusoids_are_the_papers(t, half, base):
    found = ops.sinusoids(torch.tensor([t]), 2 * half, base, torch.float64)[0]
    for i in range(half):
        angle = t / base ** (2 * i / (2 * half))
        # float64 angles of at most 5000: exact to 1e-12
        assert found[2 * i].item() == pytest.approx(math.sin(angle), abs=1e-11)
        assert found[2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-11)


@given(k=st.integers(-60, 60), half=st.integers(1, 32))
def test_a_matrix_moves_all_positions_by_k(k, half):
    t = torch.arange(200)
    M = ops.shift_matrix(k, 2 * half, dtype=torch.float64)
    here, there = (ops.sinusoids(at, 2 * half, dtype=torch.float64) for at in (t, t + k))
    torch.testing.assert_close(here @ M.T, there, rtol=0, atol=1e-12)
    torch.testing.assert_close(M @ M.T, torch.eye(2 * half, dtype=torch.float64), rtol=0, atol=1e-12)


def test_in_float32_the_matrix_is_right_to_a_millionth():
    """128 numbers and 16 positions, moved by 5: angles of at most 20 are exact to 1e-6."""
    t = torch.arange(16)
    moved = ops.sinusoids(t, 128) @ ops.shift_matrix(5, 128).T
    assert (moved - ops.sinusoids(t + 5, 128)).abs().max() < 3e-6


def test_alibi_slopes_as_published():
    """Section 3 of the paper: 1/2, 1/4 ... 1/256 for 8 heads; for 16 heads every step is 2^-0.5."""
    assert ops.alibi_slopes(8).tolist() == [2.0**-i for i in range(1, 9)]
    torch.testing.assert_close(ops.alibi_slopes(16), torch.tensor([2 ** (-i / 2) for i in range(1, 17)]))
    twelve = [2.0**-i for i in range(1, 9)] + [2 ** (-i / 2) for i in (1, 3, 5, 7)]
    torch.testing.assert_close(ops.alibi_slopes(12), torch.tensor(twelve))
    assert ops.alibi_slopes(1).tolist() == [2.0**-8]


def test_alibi_bias_with_a_cache_is_the_end_of_the_whole():
    whole = ops.alibi_bias(7, 7, 4)
    assert torch.equal(ops.alibi_bias(2, 7, 4, offset=5), whole[:, 5:])
    assert whole[1, 5, 2] == -3 * 2.0**-4 and (whole.diagonal(0, 1, 2) == 0).all()


def bucket(relative, causal, buckets, furthest):
    """T5's own rule for one distance, key minus query, in exact integer comparisons."""
    first = 0
    if causal:
        distance = max(-relative, 0)
    else:
        buckets //= 2
        first, distance = buckets * (relative > 0), abs(relative)
    exact = buckets // 2
    if distance < exact:
        return first + distance
    rest = buckets - exact
    # the largest j with exact * (furthest / exact)^(j / rest) <= distance, both sides to the power of rest
    j = max(j for j in range(rest + 1) if exact ** (rest - j) * furthest**j <= distance**rest)
    return first + min(exact + j, buckets - 1)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("buckets", "furthest"), [(32, 128), (8, 20), (4, 3)])
def test_buckets_are_t5s(causal, buckets, furthest):
    found = ops.distance_buckets(40, 300, buckets, furthest, causal, offset=150)
    for i in (0, 3, 39):
        wanted = [bucket(j - 150 - i, causal, buckets, furthest) for j in range(300)]
        assert found[i].tolist() == wanted
    assert found.min() >= 0 and found.max() < buckets


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.sinusoids(torch.arange(2), 3), "d is 3, an even number"),
        (lambda: ops.shift_matrix(1, 3), "d is 3, an even number"),
        (lambda: ops.alibi_slopes(0), "h is 0, one head or more"),
        (lambda: ops.alibi_bias(1, 2, 3, -1), "offset are 1, 2 and -1"),
        (lambda: ops.distance_buckets(2, 2, 5), "5 buckets up to distance 128"),
        (lambda: ops.distance_buckets(2, 2, 32, 8), "32 buckets up to distance 8"),
    ],
)
def test_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
