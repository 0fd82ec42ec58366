"""Maps of codes, walks, likelihoods and the information gap, on codes whose answer is known."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score
from torch import nn
from torch.distributions import MultivariateNormal, Normal

from gradschool.evals.generation import latent
from gradschool.evals.generation.likelihood import negative_log_likelihood
from gradschool.evals.report import latent as report_latent

RNG = np.random.default_rng(0)
GROUPS = np.repeat(np.arange(4), 30)
CODES = (8 * np.eye(4, 6)[GROUPS] + RNG.normal(size=(120, 6))).astype(np.float32)


def test_maps_keep_groups_together_and_depend_on_the_seed_only():
    placed = latent.tsne(CODES, 20, seed=1)
    near = latent.neighbours(placed, 5)
    assert (GROUPS[near] == GROUPS[:, None]).mean() > 0.95
    np.testing.assert_array_equal(placed, latent.tsne(CODES, 20, seed=1))
    assert latent.tsne(CODES[:5]).shape == (5, 2)
    with pytest.raises(ValueError, match="3 codes, at least 4"):
        latent.tsne(CODES[:3])


def test_overlap_of_equal_and_unrelated_neighbours():
    near = latent.neighbours(CODES, 10)
    assert latent.overlap(near, near[:, ::-1]) == 1
    other = latent.neighbours(RNG.normal(size=(120, 6)), 10)
    assert latent.overlap(near, other) == pytest.approx(10 / 119, abs=0.05)


def test_stability_tells_structure_from_noise():
    (groups,) = latent.stability(CODES, (15,))
    (nothing,) = latent.stability(RNG.normal(size=(120, 40)), (15,))
    assert groups.trustworthiness > nothing.trustworthiness
    assert groups.seeds_agree > 3 * groups.chance
    assert 0 <= nothing.seeds_agree <= 1 and groups.chance == pytest.approx(10 / 119)


def test_walks():
    a, b = torch.tensor([0.0, 2.0]), torch.tensor([4.0, 0.0])
    assert latent.straight(a, b, 5).tolist() == [[0, 2], [1, 1.5], [2, 1], [3, 0.5], [4, 0]]
    a, b = (torch.randn(4000, 3, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    for frame in latent.circle(a, b, 7):
        # Standard deviation of 12000 normal numbers: 1 within 5 / sqrt(2 * 12000).
        assert abs(frame.std() - 1) < 5 / (2 * 12_000) ** 0.5
    torch.testing.assert_close(latent.circle(a, b, 4)[1], b, atol=1e-5, rtol=0)


def test_mutual_information_is_scikit_learns():
    x, y = RNG.integers(0, 5, 300), RNG.integers(0, 3, 300)
    assert latent.mutual_information(x, y) == pytest.approx(mutual_info_score(x, y))
    assert latent.mutual_information(x, x) == pytest.approx(mutual_info_score(x, x))


def test_the_gap_is_wide_for_one_number_a_cause_and_closes_when_they_are_mixed():
    factors = RNG.integers(0, 5, (4000, 2))
    codes = factors + 0.01 * RNG.normal(size=(4000, 2))
    assert latent.mutual_information_gap(codes, factors) > 0.9  # a bin between two values holds both
    turned = codes @ np.array([[1, 1], [1, -1]]) / 2**0.5
    assert latent.mutual_information_gap(turned, factors) < 0.1
    assert latent.mutual_information_gap(RNG.normal(size=(4000, 2)), factors) < 0.05


class Linear(nn.Module):
    """x = W z + noise; the encoder points about right."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(16, 2, generator=torch.Generator().manual_seed(3)) / 4)

    def forward(self, x, y=None, samples=1):
        flat = x.flatten(1)
        cover = torch.linalg.inv(torch.eye(2) + self.w.T @ self.w / 0.25)
        mean = flat @ self.w @ cover / 0.25
        spread = torch.full_like(mean, 0.9).log()
        z = mean + torch.randn(samples, len(x), 2) * (0.5 * spread).exp()
        return (z @ self.w.T).flatten(0, 1).view(-1, 1, 4, 4), mean, spread, z


def test_importance_sampling_finds_the_exact_likelihood_and_leaves_the_generator_alone():
    net, x = Linear(), torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    exact = MultivariateNormal(torch.zeros(16), (net.w @ net.w.T + 0.25 * torch.eye(16)).detach())
    y = torch.zeros(20, dtype=torch.int64)

    def error(logits, pictures):
        return -Normal(logits, 0.5).log_prob(pictures).flatten(1).sum(1)

    torch.manual_seed(5)
    before = torch.get_rng_state()
    found = [negative_log_likelihood(net, error, [(x[:15], y[:15]), (x[15:], y[15:])], k) for k in (1, 2000)]
    assert torch.equal(before, torch.get_rng_state())
    truth = -exact.log_prob(x.flatten(1)).mean().item()
    assert found[0] > truth and found[1] == pytest.approx(truth, abs=0.05)
    with pytest.raises(ValueError, match="samples is 0, 1 or more"):
        negative_log_likelihood(net, error, [(x, y)], 0)
    with pytest.raises(ValueError, match="0 batches"):
        negative_log_likelihood(net, error, [], 5)


def test_sections_say_what_was_found():
    drawn = report_latent.mapped(CODES[:, :2], GROUPS, ("boot", "bag", "dress", "coat"))
    assert "3 coat" in drawn.body and "4 classes" in drawn.body
    means = torch.from_numpy(CODES.copy())
    means[:, 4:] = 0
    told = report_latent.units(means, torch.rand(120, 6))
    assert "4 of 6 numbers are active" in told.body
    small = report_latent.mapped(CODES[:12], GROUPS[:12], ("0",))
    assert "perplexity" in small.reading and "<table" not in small.body
    assert report_latent.mapped(CODES[:3], GROUPS[:3], ("0",)) is None
