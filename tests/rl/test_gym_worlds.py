"""Environments of Gymnasium as worlds: ends, final observations, checkpoints, and whatever can go wrong."""

import warnings

import numpy as np
import pytest
import torch

from gradschool.errors import UserError, WorkFailed
from gradschool.rl.gym import GymWorld
from gradschool.rl.protocol import Continuous, Discrete
from gradschool.rl.vector import VectorWorld
from gradschool.rl.world import discrete, make

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")
Box, Choice = gymnasium.spaces.Box, gymnasium.spaces.Discrete


class Counting(gymnasium.Env):
    """Sees (episode, step); action 1 terminates it at step 3, else step 5 truncates it."""

    observation_space = Box(0, 1_000, (2,), np.float32)
    action_space = Choice(2)
    episode, wrong = 0, None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.time = self.episode + 1, 0
        return self.look(), {}

    def look(self):
        return np.array([self.episode, self.time], np.float32)

    def step(self, action):
        self.time += 1
        if self.time == 2 and self.wrong == "raises":
            raise ZeroDivisionError("division by zero")
        seen, reward = self.look(), float(action)
        if self.wrong == "nan":
            seen[1] = np.nan
        if self.wrong == "reward":
            reward = float("inf")
        if self.wrong == "shape":
            seen = seen[:1]
        if self.wrong == "words":
            seen = "a word"
        if self.wrong == "none":
            reward = None
        if self.wrong == "ends":
            return seen, reward, np.zeros(2, bool), False, {}
        if self.wrong == "four":
            return seen, reward, False, {}
        over = self.wrong != "endless"
        return seen, reward, over and bool(action) and self.time >= 3, over and self.time >= 5, {}


def single(count):
    return GymWorld("Counting", Counting, count, 0)


def vector(mode, kind=gymnasium.vector.SyncVectorEnv):
    return lambda count: VectorWorld(kind([Counting] * count, autoreset_mode=mode), 0)


MODES = gymnasium.vector.AutoresetMode
WAYS = {"plain": single} | {mode.name: vector(mode) for mode in MODES}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_reset_gives_the_same_steps(way):
    """Copies end at different times: two that act 1 at first and later, one that is always cut off."""
    world, time, episode = WAYS[way](3), [0] * 3, [2] * 3
    assert world.reset().tolist() == [[2, 0]] * 3  # the first reset was made with the world
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        actions = torch.randint(2, (3,), generator=generator)
        actions[2] = 0
        step = world.step(actions)
        for i, act in enumerate(actions.tolist()):
            time[i] += 1
            terminated = bool(act) and time[i] >= 3
            truncated = time[i] >= 5 and not terminated
            assert step.final[i].tolist() == [episode[i], time[i]]
            assert step.reward[i] == act
            assert (step.terminated[i].item(), step.truncated[i].item()) == (terminated, truncated)
            if terminated or truncated:
                episode[i], time[i] = episode[i] + 1, 0
            assert step.observation[i].tolist() == [episode[i], time[i]]
    world.close()


@pytest.mark.parametrize("mode", MODES)
def test_copies_in_processes(mode):
    world = vector(mode, gymnasium.vector.AsyncVectorEnv)(2)
    for time in range(1, 6):
        step = world.step(torch.zeros(2, dtype=torch.int64))
        assert step.final.tolist() == [[1, time]] * 2
    assert step.truncated.all() and step.observation.tolist() == [[2, 0]] * 2
    world.close()


def test_a_vector_environment_that_resets_all_is_refused():
    world = VectorWorld(gymnasium.make_vec("CartPole-v1", 4, "vector_entry_point"), 0, "CartPole")
    with pytest.raises(UserError, match="CartPole resets all of its copies when one has ended"):
        for _ in range(200):
            world.step(torch.tensor([0, 1, 0, 1]))


@pytest.mark.parametrize("name", ["CartPole-v1", "Pendulum-v1", "FrozenLake-v1"])
def test_a_resumed_world_goes_on_bit_by_bit(name):
    """FrozenLake slips by chance, from the seed of the episode; its cells are seen as one-hot."""
    world, generator = make(name, 3, 1), torch.Generator().manual_seed(0)

    def acts(n):
        if isinstance(world.actions, Discrete):
            return torch.randint(world.actions.n, (n, 3), generator=generator)
        return 4 * torch.rand(n, 3, 1, generator=generator) - 2

    for action in acts(33):
        world.step(action)
    saved = {key: value.clone() for key, value in world.state().items()}
    later = acts(50)
    steps = [world.step(action) for action in later]
    other = make(name, 3, 2)
    other.load(saved)
    for one, action in zip(steps, later, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(one, other.step(action), strict=True))


