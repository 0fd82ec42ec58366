"""Logged play, imitation and the decision transformer: what is a log, what is seen, what is told."""

import pytest
import torch

from gradschool.errors import UserError
from gradschool.models.policy.agents import ActorCritic
from gradschool.models.policy.decision import DecisionTransformer
from gradschool.rl.logged import Logged, logged
from gradschool.rl.player import Player, returns_of
from gradschool.rl.rules import RULES
from gradschool.rl.world import make
from gradschool.tasks.rl.agent import Stage
from gradschool.tasks.rl.offline import Cloning, Deciding, Decision


def stage():
    return Stage(Player(make("cartpole", 1, 0)), lambda count, seed: make("cartpole", count, seed))


@pytest.mark.parametrize(("env", "least"), [("cartpole", 500.0), ("mountain_car", -130.0)])
def test_hand_written_players_are_good(env, least):
    world = make(env, 20, 3)
    returns, _ = returns_of(world, RULES[env], world.limit)
    assert returns.mean() >= least


def test_a_log_is_what_was_played():
    log = logged("cartpole", 6, 1, mistakes=1.0)
    # CartPole earns 1 a step, and its return is the length.
    assert torch.equal(log.returns, log.lengths.float()) and log.returns[0] == 500
    assert log.returns[-1] < 100, "the last player moves at random"
    for episode, length in enumerate(log.lengths.tolist()):
        assert log.valid[episode, :length].all() and not log.valid[episode, length:].any()
        assert log.to_go[episode, :length].tolist() == list(range(length, 0, -1))
    again = logged("cartpole", 6, 1, mistakes=1.0)
    assert torch.equal(log.action, again.action) and torch.equal(log.observation, again.observation)


def test_nobody_plays_what_has_no_player():
    with pytest.raises(UserError, match="no hand-written player of pendulum"):
        logged("pendulum", 2, 0, 0.0)


def by_hand():
    """Two episodes of 3 and 2 steps that count their steps."""
    observation = torch.tensor([[10.0, 11, 12], [20, 21, 0]])[..., None].expand(2, 3, 4)
    valid = torch.tensor([[True, True, True], [True, True, False]])
    to_go = torch.tensor([[3.0, 2, 1], [2, 1, 0]])
    return Logged(observation, torch.tensor([[0, 1, 0], [1, 1, 0]]), valid.float(), to_go, valid)


def test_imitation_learns_from_valid_steps_alone():
    agent = Cloning(ActorCritic((4,), 2, False, (8,)), stage(), by_hand(), 64)
    observation, action, to_go = agent.columns
    assert observation[:, 0].tolist() == [10, 11, 12, 20, 21]
    assert action.tolist() == [0, 1, 0, 1, 1] and to_go.tolist() == [3, 2, 1, 2, 1]


def test_windows_are_steps_in_a_row_of_one_episode():
    model = DecisionTransformer((4,), 2, width=8, depth=1, heads=2)
    agent = Decision(model, stage(), by_hand(), Deciding(2, 3.0, 200))
    observation, action, to_go, valid = agent.windows()
    seen = {tuple(row) for row in observation[..., 0].masked_fill(~valid, -1).tolist()}
    assert seen == {(10, 11), (11, 12), (12, -1), (20, 21), (21, -1)}
    assert valid[:, 0].all()
    # What is told is the share of the largest return that was still to come.
    at_start = observation[:, 0, 0] == 10
    assert torch.allclose(to_go[at_start], torch.tensor([1.0, 2 / 3]))
    assert action[at_start].tolist() == [[0, 1]] * int(at_start.sum())


def test_an_action_is_predicted_from_what_came_before_it():
    torch.manual_seed(0)
    model = DecisionTransformer((4,), 3, width=16, depth=2, heads=2).double()
    to_go, seen = torch.rand(1, 5, dtype=torch.float64), torch.rand(1, 5, 4, dtype=torch.float64)
    done = torch.tensor([[0, 1, 2, 0, 1]])
    before = model(to_go, seen, done)
    assert before.shape == (1, 5, 3)
    # Another action at step 2 changes only what is predicted later; another observation also step 2 itself.
    other = done.clone()
    other[0, 2] = 0
    changed = (model(to_go, seen, other) - before).abs().sum(-1)[0]
    assert (changed[:3] < 1e-12).all() and (changed[3:] > 1e-9).all()
    moved = seen.clone()
    moved[0, 2] += 1
    changed = (model(to_go, moved, done) - before).abs().sum(-1)[0]
    assert (changed[:2] < 1e-12).all() and (changed[2:] > 1e-9).all()


class Obedient(torch.nn.Module):
    """Writes down what it is told, and always pushes to the right."""

    def __init__(self):
        super().__init__()
        self.told = []

    def forward(self, to_go, observation, action):
        self.told.append((to_go.clone(), observation.clone(), action.clone()))
        return torch.tensor([0.0, 1.0]).expand(*action.shape, 2)


def test_what_was_earned_is_no_longer_wanted():
    model = Obedient()
    log = logged("cartpole", 2, 0, 0.0)
    agent = Decision(model, stage(), log, Deciding(3, 50.0, 4))
    returns, lengths = agent.tested(make("cartpole", 1, 0))
    # A pole that is always pushed to one side falls soon.
    assert returns == lengths and returns < 15
    told = [to_go[0].mul(agent.scale).round().tolist() for to_go, _, _ in model.told]
    assert told[:4] == [[50], [50, 49], [50, 49, 48], [49, 48, 47]]
    # The actions that were taken are told, and the last one, which is asked for, is not.
    assert model.told[3][2].tolist() == [[1, 1, 0]]
    assert torch.equal(model.told[3][1][:, :2], model.told[2][1][:, 1:])
