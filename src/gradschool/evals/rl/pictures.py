"""What a world looks like: the library's own worlds are drawn here, those of Gymnasium draw themselves.

Drawings are made three times as large and averaged down, for Pillow does not smooth edges.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from gradschool.rl.drawing import CLIFF, GOAL, WALL, cells_of
from gradschool.rl.worlds import acrobot, breakout, cartpole, grid, mountain_car, pendulum, tic_tac_toe

SIDE, FINE = 300, 3  # pixels; of the drawing that becomes one
PAPER, INK, WOOD, MARK, FAINT, GREY = "#ffffff", "#2b3440", "#b3703c", "#2f6fb3", "#c9d2dc", "#5b6670"
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
        drawn = world.picture(copy)
        if drawn is None:
            return nothing()
        shown = Image.fromarray(drawn)
        # An even width, for a video holds colours in squares of 2 x 2 pixels.
        return shown.resize((2 * round(SIDE * shown.width / shown.height / 2), SIDE))
    canvas = Canvas()
    drawer(canvas, world, world.at[copy])
    return canvas.image.reduce(FINE)


def nothing() -> Image.Image:
    """For an environment that does not draw itself."""
    image = Image.new("RGB", (SIDE, SIDE), FAINT)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    draw.text((SIDE / 2, SIDE / 2), "no picture:\nrender() gives none", INK, font, "mm", align="center")
    return image


class Canvas:
    """A white square of SIDE pixels to draw on, with smooth edges."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (SIDE * FINE, SIDE * FINE), PAPER)
        self.draw = ImageDraw.Draw(self.image)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        """A line through points, with round ends."""
        self.draw.line([(x * FINE, y * FINE) for x, y in points], colour, round(width * FINE), "curve")
        for end in (points[0], points[-1]):
            self.circle(end, width / 2, colour)

    def box(self, corners: tuple[float, ...], colour: str, edge: str | None = None) -> None:
        """A rectangle, from the upper left to the lower right corner."""
        left, top, right, bottom = (FINE * each for each in corners)
        self.draw.rectangle((left, top, right - 1, bottom - 1), colour, edge, FINE)

    def circle(self, at: tuple[float, float], radius: float, colour: str, hollow: float = 0.0) -> None:
        """A disc, or a ring of width `hollow`."""
        fill = PAPER if hollow else colour
        x, y, wide = at[0] * FINE, at[1] * FINE, radius * FINE
        self.draw.circle((x, y), wide, fill, colour if hollow else None, max(1, round(hollow * FINE)))

    def area(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """A filled polygon."""
        self.draw.polygon([(x * FINE, y * FINE) for x, y in points], colour)


def cart(draw: Canvas, world: Any, state: Any) -> None:
    """A cart on a track and its pole, which is one metre long."""
    x, _, angle, _ = state.tolist()
    metre = SIDE / (2.2 * cartpole.FARTHEST)
    at, floor = SIDE / 2 + x * metre, SIDE * 0.75
    draw.line([(0, floor), (SIDE, floor)], FAINT, 2)
    draw.box((at - 22, floor - 24, at + 22, floor), INK)
    length = 2 * cartpole.HALF_LENGTH * 1.6 * metre  # longer than it is, to be seen
    tip = at + length * math.sin(angle), floor - 24 - length * math.cos(angle)
    draw.line([(at, floor - 24), tip], WOOD, 8)


def rods(draw: Canvas, angles: Sequence[float], length: float) -> None:
    """Rods one behind the other from the middle; an angle of 0 hangs down."""
    at = (SIDE / 2, SIDE / 2)
    for angle in angles:
        tip = at[0] + length * math.sin(angle), at[1] + length * math.cos(angle)
        draw.line([at, tip], WOOD, 9)
        draw.circle(at, 6, INK)
        at = tip


def swing(draw: Canvas, world: Any, state: Any) -> None:
    """A pendulum; upright is up."""
    rods(draw, [state[0].item() + math.pi], SIDE * 0.4)


def two_rods(draw: Canvas, world: Any, state: Any) -> None:
    """A double pendulum, and the line that its tip has to reach."""
    length = SIDE * 0.22
    draw.line([(0, SIDE / 2 - length), (SIDE, SIDE / 2 - length)], FAINT, 2)
    first, second = state[:2].tolist()
    rods(draw, [first, first + second], length)


def valley(draw: Canvas, world: Any, state: Any) -> None:
    """A valley with a flag on the right hill, and the car."""
    left, wide = mountain_car.LEFT, mountain_car.RIGHT - mountain_car.LEFT

    def place(position: float) -> tuple[float, float]:
        height = 0.45 * math.sin(3 * position) + 0.55
        return SIDE * (position - left) / wide, SIDE * (0.9 - 0.65 * height)

    draw.line([place(left + wide * i / 100) for i in range(101)], INK, 3)
    x, y = place(mountain_car.GOAL)
    draw.line([(x, y), (x, y - 40)], INK, 2)
    draw.area([(x, y - 40), (x - 22, y - 33), (x, y - 26)], MARK)
    x, y = place(state[0].item())
    draw.circle((x, y - 9), 9, WOOD)


def cells(draw: Canvas, world: Any, state: Any) -> None:
    """A grid world, and where the agent is."""
    lines = world.grid.drawing
    side = SIDE / max(len(lines), len(lines[0]))
    for row, column, sign in cells_of(lines):
        box = column * side, row * side, (column + 1) * side, (row + 1) * side
        draw.box(box, GROUND.get(sign, PAPER), FAINT)
    row, column = divmod(int(state), len(lines[0]))
    draw.circle(((column + 0.5) * side, (row + 0.5) * side), side * 0.3, WOOD)


def planes(draw: Canvas, world: Any, state: Any) -> None:
    """The cells of a small Breakout; what lies above covers what lies below."""
    side = SIDE / breakout.SIZE
    seen = world.look(state[None])[0]
    for plane in (breakout.BRICK, breakout.TRAIL, breakout.PADDLE, breakout.BALL):
        for row, column in seen[plane].nonzero().tolist():
            box = column * side + 1, row * side + 1, (column + 1) * side - 1, (row + 1) * side - 1
            draw.box(box, PLANES[plane])


def stones(draw: Canvas, world: Any, state: Any) -> None:
    """A board: crosses are the agent's, noughts the other player's."""
    side = SIDE / 3
    for i, stone in enumerate(state.tolist()):
        x, y = i % 3 * side, i // 3 * side
        draw.box((x, y, x + side, y + side), PAPER, FAINT)
        near, far = 0.2 * side, 0.8 * side
        if stone > 0:
            draw.line([(x + near, y + near), (x + far, y + far)], WOOD, 8)
            draw.line([(x + near, y + far), (x + far, y + near)], WOOD, 8)
        elif stone < 0:
            draw.circle((x + side / 2, y + side / 2), 0.32 * side, INK, hollow=7)


Drawer = Callable[[Canvas, Any, Any], None]
DRAWERS: dict[type, Drawer] = {
    cartpole.CartPole: cart,
    mountain_car.MountainCar: valley,
    acrobot.Acrobot: two_rods,
    pendulum.Pendulum: swing,
    grid.GridWorld: cells,
    breakout.Breakout: planes,
    tic_tac_toe.TicTacToe: stones,
}
