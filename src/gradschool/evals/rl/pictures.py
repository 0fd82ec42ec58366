"""What a world looks like: the library's own worlds are drawn here, those of Gymnasium draw themselves."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from gradschool.rl.drawing import CLIFF, GOAL, WALL, cells_of
from gradschool.rl.worlds import acrobot, breakout, cartpole, grid, mountain_car, pendulum, tic_tac_toe

SIDE = 300  # pixels
PAPER, INK, WOOD, MARK, FAINT = "#ffffff", "#2b3440", "#b3703c", "#2f6fb3", "#c9d2dc"
GROUND = {WALL: INK, CLIFF: "#d98880", GOAL: "#7dbb8a"}
PLANES = "#2b3440", "#d9534f", "#f3c6c4", "#2f6fb3"  # paddle, ball, trail, bricks


def picture(world: Any, copy: int = 0) -> Image.Image:
    """One copy of a world as it is now.

    Args:
        world: own, or of Gymnasium with rgb_array as its render mode.
        copy: which.
    """
    drawer = DRAWERS.get(type(world))
    if drawer is None:
        shown = Image.fromarray(np.asarray(world.envs[copy].render()))
        return shown.resize((round(SIDE * shown.width / shown.height), SIDE))
    image = Image.new("RGB", (SIDE, SIDE), PAPER)
    drawer(ImageDraw.Draw(image), world, world.at[copy])
    return image


def cart(draw: ImageDraw.ImageDraw, world: Any, state: Any) -> None:
    """A cart on a track and its pole, which is one metre long."""
    x, _, angle, _ = state.tolist()
    metre = SIDE / (2.2 * cartpole.FARTHEST)
    at, floor = SIDE / 2 + x * metre, SIDE * 0.75
    draw.line((0, floor, SIDE, floor), FAINT, 2)
    draw.rectangle((at - 22, floor - 24, at + 22, floor), INK)
    length = 2 * cartpole.HALF_LENGTH * 1.6 * metre  # longer than it is, to be seen
    tip = at + length * math.sin(angle), floor - 24 - length * math.cos(angle)
    draw.line((at, floor - 24, *tip), WOOD, 8)


def rods(draw: ImageDraw.ImageDraw, angles: Sequence[float], length: float) -> None:
    """Rods one behind the other from the middle; an angle of 0 hangs down."""
    at = (SIDE / 2, SIDE / 2)
    for angle in angles:
        tip = at[0] + length * math.sin(angle), at[1] + length * math.cos(angle)
        draw.line((*at, *tip), WOOD, 9)
        draw.circle(at, 6, INK)
        at = tip


def swing(draw: ImageDraw.ImageDraw, world: Any, state: Any) -> None:
    """A pendulum; upright is up."""
    rods(draw, [state[0].item() + math.pi], SIDE * 0.4)


def two_rods(draw: ImageDraw.ImageDraw, world: Any, state: Any) -> None:
    """A double pendulum, and the line that its tip has to reach."""
    length = SIDE * 0.22
    draw.line((0, SIDE / 2 - length, SIDE, SIDE / 2 - length), FAINT, 2)
    first, second = state[:2].tolist()
    rods(draw, [first, first + second], length)


def valley(draw: ImageDraw.ImageDraw, world: Any, state: Any) -> None:
    """A valley with a flag on the right hill, and the car."""
    left, wide = mountain_car.LEFT, mountain_car.RIGHT - mountain_car.LEFT

    def place(position: float) -> tuple[float, float]:
        height = 0.45 * math.sin(3 * position) + 0.55
        return SIDE * (position - left) / wide, SIDE * (0.9 - 0.65 * height)

    draw.line([place(left + wide * i / 100) for i in range(101)], INK, 3)
    x, y = place(mountain_car.GOAL)
    draw.line((x, y, x, y - 40), INK, 2)
    draw.polygon(((x, y - 40), (x + 22, y - 33), (x, y - 26)), MARK)
    x, y = place(state[0].item())
    draw.circle((x, y - 9), 9, WOOD)


def cells(draw: ImageDraw.ImageDraw, world: Any, state: Any) -> None:
    """A grid world, and where the agent is."""
    lines = world.grid.drawing
    side = SIDE / max(len(lines), len(lines[0]))
    for row, column, sign in cells_of(lines):
        box = column * side, row * side, (column + 1) * side, (row + 1) * side
        draw.rectangle(box, GROUND.get(sign, PAPER), FAINT)
    row, column = divmod(int(state), len(lines[0]))
    draw.circle(((column + 0.5) * side, (row + 0.5) * side), side * 0.3, WOOD)


def planes(draw: ImageDraw.ImageDraw, world: Any, state: Any) -> None:
    """The cells of a small Breakout; what lies above covers what lies below."""
    side = SIDE / breakout.SIZE
    seen = world.look(state[None])[0]
    for plane in (breakout.BRICK, breakout.TRAIL, breakout.PADDLE, breakout.BALL):
        for row, column in seen[plane].nonzero().tolist():
            box = column * side + 1, row * side + 1, (column + 1) * side - 1, (row + 1) * side - 1
            draw.rectangle(box, PLANES[plane])


def stones(draw: ImageDraw.ImageDraw, world: Any, state: Any) -> None:
    """A board: crosses are the agent's, noughts the other player's."""
    side = SIDE / 3
    for i, stone in enumerate(state.tolist()):
        x, y = i % 3 * side, i // 3 * side
        draw.rectangle((x, y, x + side, y + side), PAPER, FAINT)
        near, far = 0.2 * side, 0.8 * side
        if stone > 0:
            draw.line((x + near, y + near, x + far, y + far), WOOD, 8)
            draw.line((x + near, y + far, x + far, y + near), WOOD, 8)
        elif stone < 0:
            draw.circle((x + side / 2, y + side / 2), 0.32 * side, outline=INK, width=7)


Drawer = Callable[[ImageDraw.ImageDraw, Any, Any], None]
DRAWERS: dict[type, Drawer] = {
    cartpole.CartPole: cart,
    mountain_car.MountainCar: valley,
    acrobot.Acrobot: two_rods,
    pendulum.Pendulum: swing,
    grid.GridWorld: cells,
    breakout.Breakout: planes,
    tic_tac_toe.TicTacToe: stones,
}
