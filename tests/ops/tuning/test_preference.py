"""Losses of preferences against values by hand, torch's own functions and closed forms."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.ops.tuning.preference import (
    Pair,
    Rollout,
    bradley_terry_loss,
    dpo_loss,
    group_advantages,
    grpo_loss,
    kl_estimate,
)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_bradley_terry_is_torchs_loss_of_the_difference():
    a, b = noise(9), noise(9, seed=1)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(a - b - 0.5, torch.ones(9).double())
    torch.testing.assert_close(bradley_terry_loss(a, b, 0.5), wanted)
    torch.testing.assert_close(bradley_terry_loss(a + 100, b + 100), bradley_terry_loss(a, b))
    assert torch.autograd.gradcheck(bradley_terry_loss, (a.requires_grad_(), b.requires_grad_()))
    far = torch.tensor([1e4]), torch.tensor([-1e4])
    assert bradley_terry_loss(*far) == 0 and bradley_terry_loss(*far[::-1]) == 2e4


def test_minimising_it_finds_the_strengths_that_zermelo_finds():
    """Zermelo 1929: w_i <- wins_i / sum over games of 1 / (w_i + w_j), until nothing changes."""
    wins = torch.tensor([[0, 3, 5], [2, 0, 4], [1, 2, 0]], dtype=torch.float64)
    w = torch.ones(3, dtype=torch.float64)
    for _ in range(2000):
        w = wins.sum(1) / ((wins + wins.T) / (w[:, None] + w)).sum(1)
        w = w / w.prod() ** (1 / 3)
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(int(wins[i, j]))]
    first, second = torch.tensor(pairs).T
    r = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optim = torch.optim.LBFGS([r], max_iter=200, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure():
        optim.zero_grad()
        loss = bradley_terry_loss(r[first], r[second])
        loss.backward()
        return loss

    optim.step(closure)
    torch.testing.assert_close((r - r.mean()).detach(), w.log(), atol=1e-5, rtol=1e-5)


def one(*values):
    return [torch.tensor([value], dtype=torch.float64) for value in values]


def test_dpo_by_hand():
    """Chosen +1 nat, rejected -0.5 nats: a lead of 1.5, times 0.5; -log s(0.75) = log(1 + e^-0.75)."""
    policy, reference = Pair(*one(-1.0, -3.0)), Pair(*one(-2.0, -2.5))
    assert dpo_loss(policy, reference, 0.5).item() == pytest.approx(0.3868710, abs=1e-6)
    assert dpo_loss(policy, reference, 0.5).item() == pytest.approx(math.log1p(math.exp(-0.75)), abs=1e-12)
    assert dpo_loss(policy, policy, 0.5).item() == pytest.approx(math.log(2))
    turned = 0.8 * math.log1p(math.exp(-0.75)) + 0.2 * math.log1p(math.exp(0.75))
    assert dpo_loss(policy, reference, 0.5, 0.2).item() == pytest.approx(turned)


def test_the_gradient_of_dpo_is_the_papers():
    """Eq. in section 4: -beta s(r' - r) (grad log p chosen - grad log p rejected)."""
    a, b, c, d = (noise(5, seed=i).requires_grad_() for i in range(4))
    beta = 0.3
    slopes = torch.autograd.grad(dpo_loss(Pair(a, b), Pair(c, d), beta), (a, b))
    lead = beta * ((a - c) - (b - d))
    wanted = -beta * torch.sigmoid(-lead) / 5
    torch.testing.assert_close(slopes, (wanted, -wanted))
    assert torch.autograd.gradcheck(lambda *x: dpo_loss(Pair(*x[:2]), Pair(*x[2:]), beta, 0.1), (a, b, c, d))


def test_advantages_of_a_group():
    found = group_advantages(torch.tensor([[1.0, 0, 0, 1], [3, 3, 3, 3]], dtype=torch.float64), eps=0.0)
    by_hand = 0.5 / math.sqrt(4 * 0.25 / 3)
    torch.testing.assert_close(found[0], torch.tensor([1.0, -1, -1, 1]).double() * by_hand)
    safe = group_advantages(torch.tensor([[3.0, 3, 3, 3]]))
    assert safe.tolist() == [[0, 0, 0, 0]]
    assert group_advantages(torch.tensor([[1.0, 0, 0, 1]]), scaled=False).tolist() == [[0.5, -0.5, -0.5, 0.5]]


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), by_answer=st.booleans(), with_reference=st.booleans())
def test_grpo_is_the_papers_sum_written_out(seed, by_answer, with_reference):
    new, old, reference = (noise(3, 4, seed=seed + i) for i in range(3))
    advantage, clip, beta = noise(3, seed=seed + 3), 0.2, 0.04
    counts = torch.rand(3, 4, generator=torch.Generator().manual_seed(seed)) < 0.7
    rollout = Rollout(old, advantage, counts, reference if with_reference else None)
    rows = []
    for i in range(3):
        terms = []
        for t in range(4):
            if counts[i, t]:
                ratio = math.exp(new[i, t] - old[i, t])
                a = advantage[i].item()
                gain = min(ratio * a, min(max(ratio, 1 - clip), 1 + clip) * a)
                if with_reference:
                    r = math.exp(reference[i, t] - new[i, t])
                    gain -= beta * (r - math.log(r) - 1)
                terms.append(gain)
        rows.append(terms)
    if by_answer:
        wanted = -sum(sum(row) / max(len(row), 1) for row in rows) / 3
    else:
        wanted = -sum(map(sum, rows)) / max(sum(map(len, rows)), 1)
    assert grpo_loss(new, rollout, clip, beta, by_answer).item() == pytest.approx(wanted, abs=1e-12)


