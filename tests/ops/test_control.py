"""Targets, losses and policies of Q-learning against plain loops and torch's own losses."""

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from gradschool.ops.control import epsilon_greedy, q_target, td_loss

seeds = st.integers(0, 10_000)


def numbers(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(seeds, st.floats(0, 1))
def test_the_target_is_reward_plus_the_discounted_best(seed, gamma):
    reward, next_q = numbers(seed, 5), numbers(seed + 1, 5, 3)
    terminated = numbers(seed + 2, 5) > 0
    found = q_target(reward, next_q, terminated, gamma)
    for i in range(5):
        best = 0.0 if terminated[i] else max(next_q[i].tolist())
        assert found[i].item() == reward[i].item() + gamma * best


def test_a_terminal_state_is_worth_nothing_whatever_the_table_says():
    untouched = torch.full((2, 4), 1e6)
    found = q_target(torch.tensor([-1.0, -1.0]), untouched, torch.tensor([True, False]), 0.5)
    assert found.tolist() == [-1.0, -1.0 + 0.5e6]


@given(seeds)
def test_any_number_of_axes_is_one_target_for_each_entry(seed):
    reward, next_q, terminated = numbers(seed, 6, 4), numbers(seed + 1, 6, 4, 4), numbers(seed + 2, 6, 4) > 0
    flat = q_target(reward.flatten(), next_q.flatten(0, 1), terminated.flatten(), 0.9)
    assert torch.equal(q_target(reward, next_q, terminated, 0.9).flatten(), flat)


@given(seeds)
def test_the_loss_is_half_of_torchs_and_moves_q_alone(seed):
    q, target = numbers(seed, 7).requires_grad_(), numbers(seed + 1, 7).requires_grad_()
    loss = td_loss(q, target)
    torch.testing.assert_close(loss, F.mse_loss(q, target) / 2)
    loss.backward()
    torch.testing.assert_close(q.grad, -(target - q).detach() / 7)
    assert target.grad is None


@given(seeds, st.floats(0.01, 1))
def test_a_step_of_sgd_on_one_transition_is_the_rule_of_q_learning(seed, alpha):
    q, target = numbers(seed, 1).requires_grad_(), numbers(seed + 1, 1)
    before = q.item()
    td_loss(q, target).backward()
    torch.optim.SGD([q], lr=alpha).step()
    # Two ways to sum the same three numbers in float64.
    np.testing.assert_allclose(q.item(), before + alpha * (target.item() - before), rtol=1e-12, atol=1e-14)


@given(seeds, st.floats(0, 1))
def test_epsilon_greedy_is_a_plain_loops(seed, epsilon):
    q = numbers(seed, 6, 4).round()  # rounded, so that there are ties
    found = epsilon_greedy(q, epsilon)
    for values, shares in zip(q.tolist(), found.tolist(), strict=True):
        ties = values.count(max(values))
        wanted = [epsilon / 4 + (1 - epsilon) / ties * (v == max(values)) for v in values]
        np.testing.assert_allclose(shares, wanted, atol=1e-12)


def test_the_ends_of_epsilon_are_uniform_and_greedy():
    q = torch.tensor([[1.0, 3.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert epsilon_greedy(q, 1.0).tolist() == [[0.25] * 4] * 2
    assert epsilon_greedy(q, 0.0).tolist() == [[0, 1, 0, 0], [0.25] * 4]
