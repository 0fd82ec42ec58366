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
    with pytest.raises(UserError, match=r"my_walk.py names a file and no class; wanted: one of: Walk, Wrong"):
        make(str(file), 1, 0)
    texts = {"1 / 0": "ZeroDivisionError", "def (": "SyntaxError", "raise SystemExit(3)": "SystemExit: 3"}
    for i, (text, said) in enumerate(texts.items()):
        broken = tmp_path / f"broken_{i}.py"
        broken.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=rf"broken_{i}.py cannot be loaded: {said}") as caught:
            make(f"{broken}:Walk", 1, 0)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"there is no world 'CartPol-v1'.*Did you mean CartPole-v1"):
        make("CartPol-v1", 1, 0)
    with pytest.raises(UserError, match=r"LunarLander-v2 cannot be made: DeprecatedEnv: .*LunarLander-v3"):
        make("LunarLander-v2", 1, 0)
    with pytest.raises(UserError, match=r"no_such_module:Walk-v0 cannot be made: ModuleNotFoundError"):
        make("no_such_module:Walk-v0", 1, 0)


def test_box2d_missing(monkeypatch):
    def absent(name, **options):
        raise gymnasium.error.DependencyNotInstalled("Box2D is not installed, you can install it by run ...")

    monkeypatch.setattr(gymnasium, "make", absent)
    monkeypatch.setattr("gradschool.rl.named.is_installed", lambda part: False)
    with pytest.raises(UserError, match=r"LunarLander-v3 cannot be made: Box2D is not installed. Run: .* rl"):
        make("LunarLander-v3", 1, 0)
    monkeypatch.setattr("gradschool.rl.named.is_installed", lambda part: True)
    with pytest.raises(UserError, match=r"Box2D is not installed. Install that, and try again"):
        make("LunarLander-v3", 1, 0)


def test_a_class_that_draws_itself_and_one_that_takes_no_mode(file):
    """`render_mode` is given to a class that takes it, and to no other."""
    text = "\nclass Drawn(Walk):\n    def __init__(self, render_mode=None):\n        self.mode = render_mode"
    file.write_text(GOOD + text, encoding="utf-8")
    assert make(f"{file}:Drawn", 1, 0, render=True).envs[0].mode == "rgb_array"
    assert make(f"{file}:Drawn", 1, 0).envs[0].mode is None
    assert make(f"{file}:Walk", 1, 0, render=True).picture(0) is None


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