def test_the_first_step_of_grpo_is_the_policy_gradient():
    """Where the model is still the one that drew, the ratio is 1 and its slope that of log p."""
    x = noise(4, 5).requires_grad_()
    advantage, counts = noise(4, seed=1), torch.ones(4, 5, dtype=torch.bool)
    rollout = Rollout(x.detach(), advantage, counts)
    (slope,) = torch.autograd.grad(grpo_loss(x, rollout), x)
    torch.testing.assert_close(slope, (-advantage[:, None] / 20).expand(4, 5))
    far = Rollout(x.detach() + noise(4, 5, seed=2), advantage, counts, noise(4, 5, seed=3))
    assert torch.autograd.gradcheck(lambda y: grpo_loss(y, far), x)


def test_beyond_the_clip_nothing_is_gained():
    """A good answer that is already 1.5 times as probable has no slope; a bad one has."""
    old, counts = torch.zeros(2, 1), torch.ones(2, 1, dtype=torch.bool)
    x = torch.full((2, 1), math.log(1.5), requires_grad=True)
    rollout = Rollout(old, torch.tensor([1.0, -1.0]), counts)
    (slope,) = torch.autograd.grad(grpo_loss(x, rollout), x)
    assert slope[0].item() == 0 and slope[1].item() == pytest.approx(0.75)


def test_the_kl_estimate_has_the_kl_divergence_as_its_mean():
    p, q = noise(2, 6).softmax(1)
    each = kl_estimate(p.log()[None], q.log()[None])[0]
    assert (each >= 0).all()
    torch.testing.assert_close((p * each).sum(), (p * (p / q).log()).sum())


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: dpo_loss(Pair(*one(0, 0)), Pair(*one(0, 0)), 0.0), "beta is 0.0"),
        (lambda: dpo_loss(Pair(*one(0, 0)), Pair(*one(0, 0)), 0.1, 0.5), "smoothing is 0.5"),
        (lambda: group_advantages(torch.zeros(3, 1)), "two answers or more"),
        (lambda: bradley_terry_loss(torch.zeros(1), torch.zeros(2)), "equal ones|did not pass"),
    ],
)
def test_what_makes_no_sense_is_refused(call, sentence):
    with pytest.raises(Exception, match=sentence):
        call()
