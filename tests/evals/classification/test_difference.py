"""The paired bootstrap: against the normal interval, and against how often it holds the truth."""

import numpy as np
import pytest
import torch

from gradschool.evals.classification.difference import errors, losses, paired


def test_the_interval_is_that_of_the_mean_difference():
    draw = np.random.default_rng(0)
    theirs = torch.from_numpy(draw.normal(size=4000))
    ours = theirs + torch.from_numpy(draw.normal(0.2, 0.5, size=4000))
    found = paired(ours, theirs)
    gaps = (ours - theirs).numpy()
    half = 1.96 * gaps.std() / 4000**0.5
    assert found.value == pytest.approx(gaps.mean())
    # 2000 draws: an end of the interval is off by some hundredths of its width.
    assert (found.low, found.high) == pytest.approx((gaps.mean() - half, gaps.mean() + half), abs=0.15 * half)
    assert found.is_worse and not found.is_better
    assert paired(theirs, ours).is_better


def test_it_holds_the_truth_as_often_as_it_says():
    draw, held = np.random.default_rng(1), 0
    for seed in range(100):
        gaps = torch.from_numpy(draw.normal(0.3, 1.0, size=80))
        found = paired(gaps, torch.zeros(80), seed)
        held += found.low <= 0.3 <= found.high
    assert 86 <= held <= 100  # 95 of 100, four standard deviations either way


def test_the_same_answers_do_not_differ():
    same = torch.tensor([0.0, 1.0, 1.0])
    found = paired(same, same)
    assert (found.value, found.low, found.high) == (0, 0, 0) and not (found.is_better or found.is_worse)


def test_errors_and_losses_of_each_example():
    logits = torch.tensor([[0.0, 0.0], [3.0, 0.0]])
    assert errors(logits, torch.tensor([1, 0])).tolist() == [1, 0]
    wanted = [np.log(2), np.log1p(np.exp(-3))]
    assert losses(logits, torch.tensor([1, 0])).tolist() == pytest.approx(wanted)
