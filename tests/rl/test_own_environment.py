"""An environment from a file of one's own, and names that lead nowhere."""

import pytest
import torch

from gradschool.errors import UserError
from gradschool.rl.world import make

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")

GOOD = """
import gymnasium
import numpy as np

class Walk(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-10, 10, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = self.np_random.uniform(-1, 1)
        return self.look(), {}

    def look(self):
        return np.array([self.at], np.float32)

    def step(self, action):
        self.at += 2 * int(action) - 1
        return self.look(), -1.0, abs(self.at) > 4, False, {}

class Wrong(Walk):
    def look(self):
        return np.array([self.at, 0], np.float32)
"""


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "my_walk.py"
    place.write_text(GOOD, encoding="utf-8")
    return place


def test_it_is_a_world(file):
    world = make(f"{file}:Walk", 2, 0)
    assert world.shape == (1,) and world.actions.n == 2 and world.limit is None
    ends = [world.step(torch.tensor([1, 0])).terminated.tolist() for _ in range(5)]
    assert all(any(end[i] for end in ends) for i in range(2))


def test_it_is_checked_first(file):
    with pytest.raises(UserError, match=r"my_walk.py:Wrong does not pass Gymnasium's checker: ") as caught:
        make(f"{file}:Wrong", 2, 0)
    assert "\n" not in str(caught.value)


def test_what_is_not_there(file, tmp_path):
    with pytest.raises(UserError, match=r"my_walk.py has no class 'Wlak'; wanted: one of: Walk, Wrong"):
        make(f"{file}:Wlak", 1, 0)
    with pytest.raises(UserError, match=r"there is no file nothing.py; wanted: a Python file with a class"):
        make("nothing.py:Walk", 1, 0)
    broken = tmp_path / "broken_walk.py"
    broken.write_text("1 / 0", encoding="utf-8")
    with pytest.raises(UserError, match=r"broken_walk.py cannot be loaded: ZeroDivisionError"):
        make(f"{broken}:Walk", 1, 0)
    with pytest.raises(UserError, match=r"there is no world 'CartPol-v1'.*Did you mean CartPole-v1"):
        make("CartPol-v1", 1, 0)


def test_gymnasium_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"gymnasium is not installed, and the world CartPole-v1 needs it"):
        make("CartPole-v1", 1, 0)
    with pytest.raises(UserError, match=r"there is no world 'pendulun'.*Did you mean pendulum"):
        make("pendulun", 1, 0)


def test_a_drawing(tmp_path):
    file = tmp_path / "grid.txt"
    file.write_text("S.\n.G\n", encoding="utf-8")
    world = make(str(file), 1, 0)
    assert world.shape == (4,) and world.step(torch.tensor([1])).observation.argmax() == 1
