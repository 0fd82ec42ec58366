"""Targets and losses of agents by hand; truncation is not termination."""

import math

import pytest
import torch
from torch import nn

from gradschool.models.policy.agents import ActorCritic, QNetwork, SoftActorCritic, TwinQ, WithTarget
from gradschool.rl.player import Player
from gradschool.rl.protocol import Continuous, Discrete, Step
from gradschool.rl.replay import Memory, Transitions
from gradschool.tasks.rl.agent import Stage
from gradschool.tasks.rl.dqn import DQN, Exploring, Learning
from gradschool.tasks.rl.on_policy import OnPolicy, Rewards
from gradschool.tasks.rl.policy_gradient import A2C, Reinforce
from gradschool.tasks.rl.ppo import PPO, Proximal
from gradschool.tasks.rl.pqn import PQN, Passes
from gradschool.tasks.rl.sac import SAC, Soft

GAMMA, LAM = 0.9, 0.8


class Corridor:
    """Two worlds whose observation counts steps: world 0 terminates after 3, world 1 is cut off after 3.

    A new episode begins at -5, so that it is seen who takes its first observation for the last one's end.
    """

    shape, limit, count = (1,), 3, 2

    def __init__(self, actions=None):
        self.actions = actions or Discrete(2)
        self.reset()

    def reset(self, generator=None):
        self.elapsed = torch.zeros(2)
        return self.look(self.elapsed)

    def look(self, elapsed):
        return torch.where(elapsed > 0, elapsed, torch.tensor(-5.0))[:, None]

    def step(self, actions):
        self.elapsed = self.elapsed + 1
        over, final = self.elapsed == 3, self.elapsed[:, None].clone()
        self.elapsed = self.elapsed.masked_fill(over, 0.0)
        first = torch.tensor([True, False])
        return Step(self.look(self.elapsed), torch.ones(2), over & first, over & ~first, final)

    def state(self):
        return {"elapsed": self.elapsed}

    def load(self, state):
        self.elapsed = state["elapsed"]

    def close(self):
        pass


class Valued(nn.Module):
    """A critic whose value of an observation is 10 times it; both actions are equally probable."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def act(self, observation):
        return torch.zeros(len(observation), 2) + self.weight

    def value(self, observation):
        return 10 * observation[..., 0]


def stage(actions=None):
    return Stage(Player(Corridor(actions)), lambda count, seed: Corridor(actions))


def advantages_by_hand(worth_at_the_end):
    """Of one episode of three steps that earn 1 each; states are worth -50, 10, 20."""
    values, later = [-50.0, 10.0, 20.0], 0.0
    following, found = [10.0, 20.0, worth_at_the_end], []
    for t in (2, 1, 0):
        later = 1 + GAMMA * following[t] - values[t] + GAMMA * LAM * later
        found.append(later)
    return found[::-1]


def test_a_time_limit_is_worth_its_final_observation():
    agent = OnPolicy(Valued(), stage(), Rewards(3, GAMMA, LAM))
    _, about = agent.collect()
    terminated, truncated = about["advantage"].unbind(1)
    torch.testing.assert_close(terminated, torch.tensor(advantages_by_hand(0.0)))
    torch.testing.assert_close(truncated, torch.tensor(advantages_by_hand(30.0)))
    # Both public mistakes give other numbers: truncated taken for terminated, the next episode's observation.
    for mistake in (0.0, -50.0):
        assert not torch.allclose(truncated, torch.tensor(advantages_by_hand(mistake)))


def test_a_rollout_that_is_cut_goes_on_with_the_value():
    agent = OnPolicy(Valued(), stage(), Rewards(2, GAMMA, 1.0))
    _, about = agent.collect()
    # Rewards of two steps, and what the state after them is worth.
    expected = 1 + GAMMA * 1 + GAMMA**2 * 20 - -50
    torch.testing.assert_close(about["advantage"][0], torch.full((2,), expected))


def test_reinforce_learns_from_whole_episodes_only():
    agent = Reinforce(Valued(), stage(), Rewards(4, GAMMA))
    played, about = agent.collect()
    returns, counted = agent.returns(played, about)
    assert counted[:, 0].tolist() == [True, True, True, False]
    torch.testing.assert_close(returns[:3, 0], torch.tensor([1 + GAMMA + GAMMA**2, 1 + GAMMA, 1.0]))


def test_a2c_learns_from_all():
    agent = A2C(Valued(), stage(), Rewards(4, GAMMA, 1.0))
    played, about = agent.collect()
    returns, counted = agent.returns(played, about)
    assert counted.all()
    torch.testing.assert_close(returns[2], torch.tensor([1.0, 1 + GAMMA * 30]))


class Values(nn.Module):
    """Action values: x and -x, times a weight."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, observation):
        return self.weight * torch.cat((observation, -observation), -1)


