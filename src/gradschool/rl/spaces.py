"""Gymnasium's spaces as shapes and action sets of the library: what can be read, and what is refused.

Numbers become float32 tensors, pictures stay bytes, and other spaces (discrete, dictionaries, tuples) become
one vector, in which a discrete part is one-hot.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gradschool.errors import UserError
from gradschool.rl.protocol import Continuous, Discrete

# Gymnasium's documentation names these actions; the environments do not.
NAMES = {
    "CartPole": ("left", "right"),
    "MountainCar": ("left", "nothing", "right"),
    "Acrobot": ("torque -1", "nothing", "torque 1"),
    "Pendulum": ("torque",),
    "LunarLander": ("nothing", "left engine", "main engine", "right engine"),
    "FrozenLake": ("left", "down", "right", "up"),
}

Reader = Callable[[Any], np.ndarray]


def reader_of(space: Any, name: str) -> tuple[tuple[int, ...], Reader]:
    """The shape of an observation, and the function that turns one into an array.

    Args:
        space: an observation space of Gymnasium.
        name: of the environment, for the sentence.

    Raises:
        UserError: observations have no fixed size.
    """
    from gymnasium import spaces

    if isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) > 1:
        return space.shape, of_bytes
    if isinstance(space, spaces.Box):
        shape = space.shape or (1,)
        return shape, lambda seen: np.atleast_1d(np.asarray(seen, np.float32))
    if not space.is_np_flattenable:
        what = f"an observation of {name} is a {type(space).__name__} of no fixed size"
        raise UserError(
            what, "a Box, or a space that can be flattened", "Pad it to a fixed size in a wrapper."
        )
    return (spaces.flatdim(space),), lambda seen: np.asarray(spaces.flatten(space, seen), np.float32)


def of_bytes(seen: Any) -> np.ndarray:
    """A picture as it is. Other numbers are not made into bytes: shares of 1 would become black.

    Raises:
        TypeError: its numbers are no bytes.
    """
    array = np.asarray(seen)
    if array.dtype != np.uint8:
        raise TypeError(f"its numbers are {array.dtype} and not uint8")
    return array


def names_of(env: Any, name: str) -> tuple[str, ...]:
    """What the actions of an environment are called, where that is known."""
    told = getattr(env, "get_action_meanings", None) or getattr(
        getattr(env, "unwrapped", None), "get_action_meanings", None
    )
    if told is not None:
        return tuple(str(each).lower().replace("noop", "nothing") for each in told())
    return NAMES.get(name.rpartition("-v")[0], ())


def actions_of(space: Any, name: str) -> tuple[Discrete | Continuous, Callable[[Any], Any]]:
    """The set of actions, and the function that turns one into what the environment takes.

    Args:
        space: an action space of Gymnasium.
        name: of the environment, for the sentence.

    Raises:
        UserError: actions are neither numbers from 0 nor vectors between bounds.
    """
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        start = int(space.start)
        return Discrete(int(space.n)), lambda action: int(action) + start
    if isinstance(space, spaces.Box) and space.is_bounded():
        bounds = (torch.as_tensor(bound, dtype=torch.float32).flatten() for bound in (space.low, space.high))
        return Continuous(*bounds), lambda action: action.reshape(space.shape).astype(space.dtype)
    what = f"an action of {name} is a {type(space).__name__}" + " without bounds" * isinstance(
        space, spaces.Box
    )
    raise UserError(what, "Discrete, or a Box with bounds", "Map its actions in a wrapper of your own.")
