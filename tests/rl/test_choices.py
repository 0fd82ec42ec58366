"""Distributions over actions against torch.distributions."""

import torch
from torch import distributions as theirs

from gradschool.rl.choices import Categorical, Gaussian


def test_categorical_is_torchs():
    g = torch.Generator().manual_seed(0)
    logits, action = torch.randn(50, 4, generator=g), torch.randint(4, (50,), generator=g)
    ours, known = Categorical(logits), theirs.Categorical(logits=logits)
    torch.testing.assert_close(ours.log_prob(action), known.log_prob(action))
    torch.testing.assert_close(ours.entropy(), known.entropy())
    assert torch.equal(ours.best(), known.mode)


def test_gaussian_is_torchs():
    g = torch.Generator().manual_seed(0)
    mean, log_std, action = torch.randn(3, 50, 2, generator=g)
    ours = Gaussian(torch.cat((mean, log_std), -1))
    known = theirs.Independent(theirs.Normal(mean, log_std.exp()), 1)
    torch.testing.assert_close(ours.log_prob(action), known.log_prob(action), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(ours.entropy(), known.entropy())
    assert torch.equal(ours.best(), mean)


def test_draws_have_the_probabilities():
    torch.manual_seed(0)
    probability = torch.tensor([0.5, 0.3, 0.2])
    drawn = Categorical(probability.log().expand(40_000, 3)).draw()
    share = torch.bincount(drawn, minlength=3) / 40_000
    torch.testing.assert_close(share, probability, atol=0.015, rtol=0)  # five standard deviations


def test_gaussian_draws_have_mean_and_deviation():
    torch.manual_seed(0)
    drawn = Gaussian(torch.tensor([[1.0, -2.0, 0.0, -1.0]]).expand(40_000, 4)).draw()
    torch.testing.assert_close(drawn.mean(0), torch.tensor([1.0, -2.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.std(0), torch.tensor([0.0, -1.0]).exp(), atol=0.03, rtol=0)