def transitions(later, terminated):
    n = len(later)
    return Transitions(
        torch.ones(n, 1), torch.zeros(n, dtype=torch.int64), torch.full((n,), 2.0),
        torch.tensor(later)[:, None],
        torch.tensor(terminated), torch.full((n,), GAMMA), torch.ones(n), torch.arange(n),
    )  # fmt: skip


@pytest.mark.parametrize(("double", "expected"), [(False, 3.0), (True, -3.0)])
def test_the_target_of_dqn(double, expected):
    # The network that learns prefers another action than the target network, which values it at -3.
    model = WithTarget(Values(-1.0), Values(0.5))
    model.target.weight.data.fill_(1.0)
    how = Learning(1, 1, double=double)
    agent = DQN(model, stage(), Memory(100, GAMMA), how, Exploring())
    target = agent.target(transitions([3.0, 3.0], [False, True]))
    torch.testing.assert_close(target, torch.tensor([2 + GAMMA * expected, 2.0]))


def test_the_loss_of_dqn_is_weighted_huber():
    model = WithTarget(Values(1.0), Values(1.0))
    agent = DQN(model, stage(), Memory(100, GAMMA), Learning(1, 1), Exploring())
    batch = transitions([3.0, 3.0], [True, True])._replace(
        reward=torch.tensor([1.5, 4.0]), weight=torch.tensor([1.0, 0.5])
    )
    # Errors 0.5 and 3: quadratic below 1, linear above.
    loss = agent.loss(tuple(batch))["loss"]
    assert loss.item() == pytest.approx((0.5 * 0.5**2 + 0.5 * 2.5) / 2)
    torch.testing.assert_close(agent.error, torch.tensor([0.5, 3.0]))


