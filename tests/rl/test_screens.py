"""Games on a screen: sizes, skipped frames, lives, rewards, and Atari games where the emulator is here."""

import numpy as np
import pytest
import torch

from gradschool.rl.atari import Screen, shares
from gradschool.rl.gym import GymWorld
from gradschool.rl.world import make

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")


class Flicker(gymnasium.Env):
    """Every second frame is black; a life is lost every 6 frames, of three; each frame earns 2."""

    observation_space = gymnasium.spaces.Box(0, 255, (100, 120, 3), np.uint8)
    action_space = gymnasium.spaces.Discrete(2)

    span = 6

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time, self.acted = 0, []
        return self.look(), {"lives": 3}

    def look(self):
        return np.full((100, 120, 3), 0 if self.time % 2 else 200, np.uint8)

    def step(self, action):
        self.time += 1
        self.acted.append(action)
        lives = 3 - self.time // self.span
        return self.look(), 2.0, lives == 0, False, {"lives": lives}


@pytest.mark.parametrize(("old", "new"), [(210, 84), (160, 84), (84, 84), (100, 84)])
def test_a_small_picture_keeps_the_mean(old, new):
    weights = shares(old, new)
    # Sums of float32 shares.
    assert np.allclose(weights.sum(1), 1, atol=1e-5) and np.allclose(weights.sum(0), new / old, atol=1e-5)


def test_the_mean_over_an_area_is_a_plain_loops():
    """Every pixel cut into 84 x 84 parts, so that each small pixel is a whole number of them."""
    frame = np.random.default_rng(0).integers(0, 256, (3, 5)).astype(np.float64)
    fine = np.repeat(np.repeat(frame, 4, 0), 4, 1).reshape(4, 3, 4, 5).mean((1, 3))
    assert np.allclose(shares(3, 4) @ frame @ shares(5, 4).T, fine, atol=1e-3)


def test_an_action_is_held_for_four_frames():
    env = Flicker()
    env.span = 60
    screen = Screen(env, 4, training=False)
    seen, info = screen.reset(seed=1)
    assert seen.shape == (4, 84, 84) and seen.dtype == np.uint8 and info == {"continued": False}
    waited = env.time
    assert waited <= 30
    seen, reward, *_ = screen.step(1)
    assert reward == 8 and env.acted[waited:] == [1] * 4
    assert (seen[-1] == 200).all(), "the maximum of two frames does not flicker"
    assert (seen[:3] == seen[0]).all()


def test_lives_and_rewards_in_training_only():
    env = Flicker()
    screen = Screen(env, 1, training=True)
    screen.reset(seed=1)
    ends = []
    for _ in range(5):
        _, reward, terminated, _, info = screen.step(0)
        assert (reward, info["score"], terminated) == (1, 2, False)
    for _ in range(40):
        terminated = screen.step(0)[2]
        if terminated:
            ends.append(env.time)
            _, info = screen.reset(seed=2)
            assert info["continued"] == (ends[-1] % 18 != 0)
    assert ends[:4] == [6, 12, 18, 6]
    calm = Screen(Flicker(), 1, training=False)
    calm.reset(seed=1)
    steps = [calm.step(0) for _ in range(18)]
    assert [step[2] for step in steps] == [False] * 17 + [True] and steps[0][1] == 2


def test_an_atari_game_goes_on_bit_by_bit():
    """Also in the middle of a game, after lives were lost."""
    pytest.importorskip("ale_py", reason="Atari games are an optional part")
    world, generator = make("ALE/Breakout-v5", 1, 0), torch.Generator().manual_seed(0)
    assert world.shape == (4, 84, 84) and world.actions.n == 4
    lost = 0
    while not lost:
        lost += world.step(torch.randint(4, (1,), generator=generator)).terminated.sum().item()
    saved = {key: value.clone() for key, value in world.state().items()}
    later = torch.randint(4, (20, 1), generator=generator)
    steps = [world.step(action) for action in later]
    other = make("ALE/Breakout-v5", 1, 5)
    other.load(saved)
    for one, action in zip(steps, later, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(one, other.step(action), strict=True))
    assert steps[0].observation.float().std() > 1


def test_a_game_goes_on_from_a_checkpoint_as_it_was(recwarn):
    """A player begins by a reset, in the middle of the game that the world began by itself."""

    class Clock(Flicker):
        span = 60

        def look(self):
            return np.full((100, 120, 3), self.time, np.uint8)

    def create():
        return Screen(Clock(), 4, training=True)

    worlds = [GymWorld("flicker", create, 2, 5) for _ in range(2)]
    for world in worlds:
        world.reset(None)
    for _ in range(3):
        seen = worlds[0].step(torch.tensor([0, 1])).observation
    worlds[1].load(worlds[0].state())
    assert torch.equal(torch.from_numpy(worlds[1].seen), seen)
    later = [world.step(torch.tensor([1, 0])) for world in worlds]
    assert all(torch.equal(one, two) for one, two in zip(*later, strict=True))
    assert not [each for each in recwarn if "not the same under the same seed" in str(each.message)]
