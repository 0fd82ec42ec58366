"""Experiments of chapter 16: what exploration, bootstrapping, noise, time limits, seeds and scales do."""

import statistics
from collections.abc import Sequence

import torch
from torch import Tensor

from gradschool.ops.rl.planning import policy_evaluation
from gradschool.ops.rl.policy import reinforce_loss
from gradschool.ops.rl.replay import double_q_target
from gradschool.ops.rl.returns import td_target
from gradschool.rl.tabular.bandits import CHOOSERS, least_slope, play
from gradschool.rl.tabular.learning import Learning, control, td_lambda
from gradschool.rl.tabular.mdp import MDP, two_states, value_iteration

SEEDS = 10
ARMS = torch.tensor([0.3, 0.4, 0.5, 0.6, 0.7])
AGENTS = 400


def generator(seed: int) -> torch.Generator:
    """A source of randomness of its own."""
    return torch.Generator().manual_seed(seed)


def spread(values: Sequence[float]) -> dict:
    """Mean, deviation and range."""
    return {"n": len(values), "mean": statistics.fmean(values), "deviation": statistics.stdev(values),
            "lowest": min(values), "highest": max(values)}  # fmt: skip


def regret() -> dict:
    """The regret of four ways to choose among five arms, at ten moments; means of 400 experiments."""
    means, steps = torch.tensor([0.3, 0.4, 0.5, 0.6, 0.7]), 3000
    moments = [steps * (i + 1) // 10 for i in range(10)]
    found: dict = {"arms": means.tolist(), "steps": steps, "experiments": 400, "moments": moments,
                   "least_slope": least_slope(means)}  # fmt: skip
    for name, choose in CHOOSERS.items():
        pulled = play(means, choose, steps, 400, seed=0)
        curve = pulled.regret.mean(1)
        found[name.replace("-", "_")] = {
            "curve": [round(curve[m - 1].item(), 3) for m in moments],
            "end": spread(pulled.regret[-1].tolist()),
            "stuck": (pulled.pulls.argmax(1) != 4).float().mean().item(),
        }
    return found


def traces() -> dict:
    """The error of TD(lambda) after 10 episodes of a random walk over 9 states, for three lambdas."""
    states, episodes = 9, 10
    p, r = torch.zeros(states, 1, states), torch.zeros(states, 1)
    for s in range(states):
        for t in (s - 1, s + 1):
            if 0 <= t < states:
                p[s, 0, t] = 0.5
    r[0], r[-1] = -0.5, 0.5
    world, policy = MDP(p, r), torch.ones(states, 1, dtype=torch.float64)
    exact = policy_evaluation(world.p, world.r, policy, 1.0)
    found: dict = {"states": states, "episodes": episodes, "of": {}}
    for lam in (0.0, 0.8, 1.0):
        errors = {}
        for alpha in (0.02, 0.05, 0.1, 0.2, 0.4):
            learning = Learning(gamma=1.0, alpha=alpha, lam=lam, limit=500, start=states // 2)
            values = [td_lambda(world, policy, episodes, learning, seed) for seed in range(SEEDS)]
            far = [(v - exact).square().mean().sqrt().item() for v in values]
            if max(far) < 10:  # with long traces a large learning rate diverges
                errors[alpha] = spread(far)
        best = min(errors, key=lambda alpha: errors[alpha]["mean"])
        found["of"][f"l{round(100 * lam)}"] = {"lambda": lam, "alpha": best, "error": errors[best]}
    return found


def exploration() -> dict:
    """Q-learning in a corridor: leave at once for 0.2, or walk four steps for 1; which epsilon finds out."""
    states, gamma, episodes = 4, 0.95, 300
    p, r = torch.zeros(states, 2, states), torch.zeros(states, 2)
    for s in range(states - 1):
        p[s, 1, s + 1] = 1
    r[:, 0], r[-1, 1] = 0.2, 1.0
    world = MDP(p, r)
    best = value_iteration(world, gamma)[0].amax().item()
    found: dict = {"states": states, "episodes": episodes, "seeds": SEEDS, "best": best, "of": {}}
    for epsilon in (0.1, 0.3, 0.6, 1.0):
        learning = Learning(gamma=gamma, alpha=0.5, epsilon=epsilon, limit=20, start=0)
        tables = [control(world, "q-learning", episodes, learning, seed) for seed in range(SEEDS)]
        right = sum(bool((q.argmax(1) == 1).all()) for q in tables)
        found["of"][f"e{round(100 * epsilon)}"] = {"epsilon": epsilon, "found": right}
    return found


def overestimation() -> dict:
    """The target of actions that are all worth 0, from noisy estimates: one network, and two."""
    draws, found = 50_000, {}
    for actions in (2, 4, 8, 16, 32):
        one, other = torch.randn(2, draws, actions, generator=generator(actions))
        nothing, never = torch.zeros(draws), torch.zeros(draws, dtype=torch.bool)
        single = double_q_target(nothing, one, one, never, 1.0)
        double = double_q_target(nothing, one, other, never, 1.0)
        found[f"a{actions}"] = {
            "actions": actions,
            "single": single.mean().item(),
            "double": double.mean().item(),
        }
    return {"draws": draws, "noise": 1.0, "of": found}


def baird(sweeps: int, x: Tensor, weight: Tensor, bootstrap: bool) -> list[float]:
    """The largest value of an updated state after each tenth of expected semi-gradient updates in Baird's
    star.

    Seven states; the target policy always goes to the last one; all rewards are 0, so all values are 0.

    Args:
        sweeps: how many.
        x: features of each state.
        weight: how often each state is updated.
        bootstrap: whether the target is gamma times the value of the next state; else the return, 0.
    """
    w, gamma, alpha, seen = torch.ones(x.shape[1], dtype=torch.float64), 0.99, 0.01, []
    w[-2] = 10.0 if x.shape[1] > 7 else 1.0
    for sweep in range(sweeps):
        value = x @ w
        target = gamma * value[-1].expand(7) if bootstrap else torch.zeros(7, dtype=torch.float64)
        w = w + alpha * ((weight * (target - value)) @ x)
        if (sweep + 1) % (sweeps // 10) == 0:
            seen.append((x @ w)[weight > 0].abs().max().item())
    return seen


def triad() -> dict:
    """Baird's star with approximation, bootstrapping and off-policy data together, and without each."""
    x = 2.0 * torch.eye(7, 8, dtype=torch.float64)
    x[:, 7] = 1
    x[6] = torch.tensor([0, 0, 0, 0, 0, 0, 1, 2.0])
    everywhere, last = torch.ones(7, dtype=torch.float64), torch.eye(7, dtype=torch.float64)[6]
    sweeps = 1000
    runs = {
        "all_three": (x, everywhere, True),
        "on_policy": (x, last, True),
        "tabular": (torch.eye(7, dtype=torch.float64), everywhere, True),
        "no_bootstrap": (x, everywhere, False),
    }
    return {"sweeps": sweeps, **{name: baird(sweeps, *how) for name, how in runs.items()}}


def limits() -> dict:
    """Values in a world without an end whose episodes are cut off after 20 steps: one right way, two wrong
    ones.

    State s pays s / 20 and leads to s + 1; state 20 pays 1 and stays. Episodes begin in state 0.
    """
    gamma, steps, sweeps = 0.95, 20, 20_000
    state = torch.arange(steps)
    truncated, never = state == steps - 1, torch.zeros(steps, dtype=torch.bool)
    exact = torch.zeros(steps + 1, dtype=torch.float64)
    exact[-1] = 1 / (1 - gamma)
    for s in reversed(range(steps)):
        exact[s] = s / steps + gamma * exact[s + 1]
    found: dict = {"gamma": gamma, "steps": steps, "exact": exact[0].item(), "late": exact[steps - 1].item()}
    for name in ("right", "as_an_end", "next_episode"):
        value = torch.zeros(steps + 1, dtype=torch.float64)
        value[-1] = exact[-1]  # known from elsewhere, as a network knows it from other episodes
        for _ in range(sweeps // steps):
            following = torch.where(truncated, value[0], value[1:])
            final = following if name == "next_episode" else value[1:]
            ends = truncated if name == "as_an_end" else never
            value[:-1] = td_target(state.double() / steps, following, final, ends, truncated, gamma)
        found[name] = {"first": value[0].item(), "late": value[steps - 1].item()}
    return found


def noise() -> dict:
    """The gradient of REINFORCE for one action in a state that pays about 10, with and without a baseline."""
    draws, logits = 20_000, torch.tensor([0.3, 0.0, -0.3], dtype=torch.float64)
    reward = torch.tensor([9.0, 10.0, 11.0], dtype=torch.float64)
    action = torch.multinomial(logits.softmax(0), draws, replacement=True, generator=generator(0))
    found: dict = {"draws": draws}
    for name, level in (("none", 0.0), ("mean", float(logits.softmax(0) @ reward))):
        # One row of logits for each draw, so that each has a gradient of its own; the loss is their mean.
        rows = logits.expand(draws, 3).clone().requires_grad_()
        log_p = rows.log_softmax(1).gather(1, action[:, None]).squeeze(1)
        loss = reinforce_loss(log_p, reward[action], torch.full((draws,), level, dtype=torch.float64))
        (each,) = torch.autograd.grad(loss, rows)
        each = -draws * each
        found[name] = {"mean": each.mean(0).tolist(), "deviation": each.std(0).norm().item()}
    return found


def policies() -> dict:
    """The two-state process for gamma = 0.7: exact values, and those of Q-learning for ten seeds."""
    world, learning = two_states(), Learning(gamma=0.7, alpha=0.1, epsilon=0.3, limit=200)
    exact = value_iteration(world, 0.7)
    tables = [control(world, "q-learning", 10, learning, seed) for seed in range(SEEDS)]
    errors = [(q - exact).abs().max().item() for q in tables]
    return {"q": exact.tolist(), "v": exact.amax(1).tolist(), "seeds": SEEDS, "error": spread(errors)}


def policies_of_bandits(rate: Tensor, scale: Tensor, is_normalised: bool = False) -> Tensor:
    """What the policies of many REINFORCE agents earn after 500 pulls of five arms, before any scaling.

    Args:
        rate: learning rate of each agent, (n, 1).
        scale: factor of all its rewards, (n, 1).
        is_normalised: whether its advantages are divided by the root mean square of its rewards so far.
    """
    source, logits = generator(0), torch.zeros(len(rate), len(ARMS))
    mean, square = torch.zeros(2, len(rate), 1)
    for step in range(1, 501):
        # 1. Each agent pulls one arm.
        policy = logits.softmax(1)
        arm = torch.multinomial(policy, 1, generator=source)
        reward = scale * (torch.rand(len(rate), 1, generator=source) < ARMS[arm]).float()
        # 2. The baseline is the mean of its earlier rewards.
        advantage = reward - mean
        mean = mean + (reward - mean) / step
        square = square + (reward.square() - square) / step
        if is_normalised:
            advantage = advantage / square.sqrt().clamp(min=1e-12)
        # 3. The gradient of log softmax is the arm as one-hot minus the policy.
        logits = logits + rate * advantage * (torch.zeros_like(policy).scatter(1, arm, 1.0) - policy)
    return logits.softmax(1) @ ARMS


def reward_scale() -> dict:
    """The same REINFORCE agent on five arms, with rewards times 0.01 to 100; 400 seeds each."""
    scales = (0.01, 0.1, 1.0, 10.0, 100.0)
    scale = torch.tensor(scales).repeat_interleave(AGENTS)[:, None]
    rate = torch.full_like(scale, 0.4)
    plain = policies_of_bandits(rate, scale).view(len(scales), AGENTS)
    normalised = policies_of_bandits(rate, scale, is_normalised=True).view(len(scales), AGENTS)
    found = {f"x{100 * s:.0f}": {"scale": s, "plain": spread(a.tolist()), "normalised": spread(b.tolist())}
             for s, a, b in zip(scales, plain, normalised, strict=True)}  # fmt: skip
    return {"rate": 0.4, "steps": 500, "seeds": AGENTS, "chance": ARMS.mean().item(), "of": found}


def seeds() -> dict:
    """Two REINFORCE agents with different learning rates: how often a few seeds prefer the worse one."""
    rates, pairs = (0.4, 1.6), 10_000
    rate = torch.tensor(rates).repeat_interleave(AGENTS)[:, None]
    slow, fast = policies_of_bandits(rate, torch.ones_like(rate)).view(2, AGENTS)
    better, worse = (slow, fast) if slow.mean() > fast.mean() else (fast, slow)
    source, wrong = generator(1), {}
    for n in (1, 3, 10, 30):
        one, other = torch.randint(AGENTS, (2, pairs, n), generator=source)
        wrong[f"n{n}"] = (better[one].mean(1) <= worse[other].mean(1)).float().mean().item()
    return {"rates": list(rates), "steps": 500, "seeds": AGENTS, "pairs": pairs,
            "slow": spread(slow.tolist()), "fast": spread(fast.tolist()), "wrong": wrong}  # fmt: skip
