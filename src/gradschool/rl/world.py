"""Worlds by name: the library's own tensor worlds, and those of Gymnasium (interface: `protocol.py`)."""

from pathlib import Path

import torch

from gradschool.errors import UserError
from gradschool.phrases import counted
from gradschool.rl.drawing import read_drawing
from gradschool.rl.gym import GymWorld
from gradschool.rl.named import from_file, registered
from gradschool.rl.protocol import Continuous, Discrete, Step, World
from gradschool.rl.worlds.acrobot import Acrobot
from gradschool.rl.worlds.breakout import Breakout
from gradschool.rl.worlds.cartpole import CartPole
from gradschool.rl.worlds.grid import GridWorld
from gradschool.rl.worlds.mountain_car import MountainCar
from gradschool.rl.worlds.pendulum import Pendulum
from gradschool.rl.worlds.tensor import TensorWorld
from gradschool.rl.worlds.tic_tac_toe import TicTacToe

__all__ = ["OWN", "Continuous", "Discrete", "Step", "World", "discrete", "make"]

OWN: dict[str, type[TensorWorld]] = {
    "cartpole": CartPole,
    "mountain_car": MountainCar,
    "acrobot": Acrobot,
    "pendulum": Pendulum,
    "cliff_walk": GridWorld,
    "breakout": Breakout,
    "tic_tac_toe": TicTacToe,
}


def make(
    name: str,
    count: int,
    seed: int,
    device: torch.device | str = "cpu",
    training: bool = True,
    render: bool = False,
) -> World:
    """A world by name.

    Args:
        name: of an own tensor world ("cartpole"), a file with the drawing of a grid world ("grid.txt"), an
            environment of one's own ("my_env.py:MyEnv"), or an id of Gymnasium ("CartPole-v1").
        count: copies side by side, at least 1.
        seed: of all that is random.
        device: where own tensor worlds lie.
        training: of Atari games: clipped rewards, and the loss of a life ends an episode.
        render: whether Gymnasium's copies can be drawn.

    Raises:
        UserError: there is no world of that name, or a part that it needs is not installed.
    """
    if count < 1:
        raise UserError(f"count is {count}", "at least 1", "Example: 64")
    if name in OWN:
        return OWN[name](count, seed, device)
    if name.endswith(".txt"):
        return GridWorld(count, seed, device, drawing=read_drawing(Path(name).expanduser()))
    is_file = ".py:" in name or name.endswith(".py")
    created = from_file(name, training, render) if is_file else registered(name, OWN, training, render)
    return GymWorld(name, created, count, seed)


def discrete(world: World, name: str, agent: str) -> int:
    """The number of actions, for an agent that chooses among them.

    Args:
        world: where it acts.
        name: of the world, for the sentence.
        agent: what it is, e.g. "a DQN agent".

    Raises:
        UserError: actions are vectors.
    """
    if isinstance(world.actions, Discrete):
        return world.actions.n
    what = f"an action in {name} is {counted(len(world.actions.low), 'real number')}"
    raise UserError(what, f"a choice, for {agent}", "Use PPO or SAC, or another world.")
