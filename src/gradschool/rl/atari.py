"""Games on a screen as agents see them: the last four small grey pictures, a decision every four frames.

Source: Mnih et al. 2015 (methods: preprocessing, training details); Machado et al. 2018 on what to report.
The loss of a life as an end and clipped rewards are for training only. Deviation: no game starts with FIRE
by itself.
"""

from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np

SIZE, STACK, NOOPS = 84, 4, 30
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


class Screen:
    """An environment that shows pictures, with the standard changes; it has Gymnasium's interface.

    Args:
        env: shows pictures (h, w) or (h, w, 3) of bytes.
        skip: frames that an action is held for; what is seen is the maximum of the last two, since some
            things are drawn in every second frame only.
        training: rewards are cut to -1, 0 or 1, and the loss of a life terminates the episode.
    """

    def __init__(self, env: Any, skip: int, training: bool) -> None:
        from gymnasium import spaces

        self.env, self.skip, self.training = env, skip, training
        inner = env if hasattr(env, "get_action_meanings") else getattr(env, "unwrapped", env)
        self.get_action_meanings = getattr(inner, "get_action_meanings", None)
        self.action_space = env.action_space
        self.observation_space = spaces.Box(0, 255, (STACK, SIZE, SIZE), np.uint8)
        self.spec = SimpleNamespace(max_episode_steps=None)
        height, width = env.observation_space.shape[:2]
        self.rows, self.columns = shares(height, SIZE), shares(width, SIZE).T
        self.seen: deque[np.ndarray] = deque(maxlen=STACK)
        self.over, self.lives = True, 0

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a game, or go on with the next life of the one that is running.

        Returns:
            The pictures (4, 84, 84), and "continued": whether the same game goes on.
        """
        # 1. After the loss of a life the game goes on.
        if not self.over:
            frame, _, terminated, truncated, info = self.env.step(0)
            self.over, self.lives = terminated or truncated, info.get("lives", 0)
            if not self.over:
                self.seen.append(self.small(frame))
                return np.stack(self.seen), {"continued": True}
        # 2. A new game begins after up to 30 frames without an action, so that games differ.
        frame, info = self.env.reset(seed=seed)
        if self.skip > 1:
            for _ in range(np.random.default_rng(seed).integers(1, NOOPS + 1)):
                frame, _, terminated, truncated, info = self.env.step(0)
                if terminated or truncated:
                    frame, info = self.env.reset(seed=seed)
        self.over, self.lives = False, info.get("lives", 0)
        self.seen.extend([self.small(frame)] * STACK)
        return np.stack(self.seen), {"continued": False}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Hold an action for `skip` frames."""
        # 1. Frames, until the game is over.
        frames: deque[np.ndarray] = deque(maxlen=2)
        total = 0.0
        for _ in range(self.skip):
            frame, reward, terminated, truncated, info = self.env.step(action)
            frames.append(frame)
            total += float(reward)
            if terminated or truncated:
                break
        self.over = bool(terminated or truncated)
        # 2. What is seen.
        self.seen.append(self.small(np.maximum(frames[0], frames[-1])))
        # 3. For training a lost life is an end, and all rewards are of one size.
        lost, self.lives = info.get("lives", 0) < self.lives, info.get("lives", 0)
        score = total
        if self.training:
            terminated, total = terminated or lost, float(np.sign(total))
        return np.stack(self.seen), total, bool(terminated), bool(truncated), {"score": score}

    def small(self, frame: np.ndarray) -> np.ndarray:
        """A frame as 84 x 84 grey bytes: each is the mean over the area that it covers."""
        grey = frame @ GREY if frame.ndim == 3 else frame.astype(np.float32)
        return (self.rows @ grey @ self.columns).round().clip(0, 255).astype(np.uint8)

    def render(self) -> Any:
        """The picture in colours, as people see it."""
        return self.env.render()

    def close(self) -> None:
        """Close the environment."""
        self.env.close()


def shares(old: int, new: int) -> np.ndarray:
    """The share of each of `old` pixels in a row in each of `new` ones (new, old): the area they share."""
    edges = np.linspace(0, old, new + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(old)
    covered = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return (covered.clip(min=0) / (old / new)).astype(np.float32)


def is_screen(env: Any) -> bool:
    """Whether an environment shows pictures of bytes that are large enough for a screen."""
    space = env.observation_space
    shape = space.shape or ()
    return space.dtype == np.uint8 and len(shape) in (2, 3) and min(shape[:2]) >= SIZE


def quiet() -> None:
    """Register the Atari games; the emulator keeps its greeting to itself."""
    import ale_py
    import gymnasium

    gymnasium.register_envs(ale_py)
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
