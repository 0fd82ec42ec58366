"""Returns and advantages: the plain loop, the scan, and sums written out step by step in Python."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.ops.rl.returns import gae, lambda_returns, n_step_returns, returns_to_go, td_target

seeds, shares = st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 0.95, 1.0])


def rollout(seed, t, n):
    """Rewards, values, values of what follows, terminations and ends, in float64."""
    draw = torch.Generator().manual_seed(seed)
    reward, value, next_value = torch.randn(3, t, n, generator=draw, dtype=torch.float64)
    terminated, truncated = torch.rand(2, t, n, generator=draw) < 0.2
    return reward, value, next_value, terminated, terminated | truncated


def n_step(reward, next_value, terminated, ended, gamma, n, t, i):
    """One return, reward after reward, until n are counted or the episode or the rollout stops."""
    total, discount = 0.0, 1.0
    for k in range(n):
        total += discount * reward[t + k, i].item()
        discount *= gamma
        if ended[t + k, i] or k == n - 1 or t + k == len(reward) - 1:
            return total + (0.0 if terminated[t + k, i] else discount * next_value[t + k, i].item())
    raise AssertionError


def table(found, one):
    """Every entry of a result against a function of its step and world."""
    wanted = torch.tensor(
        [[one(t, i) for i in range(found.shape[1])] for t in range(len(found))], dtype=found.dtype
    )
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


@given(seeds, st.integers(1, 9), shares, st.integers(1, 5))
def test_n_step_returns_are_sums_written_out(seed, t, gamma, n):
    reward, _, next_value, terminated, ended = rollout(seed, t, 3)
    given = reward, next_value, terminated, ended
    table(n_step_returns(*given, gamma, n), lambda s, i: n_step(*given, gamma, n, s, i))


@given(seeds, st.integers(1, 9), shares, st.sampled_from([0.0, 0.6, 0.95]))
def test_lambda_returns_are_the_mean_of_all_n_step_returns(seed, t, gamma, lam):
    """(1 - lambda) sum of lambda^(n-1) G^(n); past the last step of an episode all G^(n) are one number."""
    reward, _, next_value, terminated, ended = rollout(seed, t, 2)
    given = reward, next_value, terminated, ended

    def one(s, i):
        many = [n_step(*given, gamma, n, s, i) for n in range(1, t - s + 1)]
        return sum((1 - lam) * lam**k * g for k, g in enumerate(many)) + lam ** len(many) * many[-1]

    table(lambda_returns.plain(*given, gamma, lam), one)


@given(seeds, st.integers(1, 9), shares, shares)
def test_gae_is_the_discounted_sum_of_td_errors(seed, t, gamma, lam):
    reward, value, next_value, terminated, ended = rollout(seed, t, 3)
    delta = reward + gamma * next_value * ~terminated - value

    def one(s, i):
        total = 0.0
        for k in range(t - s):
            total += (gamma * lam) ** k * delta[s + k, i].item()
            if ended[s + k, i]:
                break
        return total

    table(gae.plain(reward, value, next_value, terminated, ended, gamma, lam), one)


@given(seeds, st.integers(1, 40), shares, shares)
def test_the_scan_equals_the_loop(seed, t, gamma, lam):
    reward, value, next_value, terminated, ended = rollout(seed, t, 3)
    close = {"rtol": 1e-12, "atol": 1e-12}
    for op, args in (
        (gae, (reward, value, next_value, terminated, ended, gamma, lam)),
        (lambda_returns, (reward, next_value, terminated, ended, gamma, lam)),
        (returns_to_go, (reward, ended, gamma)),
    ):
        torch.testing.assert_close(op.fast(*args), op.plain(*args), **close)


@given(seeds, st.integers(1, 20), shares, shares)
def test_advantages_and_values_are_the_lambda_returns(seed, t, gamma, lam):
    reward, value, next_value, terminated, ended = rollout(seed, t, 3)
    # The two agree only if the value of the next state is the one that the next step has.
    next_value[:-1] = torch.where(ended[:-1], next_value[:-1], value[1:])
    advantage = gae(reward, value, next_value, terminated, ended, gamma, lam)
    wanted = lambda_returns(reward, next_value, terminated, ended, gamma, lam)
    torch.testing.assert_close(advantage + value, wanted, rtol=1e-10, atol=1e-12)


@given(seeds, st.integers(1, 9), shares)
def test_returns_to_go_are_the_longest_returns_with_nothing_after(seed, t, gamma):
    reward, _, next_value, terminated, ended = rollout(seed, t, 3)
    wanted = n_step_returns(reward, torch.zeros_like(next_value), terminated, ended, gamma, t)
    torch.testing.assert_close(returns_to_go.plain(reward, ended, gamma), wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("form", ["plain", "fast"])
def test_gradients_of_both_forms(form):
    reward, value, next_value, terminated, ended = rollout(1, 6, 2)
    leaves = [x.requires_grad_() for x in (reward, value, next_value)]
    run = getattr(gae, form)
    assert torch.autograd.gradcheck(lambda r, v, w: run(r, v, w, terminated, ended, 0.9, 0.8), leaves)


def test_a_world_by_itself_and_worlds_on_two_axes():
    reward, value, next_value, terminated, ended = rollout(2, 8, 6)
    whole = gae(reward, value, next_value, terminated, ended, 0.9, 0.8)
    one = gae(*(x[:, 2] for x in (reward, value, next_value, terminated, ended)), 0.9, 0.8)
    torch.testing.assert_close(one, whole[:, 2])
    grid = gae(*(x.view(8, 2, 3) for x in (reward, value, next_value, terminated, ended)), 0.9, 0.8)
    torch.testing.assert_close(grid.flatten(1), whole)


def test_a_time_limit_bootstraps_from_the_final_observation_and_an_end_does_not():
    found = td_target(
        torch.ones(4),
        torch.tensor([5.0, 5.0, 5.0, 5.0]),
        torch.tensor([7.0, 7.0, 7.0, 7.0]),
        torch.tensor([False, True, False, True]),
        torch.tensor([False, False, True, True]),
        0.5,
    )
    assert found.tolist() == [3.5, 1.0, 4.5, 1.0]


def test_what_would_broadcast_is_refused():
    reward, value, next_value, terminated, ended = rollout(0, 4, 2)
    with pytest.raises(ValueError, match="equal ones were wanted"):
        gae(reward, value[:, :1], next_value, terminated, ended, 0.9, 0.8)
    with pytest.raises(ValueError, match=r"torch\.bool was wanted"):
        gae(reward, value, next_value, terminated.float(), ended, 0.9, 0.8)
    with pytest.raises(ValueError, match="1 or more was wanted"):
        n_step_returns(reward, next_value, terminated, ended, 0.9, 0)
