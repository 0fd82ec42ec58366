"""Interquartile means and improvements against SciPy; intervals against their coverage and stratification."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, trim_mean

from gradschool.errors import UserError
from gradschool.evals.rl.reliable import interquartile_mean, probability_of_improvement, reliable

SEED = 0
numbers = st.floats(-1e3, 1e3, width=32)


@settings(max_examples=50)
@given(st.lists(numbers, min_size=1, max_size=30))
def test_the_middle_half_is_scipys(values):
    ours = interquartile_mean(torch.tensor(values, dtype=torch.float64)).item()
    assert ours == pytest.approx(trim_mean(values, 0.25), rel=1e-9, abs=1e-9)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """300 times 20 runs of a normal distribution: the truth is 0; with few runs a bootstrap is narrow."""
    generator, held = torch.Generator().manual_seed(SEED), 0
    for _ in range(300):
        found = reliable(torch.randn(1, 20, generator=generator), generator, draws=300)
        held += found.low <= 0 <= found.high
    assert 0.87 < held / 300 <= 0.98


def test_runs_are_drawn_in_every_environment_by_itself():
    """Environments without spread leave nothing to chance, however far apart they lie."""
    scores = torch.tensor([[0.0] * 5, [100.0] * 5])
    found = reliable(scores, torch.Generator().manual_seed(SEED))
    assert (found.low, found.iqm, found.high) == (50, 50, 50)
    assert str(found) == "50 [50, 50] (5 runs)"


def test_a_failed_run_moves_the_mean_but_not_the_iqm():
    scores = torch.tensor([[500.0] * 9 + [0.0]])
    assert reliable(scores, torch.Generator()).iqm == 500 and scores.mean() == 450


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=8), st.lists(st.integers(0, 4), min_size=1, max_size=8)
)
def test_improvement_is_the_mann_whitney_statistic(ours, theirs):
    found = probability_of_improvement(torch.tensor([ours]).double(), torch.tensor([theirs]).double())
    peer = mannwhitneyu(ours, theirs).statistic / (len(ours) * len(theirs))
    assert np.isclose(found, peer)


def test_what_is_refused():
    with pytest.raises(UserError, match="1 run in each environment; wanted: at least 2"):
        reliable(torch.zeros(2, 1), torch.Generator())
    with pytest.raises(UserError, match="1 of 4 scores are NaN or infinite"):
        reliable(torch.tensor([[0.0, 1], [float("nan"), 1]]), torch.Generator())
