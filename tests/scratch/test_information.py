"""Entropies against scipy, codes against all codes, Gaussians against torch and Monte Carlo."""

from itertools import product
from math import e, inf

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch.distributions import MultivariateNormal, kl_divergence

from gradschool.scratch.statistics.information import (
    codewords,
    entropy,
    huffman_lengths,
    kl,
    kl_gaussians,
    kl_sampled,
)

P, Q = [1 / 2, 1 / 4, 1 / 8, 1 / 8], [1 / 4, 1 / 8, 1 / 8, 1 / 2]
shares = st.lists(st.floats(0.01, 1), min_size=1, max_size=7).map(lambda v: [x / sum(v) for x in v])


def test_numbers_of_the_exercise():
    assert entropy(np.array(P)) == pytest.approx(1.75, abs=1e-12)
    assert kl(P, Q) == pytest.approx(0.5, abs=1e-12)
    assert kl(Q, P) == pytest.approx(0.625, abs=1e-12)
    assert sorted(huffman_lengths(P)) == [1, 2, 3, 3]


@settings(deadline=None, max_examples=40)
@given(shares, st.sampled_from([2.0, e, 10.0]))
def test_entropy_is_scipys(p, base):
    assert entropy(np.array(p), base) == pytest.approx(stats.entropy(p, base=base), abs=1e-12)


def test_entropy_of_rows_and_of_certainty():
    table = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(entropy(table), [0, 1, np.log2(3)], atol=1e-12)
    assert str(float(entropy(np.array([0.0, 1.0])))) == "0.0"


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_kl_is_scipys_and_never_negative(k, seed):
    p, q = np.random.default_rng(seed).dirichlet(np.ones(k), 2)
    assert kl(p, q, e) == pytest.approx(stats.entropy(p, q), abs=1e-12)
    assert kl(p, q) >= -1e-15
    assert kl(p, p) == 0


def test_kl_where_something_is_impossible():
    assert kl([1, 0], [0.5, 0.5]) == pytest.approx(1, abs=1e-12)
    assert kl([0.5, 0.5], [1, 0]) == inf


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 20), min_size=2, max_size=5))
def test_no_code_is_shorter_than_huffmans(counts):
    p = [c / sum(counts) for c in counts]
    k = len(p)
    allowed = (ls for ls in product(range(1, k), repeat=k) if sum(2.0**-n for n in ls) <= 1)
    best = min(sum(a * n for a, n in zip(p, ls, strict=True)) for ls in allowed) if k > 1 else 0
    mean = sum(a * n for a, n in zip(p, huffman_lengths(p), strict=True))
    assert mean == pytest.approx(best, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(shares)
def test_huffman_is_within_a_bit_of_the_entropy(p):
    lengths = huffman_lengths(p)
    mean = sum(a * n for a, n in zip(p, lengths, strict=True))
    assert entropy(np.array(p)) - 1e-9 <= mean < entropy(np.array(p)) + 1
    assert sum(2.0**-n for n in lengths) == 1


@settings(deadline=None, max_examples=30)
@given(shares)
def test_no_codeword_begins_with_another(p):
    lengths = huffman_lengths(p)
    words = codewords(lengths)
    assert [len(w) for w in words] == lengths
    assert not any(a != b and words[b].startswith(words[a]) for a, b in product(range(len(p)), repeat=2))


def gaussian(d, rng):
    root = rng.normal(size=(d, d))
    return rng.normal(size=d), root @ root.T + 0.5 * np.eye(d)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 5), st.integers(0, 10_000))
def test_kl_of_gaussians_is_torchs(d, seed):
    rng = np.random.default_rng(seed)
    first, second = gaussian(d, rng), gaussian(d, rng)
    ours = kl_gaussians(*first, *second)
    a, b = (MultivariateNormal(*map(torch.from_numpy, g)) for g in (first, second))
    assert ours == pytest.approx(float(kl_divergence(a, b)), rel=1e-8)
    assert kl_gaussians(*first, *first) == pytest.approx(0, abs=1e-10)


def test_kl_of_gaussians_does_not_overflow():
    d = 400
    wide = kl_gaussians(np.zeros(d), np.eye(d), np.zeros(d), 100 * np.eye(d))
    assert wide == pytest.approx(d / 2 * (0.01 - 1 + np.log(100)))


def test_monte_carlo_agrees_within_its_error():
    rng = np.random.default_rng(5)
    first, second = gaussian(3, rng), gaussian(3, rng)
    estimates = [kl_sampled(first, second, 2000, np.random.default_rng(s)) for s in range(40)]
    off = [(value - kl_gaussians(*first, *second)) / error for value, error in estimates]
    assert np.abs(off).max() < 4.5  # forty standard normal numbers
    assert 0.6 < np.std(off) < 1.5
