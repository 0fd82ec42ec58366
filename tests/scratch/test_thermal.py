"""Heat baths against torch, counts against whole numbers, density matrices against their definition."""

from math import comb, e, log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import logm
from scipy.optimize import minimize

from gradschool.scratch.statistics.information import entropy
from gradschool.scratch.statistics.thermal import boltzmann, counted, density, von_neumann


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=6), st.floats(0.1, 100))
def test_boltzmann_is_softmax_and_log_sum_exp(energies, temperature):
    p, free = boltzmann(np.array(energies), temperature)
    x = -torch.tensor(energies, dtype=torch.float64) / temperature
    np.testing.assert_allclose(p, x.softmax(0).numpy(), atol=1e-10)
    assert free == pytest.approx(-temperature * float(x.logsumexp(0)), rel=1e-10, abs=1e-9)


def test_huge_energies_keep_probabilities_that_sum_to_1():
    p, free = boltzmann(np.array([1e30, 1e30, 2e30]), 3.0)
    np.testing.assert_array_equal(p, [0.5, 0.5, 0])
    assert free == pytest.approx(1e30)


def test_free_energy_is_energy_less_heat():
    energies = np.array([0.0, 1.0, 3.5])
    p, free = boltzmann(energies, 0.7)
    assert free == pytest.approx(float(p @ energies) - 0.7 * float(entropy(p, e)), abs=1e-12)


def test_no_other_probabilities_of_the_same_mean_energy_have_more_entropy():
    energies = np.array([0.0, 1.0, 3.5])
    p, _ = boltzmann(energies, 0.7)
    same = [
        {"type": "eq", "fun": lambda q: q.sum() - 1},
        {"type": "eq", "fun": lambda q: q @ energies - p @ energies},
    ]
    found = minimize(
        lambda q: -float(entropy(q, e)), [0.5, 0.3, 0.2], bounds=[(1e-6, 1)] * 3, constraints=same
    )
    np.testing.assert_allclose(found.x, p, atol=1e-3)


def test_one_system_three_entropies():
    shares = np.array([0.5, 0.25, 0.125, 0.125])
    p, _ = boltzmann(np.array([0.0, 1, 2, 2]), 1 / log(2))
    np.testing.assert_allclose(p, shares, atol=1e-12)
    assert von_neumann(np.diag(shares)) == pytest.approx(1.75, abs=1e-12)
    assert counted([4 * 10**6, 2 * 10**6, 10**6, 10**6]) == pytest.approx(1.75, abs=1e-4)


@pytest.mark.parametrize("counts", [[1], [3, 0], [2, 1, 1], [5, 3, 2, 7]])
def test_counts_are_multinomials(counts):
    ways, left = 1, sum(counts)
    for n in counts:
        ways *= comb(left, n)
        left -= n
    assert counted(counts) == pytest.approx(log(ways, 2) / sum(counts), abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 10_000))
def test_von_neumann_is_minus_trace_rho_log_rho(n, d, seed):
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(n, d)) + 1j * rng.normal(size=(n, d))
    states /= np.linalg.norm(states, axis=1)[:, None]
    weights = rng.dirichlet(np.ones(n))
    rho = density(weights, states)
    np.testing.assert_allclose(
        rho, sum(w * np.outer(s, s.conj()) for w, s in zip(weights, states, strict=True)), atol=1e-12
    )
    mixed = 0.9 * rho + 0.1 * np.eye(d) / d  # no eigenvalue is 0, so that the matrix has a logarithm
    assert von_neumann(mixed, e) == pytest.approx(-np.trace(mixed @ logm(mixed)).real, abs=1e-8)
    assert von_neumann(rho) <= float(entropy(weights)) + 1e-9
    assert von_neumann(rho) <= float(entropy(np.diag(rho).real)) + 1e-9


def test_von_neumann_of_a_stack_is_that_of_each_matrix():
    stack = np.stack([np.diag([0.5, 0.25, 0.25]), np.diag([1.0, 0, 0])])
    np.testing.assert_allclose(von_neumann(stack), [1.5, 0], atol=1e-12)


def test_a_pure_state_has_no_entropy():
    state = np.array([[1, 1j, 0]]) / 2**0.5
    assert von_neumann(density(np.array([1.0]), state)) == pytest.approx(0, abs=1e-12)
