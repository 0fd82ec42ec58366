"""Replay, targets and duels of Q-learning against loops, frequencies and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.ops.control import q_target
from gradschool.ops.rl.replay import (
    double_q_target,
    dueling,
    exploration_rate,
    polyak_update,
    prioritised_weights,
    sampled_by_priority,
)

seeds = st.integers(0, 10_000)


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(0, 300), st.floats(0, 1), st.floats(0, 1), st.integers(1, 100))
def test_exploration_is_numpys_interpolation(step, first, last, steps):
    wanted = np.interp(step, [0, steps], [first, last])
    assert exploration_rate(step, first, last, steps) == pytest.approx(wanted, abs=1e-12)


def test_draws_follow_the_priorities():
    """Stratified: each count is within one of n times its probability."""
    priority = torch.tensor([1.0, 0.0, 3.0, 0.5, 5.5])
    u = torch.rand(2000, generator=torch.Generator().manual_seed(0))
    count = sampled_by_priority(priority, u).bincount(minlength=5)
    assert (count - 2000 * priority / 10).abs().max() <= 1
    assert count[1] == 0


@given(seeds)
def test_a_draw_is_where_its_point_lies(seed):
    g = torch.Generator().manual_seed(seed)
    priority = torch.rand(7, generator=g) * (torch.rand(7, generator=g) < 0.7) + 1e-3 * (torch.arange(7) == 3)
    u = torch.rand(5, generator=g)
    stops = np.cumsum(priority.double().numpy())
    for i, index in enumerate(sampled_by_priority(priority, u).tolist()):
        point = (i + u[i].item()) / 5 * stops[-1]
        assert priority[index] > 0
        assert stops[index] - priority[index].item() - 1e-6 <= point <= stops[index] + 1e-6


def test_rounding_leads_to_no_transition_that_is_not_there():
    almost = torch.full((3,), 1 - 2**-53, dtype=torch.float64)
    assert sampled_by_priority(torch.tensor([1.0, 1.0, 0.0]), almost).tolist() == [0, 1, 1]


def test_weights_undo_the_priorities():
    """Where transitions are drawn in proportion to p, w p is one number for all with beta = 1."""
    p = torch.tensor([0.1, 0.2, 0.3, 0.4])
    full = prioritised_weights(p, 1.0) * p
    torch.testing.assert_close(full, full[:1].expand(4))
    assert prioritised_weights(p, 0.0).tolist() == [1, 1, 1, 1]
    assert prioritised_weights(p, 0.6).max() == 1


@given(seeds)
def test_a_double_target_chooses_by_one_network_and_values_by_the_other(seed):
    reward, online, target = draw(seed, 5), draw(seed + 1, 5, 3), draw(seed + 2, 5, 3)
    terminated = draw(seed + 3, 5) > 0
    found = double_q_target(reward, online, target, terminated, 0.9)
    for i in range(5):
        best = max(range(3), key=lambda a, i=i: online[i, a].item())
        value = 0.0 if terminated[i] else target[i, best].item()
        assert found[i].item() == pytest.approx(reward[i].item() + 0.9 * value, abs=1e-12)
    torch.testing.assert_close(
        double_q_target(reward, online, online, terminated, 0.9), q_target(reward, online, terminated, 0.9)
    )


@given(seeds)
def test_a_duel_has_the_mean_of_the_value_and_the_differences_of_the_advantages(seed):
    value, advantage = draw(seed, 4, 1), draw(seed + 1, 4, 3)
    q = dueling(value, advantage)
    torch.testing.assert_close(q.mean(1, keepdim=True), value)
    torch.testing.assert_close(q[:, 1:] - q[:, :1], advantage[:, 1:] - advantage[:, :1])
    torch.testing.assert_close(dueling(value, advantage + 5), q)


def test_a_target_moves_in_its_own_memory_and_the_other_stays():
    target, online = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    before = [p.detach().clone() for p in target.parameters()]
    kept = [p.detach().clone() for p in online.parameters()]
    polyak_update(list(target.parameters()), list(online.parameters()), 0.1)
    for new, old, now, was in zip(target.parameters(), before, online.parameters(), kept, strict=True):
        torch.testing.assert_close(new.detach(), 0.9 * old + 0.1 * now.detach())
        assert torch.equal(now, was) and new.is_leaf
    polyak_update(list(target.parameters()), list(online.parameters()), 1.0)
    assert all(torch.equal(a, b) for a, b in zip(target.parameters(), online.parameters(), strict=True))


def test_what_would_broadcast_or_cannot_be_drawn_is_refused():
    never = torch.zeros(4, dtype=torch.bool)
    with pytest.raises(ValueError, match="equal ones were wanted"):
        double_q_target(torch.zeros(4, 1), torch.zeros(4, 2), torch.zeros(4, 2), never, 0.9)
    with pytest.raises(ValueError, match="one above 0 were wanted"):
        sampled_by_priority(torch.zeros(3), torch.zeros(2))
    with pytest.raises(ValueError, match="priorities are -1 to 2"):
        sampled_by_priority(torch.tensor([-1.0, 2.0]), torch.zeros(2))
    with pytest.raises(ValueError, match="equally many were wanted"):
        polyak_update([torch.zeros(2)], [], 0.5)
    with pytest.raises(ValueError, match=r"tau is 2\.0"):
        polyak_update([torch.zeros(2)], [torch.zeros(2)], 2.0)
