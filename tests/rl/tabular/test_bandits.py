"""Bandits: regret is what was lost, and grows as the theory says."""

import pytest
import torch

from gradschool.errors import UserError
from gradschool.rl.tabular.bandits import CHOOSERS, least_slope, play

MEANS = torch.tensor([0.2, 0.5, 0.8])


@pytest.mark.parametrize("name", list(CHOOSERS))
def test_regret_counts_pulls_of_worse_arms(name):
    found = play(MEANS, CHOOSERS[name], steps=40, n=5, seed=0)
    assert found.regret.shape == (40, 5)
    assert found.pulls.sum(1).tolist() == [40] * 5
    torch.testing.assert_close(found.regret[-1], found.pulls @ (0.8 - MEANS))
    assert (found.regret.diff(dim=0) >= -1e-6).all()
    assert torch.equal(play(MEANS, CHOOSERS[name], 40, 5, 0).regret, found.regret)


def test_the_regret_of_a_constant_epsilon_is_a_line_and_that_of_the_others_flattens():
    ends = {name: play(MEANS, CHOOSERS[name], 600, 64, 1).regret.mean(1) for name in CHOOSERS}
    late = {name: (curve[-1] - curve[299]).item() for name, curve in ends.items()}
    # A tenth of the pulls is at random, and one at random costs 0.3 on average: 9 in 300 pulls.
    assert late["epsilon-greedy"] == pytest.approx(9, rel=0.3)
    assert late["thompson"] < 4 and late["ucb"] < late["ucb"] + ends["ucb"][299].item()
    assert ends["ucb"][-1] - ends["ucb"][299] < ends["ucb"][299]


def test_the_least_slope_by_hand():
    """Two arms 0.25 and 0.5: 0.25 / (0.25 ln 0.5 + 0.75 ln 1.5) = 1.911."""
    assert least_slope(torch.tensor([0.25, 0.5])) == pytest.approx(1.9111, abs=1e-3)


def test_means_that_are_no_probabilities():
    with pytest.raises(UserError, match="two or more means from 0 to 1"):
        play(torch.tensor([0.5, 1.5]), CHOOSERS["ucb"], 1, 1, 0)
