"""Super Mario Bros. by the package gym-super-mario-bros, and whatever has the interface of old Gym.

Source: OpenAI Gym before 0.26, where `reset` returns an observation alone and `step` four things, with one
word, "done", for both ends. A time limit is told from a terminal state by `info["TimeLimit.truncated"]`.
"""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from gradschool.errors import UserError
from gradschool.phrases import raised

MARIO = "SuperMarioBros"
SKIP = 4  # frames that an action is held for


class OldStyle:
    """An environment of either interface, as one of Gymnasium.

    Args:
        env: with `reset`, `step` and the spaces `observation_space` and `action_space`, of any package.
    """

    def __init__(self, env: Any) -> None:
        from gymnasium import spaces

        self.env = env
        self.frame: np.ndarray | None = None
        seen, acts = env.observation_space, env.action_space
        self.observation_space = spaces.Box(0, 255, seen.shape, np.uint8)
        self.action_space = spaces.Discrete(int(acts.n))
        self.get_action_meanings = getattr(env, "get_action_meanings", list)

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode. Old environments take their seed by a method, or have no chance in them."""
        if seed is not None and hasattr(self.env, "seed"):
            self.env.seed(seed)
        answer = self.env.reset()
        observation, info = answer if isinstance(answer, tuple) else (answer, {})
        return self.kept(observation), told(info)

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Act for one frame."""
        observation, reward, *ends, info = self.env.step(action)
        if len(ends) == 1:
            truncated = bool(ends[0] and info.get("TimeLimit.truncated", False))
            ends = [bool(ends[0]) and not truncated, truncated]
        return self.kept(observation), float(reward), bool(ends[0]), bool(ends[1]), told(info)

    def kept(self, observation: Any) -> np.ndarray:
        """The picture, copied: emulators write the next one into the same memory."""
        picture = np.array(observation, np.uint8)
        self.frame = picture
        return picture

    def render(self) -> np.ndarray | None:
        """The last picture."""
        return self.frame

    def close(self) -> None:
        """Close the environment."""
        self.env.close()


def told(info: dict[str, Any]) -> dict[str, Any]:
    """What an environment tells, with its lives under one name."""
    return {**info, "lives": int(info["life"])} if "life" in info else dict(info)


def mario(name: str) -> Callable[[], OldStyle]:
    """What makes one copy of Super Mario Bros. with the seven simple moves.

    Args:
        name: of the game or of one level of it, e.g. "SuperMarioBros-1-1-v0".

    Raises:
        UserError: the package is not installed, or has no such game.
    """
    # 1. The package. No part brings it, for it asks for the old Gym; so it is looked up by name.
    if any(importlib.util.find_spec(package) is None for package in ("gym_super_mario_bros", "nes_py")):
        what = f"gym-super-mario-bros is not installed, and the game {name} needs it"
        raise UserError(what, "", "Run: pip install gym-super-mario-bros")
    # 2. A first copy shows whether there is such a game. Wrappers of Gym would look for another interface.
    try:
        games = importlib.import_module("gym_super_mario_bros")
        moves = importlib.import_module("gym_super_mario_bros.actions").SIMPLE_MOVEMENT
        joypad = importlib.import_module("nes_py.wrappers").JoypadSpace

        def create() -> OldStyle:
            return OldStyle(joypad(games.make(name).unwrapped, moves))

        create().close()
    except Exception as error:  # whatever the package raises
        what = f"{name} cannot be made: {raised(error)}"
        raise UserError(what, "", "Example: SuperMarioBros-1-1-v0") from error
    return create