def test_exploration_falls_in_a_line_and_stays():
    exploring = Exploring(1.0, 0.2, 0.5)
    assert [exploring.at(p) for p in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([1.0, 0.6, 0.2, 0.2])


def test_the_target_network_follows():
    model = WithTarget(Values(1.0), Values(0.0))
    assert model.target.weight == 1.0 and not model.target.weight.requires_grad
    model.online.weight.data.fill_(3.0)
    model.follow(0.25)
    assert model.target.weight.item() == pytest.approx(1.5)


def test_pqn_bootstraps_from_the_final_observation():
    agent = PQN(Values(1.0), stage(), Rewards(3, GAMMA, 0.0), Passes(), Exploring())
    _, _, target = agent.collect(0.0)
    # The best of x and -x is worth |x|: 1, 2, then 3 where the time limit cut, nothing where it terminated.
    torch.testing.assert_close(target[:, 0], torch.tensor([1 + GAMMA, 1 + 2 * GAMMA, 1.0]))
    torch.testing.assert_close(target[:, 1], torch.tensor([1 + GAMMA, 1 + 2 * GAMMA, 1 + 3 * GAMMA]))


def test_the_loss_of_ppo_at_the_old_policy():
    torch.manual_seed(0)
    agent = PPO(ActorCritic((1,), 2, False, (8,)), stage(), Rewards(8), Proximal(value=0.5, entropy=0.1))
    observation, action = torch.randn(20, 1), torch.randint(2, (20,))
    with torch.no_grad():
        logits, value = agent.agent(observation)
        old = logits.log_softmax(-1).gather(1, action[:, None]).squeeze(1)
    advantage, target = torch.randn(20), torch.randn(20)
    found = agent.loss((observation, action, old, advantage, target))
    probability = logits.softmax(-1)
    entropy = -(probability * probability.log()).sum(-1).mean()
    # Ratios are 1, and normalised advantages have mean 0.
    assert found["policy"].item() == pytest.approx(0.0, abs=1e-6)
    assert found["kl"].item() == pytest.approx(0.0, abs=1e-6) and found["clipped"] == 0
    critic = 0.5 * (value - target).square().mean()
    torch.testing.assert_close(found["loss"], 0.5 * critic - 0.1 * entropy, atol=1e-6, rtol=1e-5)


def soft(scale=1.0):
    torch.manual_seed(0)
    bounds = Continuous(torch.tensor([-2.0]), torch.tensor([4.0]))
    model = SoftActorCritic((1,), 1, (8,))
    return SAC(model, stage(bounds), Memory(100, GAMMA), Soft(1, 1, scale=scale))


def test_actions_of_sac_lie_within_the_bounds():
    agent = soft()
    action, _ = agent.drawn(torch.randn(500, 1))
    assert action.abs().max() <= 1
    best = agent.best(100 * torch.randn(500, 1))
    assert best.min() >= -2 and best.max() <= 4


def test_the_target_of_sac_is_soft_and_stops_at_the_end():
    agent = soft()
    batch = transitions([3.0, 3.0], [False, True])._replace(action=torch.zeros(2, 1))
    critic, temperature = agent.parts["critic"], agent.parts["temperature"]().item()
    torch.manual_seed(1)
    action, log_prob = agent.drawn(batch.later)
    soft_value = critic.target(batch.later, action).amin(0) - temperature * log_prob
    target = torch.stack((2 + GAMMA * soft_value[0], torch.tensor(2.0))).detach()
    q = critic(batch.observation, batch.action)
    torch.manual_seed(1)
    expected = 0.5 * ((q[0] - target).square().mean() + (q[1] - target).square().mean())
    torch.testing.assert_close(agent.critic_loss(tuple(batch))["loss"], expected)


def test_the_actor_of_sac_does_not_teach_the_critics():
    agent = soft()
    agent.actor_loss((torch.randn(10, 1),))["loss"].backward()
    assert all(p.grad is None for p in agent.parts["critic"].parameters())
    assert all(p.grad is not None for p in agent.parts["actor"].parameters())
    assert all(p.requires_grad for p in agent.parts["critic"].online.parameters())


def test_the_temperature_rises_while_entropy_is_missing():
    agent = soft()
    for log_prob, sign in ((3.0, -1), (-3.0, 1)):  # log-probability 3: entropy -3, less than the -1 wanted
        temperature = agent.parts["temperature"]
        temperature.zero_grad()
        agent.temperature_loss((torch.full((5,), log_prob),))["loss"].backward()
        assert math.copysign(1, temperature.log.grad.item()) == sign


def test_twin_critics_are_two_networks():
    torch.manual_seed(0)
    twin = TwinQ((3,), 2, (8, 8))
    observation, action = torch.randn(5, 3), torch.randn(5, 2)
    for i in range(2):
        x = torch.cat((observation, action), -1)
        for k, (weight, bias) in enumerate(zip(twin.weights, twin.biases, strict=True)):
            x = (x.relu() if k else x) @ weight[i] + bias[i]
        torch.testing.assert_close(twin(observation, action)[i], x.squeeze(-1))


def test_dueling_values_have_the_mean_of_the_state():
    torch.manual_seed(0)
    network = QNetwork((3,), 4, (8,), duel=True)
    x = torch.randn(6, 3)
    torch.testing.assert_close(network(x).mean(-1), network.value(network.body(x)).squeeze(-1))
