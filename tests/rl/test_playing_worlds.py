"""Players and rollouts on a counting world whose every number is known."""

import torch

from gradschool.rl.player import Player, returns_of
from gradschool.rl.protocol import Discrete, Step
from gradschool.rl.rollout import rollout


class Counting:
    """World i terminates after i + 2 steps, except world 0, which a time limit cuts off after 3; every step
    earns its number. The observation counts the steps of the episode.
    """

    shape, actions, limit = (1,), Discrete(2), None

    def __init__(self, count):
        self.count = count
        self.reset()

    def reset(self, generator=None):
        self.elapsed = torch.zeros(self.count)
        return self.elapsed[:, None].clone()

    def step(self, actions):
        self.elapsed = self.elapsed + 1
        number = torch.arange(self.count)
        terminated = (self.elapsed == number + 2) & (number > 0)
        truncated = (self.elapsed == 3) & (number == 0)
        final, reward = self.elapsed[:, None].clone(), self.elapsed.clone()
        self.elapsed = self.elapsed.masked_fill(terminated | truncated, 0.0)
        return Step(self.elapsed[:, None].clone(), reward, terminated, truncated, final)

    def state(self):
        return {"elapsed": self.elapsed}

    def load(self, state):
        self.elapsed = state["elapsed"]

    def close(self):
        pass


def still(observation):
    return torch.zeros(len(observation), dtype=torch.int64)


def test_a_rollout_holds_what_was_seen_before_and_after_each_step():
    played = rollout(Player(Counting(2)), 4, still)
    assert played.observation[:, :, 0].tolist() == [[0, 0], [1, 1], [2, 2], [0, 0]]
    assert played.final[:, :, 0].tolist() == [[1, 1], [2, 2], [3, 3], [1, 1]]
    assert played.reward.tolist() == [[1, 1], [2, 2], [3, 3], [1, 1]]
    assert played.truncated[:, 0].tolist() == [False, False, True, False]
    assert played.terminated[:, 1].tolist() == [False, False, True, False]
    assert played.ended[2].all() and played.ended.sum() == 2


def test_a_player_counts_its_last_episodes():
    player = Player(Counting(3))
    assert player.recent() == {}
    rollout(player, 3, still)
    found = player.recent()
    assert found["return"] == 6 and found["length"] == 3  # worlds 0 and 1: 1 + 2 + 3
    rollout(player, 1, still)
    assert torch.allclose(player.recent()["return"], torch.tensor((6 + 6 + 10) / 3))


def test_a_player_plays_on_where_it_was():
    one, two = Player(Counting(3)), Player(Counting(3))
    rollout(one, 5, still)
    two.load({name: value.clone() for name, value in one.state().items()})
    for a, b in zip(rollout(one, 4, still), rollout(two, 4, still), strict=True):
        assert torch.equal(a, b)
    assert one.recent() == two.recent()


def test_test_episodes_are_one_for_each_world():
    returns, lengths = returns_of(Counting(3), still, 100)
    assert returns.tolist() == [6, 6, 10] and lengths.tolist() == [3, 3, 4]
    returns, lengths = returns_of(Counting(3), still, 2)
    assert returns.tolist() == [3, 3, 3] and lengths.tolist() == [2, 2, 2]
