"""Super Mario Bros. through a stand-in of the same interface: old and new Gym, lives, pictures, absence."""

import importlib.machinery
import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from gradschool.errors import UserError
from gradschool.evals.rl.film import Film
from gradschool.rl.consoles import OldStyle
from gradschool.rl.protocol import Discrete, Thought
from gradschool.rl.world import make

pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")

MOVES = [["NOOP"], ["right"], ["right", "A"]]


class Console:
    """A screen of 240 x 256 whose brightness is the time; three lives of 20 frames each, one reward a frame.

    It has the interface of old Gym: its spaces are no spaces of Gymnasium, `reset` returns a picture alone,
    and every picture lies in the same memory.
    """

    observation_space = SimpleNamespace(shape=(240, 256, 3), dtype=np.uint8)
    action_space = SimpleNamespace(n=256)
    closed = 0

    def __init__(self):
        self.screen, self.acts = np.zeros((240, 256, 3), np.uint8), []

    @property
    def unwrapped(self):
        return self

    def reset(self):
        self.time = 0
        self.screen[:] = 0
        return self.screen

    def step(self, action):
        self.time += 1
        self.acts.append(action)
        self.screen[:] = 4 * self.time
        return self.screen, 1.0, self.time == 60, {"life": 2 - self.time // 20}

    def close(self):
        Console.closed += 1


class Joypad:
    """As nes_py's wrapper: a few combinations of buttons in place of 256."""

    def __init__(self, env, moves):
        self.env, self.moves = env, moves
        self.observation_space, self.action_space = env.observation_space, SimpleNamespace(n=len(moves))

    def get_action_meanings(self):
        return [" ".join(move) for move in self.moves]

    def reset(self):
        return self.env.reset()

    def step(self, action):
        return self.env.step(action)

    def close(self):
        self.env.close()


@pytest.fixture
def package(monkeypatch):
    """What `make` finds when the packages are installed."""

    def module(name, **content):
        made = ModuleType(name)
        made.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        made.__path__ = []
        vars(made).update(content)
        monkeypatch.setitem(sys.modules, name, made)

    def known(name):
        if name != "SuperMarioBros-1-1-v0":
            raise KeyError(f"no registered env with id: {name}")
        return Console()

    module("gym_super_mario_bros", make=known)
    module("gym_super_mario_bros.actions", SIMPLE_MOVEMENT=MOVES)
    module("nes_py")
    module("nes_py.wrappers", JoypadSpace=Joypad)


def test_a_game_is_seen_as_atari_games_are(package):
    world = make("SuperMarioBros-1-1-v0", 2, 0)
    assert world.shape == (4, 84, 84) and world.actions == Discrete(3)
    assert world.names == ("nothing", "right", "right a")
    inner = world.envs[0].env.env.env
    waited = inner.time
    assert 1 <= waited <= 30, "a game starts after some frames without an action"
    step = world.step(torch.tensor([2, 1]))
    assert inner.acts[waited : waited + 4] == [2] * 4, "an action is held for four frames"
    assert step.reward.tolist() == [1, 1], "cut to one size"
    # The mean of a grey screen is its brightness; the newest picture is the last.
    assert step.final[0, -1].float().mean() == 4 * (waited + 4)
    assert step.final[0, 0].float().mean() == 4 * waited


def test_a_lost_life_ends_an_episode_and_the_game_goes_on(package):
    world = make("SuperMarioBros-1-1-v0", 1, 0)
    inner = world.envs[0].env.env.env
    ends = []
    for _ in range(30):
        before = inner.time
        if world.step(torch.tensor([1])).terminated[0]:
            ends.append((before, inner.time))
    assert any(after > before for before, after in ends), "after the loss of a life"
    assert any(after < before for before, after in ends), "after the end of the game"
    tested = make("SuperMarioBros-1-1-v0", 1, 0, training=False)
    tested.envs[0].env.env.env.time = 0
    steps = [tested.step(torch.tensor([0])) for _ in range(15)]
    assert [bool(step.terminated) for step in steps] == [False] * 14 + [True]
    assert steps[0].reward.item() == 4, "scores are as they are"


def test_a_game_goes_on_from_a_checkpoint(package):
    worlds = [make("SuperMarioBros-1-1-v0", 1, seed) for seed in (0, 1)]
    for _ in range(7):
        worlds[0].step(torch.tensor([1]))
    worlds[1].load({name: value.clone() for name, value in worlds[0].state().items()})
    for _ in range(12):
        pair = [world.step(torch.tensor([2])) for world in worlds]
        assert all(torch.equal(one, two) for one, two in zip(*pair, strict=True))


def test_a_film_shows_the_screen(package, tmp_path):
    world = make("SuperMarioBros-1-1-v0", 1, 0, training=False, render=True)
    film = Film(tmp_path / "film.gif")

    def think(observation, earned):
        return Thought(torch.tensor([1]), torch.tensor([[0.1, 0.7, 0.2]]), "probability", torch.zeros(1))

    _, steps = film.episode(world, think)
    assert film.save().is_file()
    red = int(np.asarray(film.frames[-1].convert("RGB"))[150, 100, 0])
    assert red == pytest.approx(4 * 60, abs=16)
    assert steps <= 15


def test_both_interfaces_are_read_alike():
    class New(Console):
        def reset(self):
            return super().reset(), {"life": 2}

        def step(self, action):
            seen, reward, done, info = super().step(action)
            return seen, reward, done, False, info

    class Cut(Console):
        def step(self, action):
            seen, reward, _, info = super().step(action)
            return seen, reward, self.time == 2, info | {"TimeLimit.truncated": True}

    for kind in (Console, New):
        env = OldStyle(kind())
        seen, info = env.reset(seed=3)
        assert info == ({} if kind is Console else {"life": 2, "lives": 2})
        first = env.step(1)
        assert first[1:4] == (1.0, False, False) and first[4]["lives"] == 2
        env.step(1)
        assert seen.max() == 0 and first[0].max() == 4, "pictures are copies"
        ends = [env.step(0)[2:4] for _ in range(58)]
        assert ends == [(False, False)] * 57 + [(True, False)]
    env = OldStyle(Cut())
    env.reset()
    assert [env.step(0)[2:4] for _ in range(2)] == [(False, False), (False, True)]


def test_what_is_absent_is_one_sentence(package, monkeypatch):
    with pytest.raises(UserError, match=r"SuperMarioBros-9-9-v0 cannot be made: KeyError: .*no reg"):
        make("SuperMarioBros-9-9-v0", 1, 0)
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "nes_py" else real(name))
    with pytest.raises(UserError, match=r"gym-super-mario-bros is not installed, .* Run: pip install"):
        make("SuperMarioBros-1-1-v0", 1, 0)