def test_randomness_that_no_seed_fixes_is_counted():
    class Loose(Counting):
        def look(self):
            return np.random.default_rng().random(2).astype(np.float32)

    world = GymWorld("Loose", Loose, 2, 0)
    world.step(torch.tensor([0, 0]))
    with pytest.warns(UserWarning, match="Loose is not the same under the same seed: 2 episodes began anew"):
        world.load(world.state())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        world.step(torch.tensor([0, 0]))


SENTENCES = {
    "nan": "an observation of Counting holds 1 NaN or infinite number; wanted: finite numbers",
    "words": "an observation of Counting cannot be read: ValueError: .*; wanted: one of its",
    "none": "Counting gave None for the reward .*; wanted: a number and two truth values",
    "ends": "Counting gave 0.0 for the reward and .* for the ends; wanted: a number and two truth values",
    "reward": "Counting gave the reward inf; wanted: a finite number",
    "shape": r"an observation of Counting has the shape \(1,\); wanted: \(2,\)",
    "raises": "step of Counting raised ZeroDivisionError: division by zero",
    "four": "step of Counting returned 4 things; wanted: 5",
    "endless": "an episode of Counting has not ended after 50 steps; wanted: one that terminates",
}


@pytest.mark.parametrize("wrong", SENTENCES)
def test_what_goes_wrong_is_one_sentence(wrong, monkeypatch):
    monkeypatch.setattr(Counting, "wrong", wrong)
    monkeypatch.setattr("gradschool.rl.gym.LONGEST", 50)
    world = single(2)
    with pytest.raises(WorkFailed, match=SENTENCES[wrong]) as caught:
        for _ in range(60):
            world.step(torch.tensor([0, 0]))
    assert "\n" not in str(caught.value)


def test_spaces():
    space = gymnasium.spaces.Dict({"a": Choice(3), "b": Box(-1, 1, (2,))})
    cases = [
        (Choice(4), (4,), 2, [0, 0, 1, 0]),
        (space, (5,), {"a": 1, "b": np.array([0.5, -0.5])}, [0, 1, 0, 0.5, -0.5]),
    ]
    for kind, shape, value, wanted in cases:
        world = make_with(observation_space=kind)
        assert world.shape == shape and world.read(value).tolist() == wanted
    world = make_with(action_space=Choice(3, start=2))
    assert world.actions == Discrete(3) and world.write(np.int64(0)) == 2
    world = make_with(action_space=Box(-2, 2, (1, 2)))
    assert isinstance(world.actions, Continuous) and world.actions.low.tolist() == [-2, -2]
    assert world.write(np.zeros(2, np.float32)).shape == (1, 2)
    with pytest.raises(
        UserError, match="an action in it is 2 real numbers; wanted: a choice, for a DQN agent"
    ):
        discrete(world, "it", "a DQN agent")
    assert discrete(make("acrobot", 1, 0), "acrobot", "a DQN agent") == 3
    with pytest.raises(UserError, match="an action of Made is a Box without bounds"):
        make_with(action_space=Box(-np.inf, np.inf, (2,)))
    with pytest.raises(UserError, match="an action of Made is a MultiDiscrete; wanted: Discrete"):
        make_with(action_space=gymnasium.spaces.MultiDiscrete([2, 3]))
    with pytest.raises(UserError, match="an observation of Made is a Sequence of no fixed size"):
        make_with(observation_space=gymnasium.spaces.Sequence(Choice(2)))


def test_a_single_number_is_seen_as_one_of_a_row():
    world = make_with(observation_space=Box(-1, 1, ()))
    assert world.shape == (1,) and world.seen.shape == (1, 1)


def test_shares_are_not_made_into_bytes():
    """A picture of floats between 0 and 1 would become black."""
    world = make_with(observation_space=Box(0, 255, (10, 10, 3), np.uint8))
    assert world.seen.dtype == np.uint8 and world.seen.max() > 100
    with pytest.raises(WorkFailed, match="its numbers are float64 and not uint8; wanted: one of its"):
        world.checked(np.random.default_rng(0).random((10, 10, 3)))


def test_an_ended_episode_can_wait_for_its_reset():
    world = single(2)
    world.autoreset = False
    for _ in range(2):
        world.step(torch.tensor([1, 0]))
    step = world.step(torch.tensor([1, 0]))
    assert step.terminated.tolist() == [True, False] and torch.equal(step.observation, step.final)
    assert world.reset()[:, 1].tolist() == [0, 0]


def make_with(**spaces):
    """A world of one copy with other spaces; it is not stepped."""

    class Still(Counting):
        def look(self):
            return self.observation_space.sample()

    for name, space in spaces.items():
        setattr(Still, name, space)
    return GymWorld("Made", Still, 1, 0)
