"""A small Breakout on 10 x 10 cells: bounce a ball off a paddle and clear three rows of bricks.

Source: Young and Tian 2019 (MinAtar). Deviations: only the three actions that do something; no action is
repeated by chance; every brick that is hit breaks; a time limit of 1,000 steps.
"""

from typing import ClassVar

import torch
from torch import Tensor

from gradschool.rl.protocol import Discrete
from gradschool.rl.worlds.tensor import TensorWorld

SIZE, TOP, ROWS = 10, 1, 3  # cells a side; the first row of bricks, and how many rows
BRICKS = ROWS * SIZE
PADDLE, BALL, TRAIL, BRICK = range(4)  # planes of an observation


class Breakout(TensorWorld):
    """Observation: four planes of 10 x 10 cells: paddle, ball, where the ball was before, bricks.

    Actions: 0 nothing, 1 left, 2 right. A brick earns 1; cleared rows are filled again; an episode ends when
    the ball passes the paddle. State: ball (row, column), its direction (down, right), paddle, where the ball
    was (row, column), and the bricks row by row.
    """

    shape: tuple[int, ...] = (4, SIZE, SIZE)
    actions = Discrete(3)
    steps: ClassVar[int] = 1_000
    names = "nothing", "left", "right"

    def begin(self) -> Tensor:
        """The ball starts in the lowest row of bricks, at either side, and moves down and inwards."""
        right = (self.uniform(self.count) < 0.5).to(self.dtype)
        row, column = torch.full_like(right, TOP + ROWS - 1), right * (SIZE - 1)
        down, paddle = torch.ones_like(right), torch.full_like(right, SIZE // 2 - 1)
        ball = torch.stack((row, column, down, 1 - 2 * right, paddle, row, column), -1)
        return torch.cat((ball, ball.new_ones(self.count, BRICKS)), -1)

    def advance(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Move the paddle, then the ball, which walls, bricks and the paddle reflect."""
        old_row, old_column, down, right, paddle, _, _ = state[:, :7].unbind(-1)
        bricks = state[:, 7:]
        # 1. The paddle, and where the ball would go.
        move = (action == 2).to(state.dtype) - (action == 1).to(state.dtype)
        paddle = (paddle + move).clamp(0, SIZE - 1)
        row, column = old_row + down, old_column + right
        # 2. Side walls and ceiling.
        side = (column < 0) | (column >= SIZE)
        column, right = column.clamp(0, SIZE - 1), torch.where(side, -right, right)
        row, down = row.clamp(min=0), torch.where(row < 0, -down, down)
        # 3. A brick breaks and sends the ball back.
        cell = (row - TOP) * SIZE + column
        among = (row >= TOP) & (row < TOP + ROWS)
        at = cell.clamp(0, BRICKS - 1).long()[:, None]
        hit = among & (bricks.gather(1, at).squeeze(1) > 0)
        bricks = bricks.scatter(1, at, torch.where(hit[:, None], 0.0, bricks.gather(1, at)))
        # 4. The paddle sends it back: straight if it was above the paddle, else the way that it came.
        bottom = row == SIZE - 1
        above, beside = bottom & (old_column == paddle), bottom & (column == paddle)
        beside = beside & ~above
        right = torch.where(beside, -right, right)
        back = hit | above | beside
        row, down = torch.where(back, old_row, row), torch.where(back, -down, down)
        # 5. Rows that are cleared are filled again when the ball is down.
        cleared = bottom & (bricks.sum(1) == 0)
        bricks = torch.where(cleared[:, None], torch.ones_like(bricks), bricks)
        reached = torch.stack((row, column, down, right, paddle, old_row, old_column), -1)
        return torch.cat((reached, bricks), -1), hit.to(state.dtype), bottom & ~above & ~beside

    def look(self, state: Tensor) -> Tensor:
        """The planes."""
        row, column, _, _, paddle, old_row, old_column = state[:, :7].long().unbind(-1)
        planes = state.new_zeros(len(state), 4 * SIZE * SIZE)
        bottom = torch.full_like(paddle, SIZE - 1)
        places = (PADDLE, bottom, paddle), (BALL, row, column), (TRAIL, old_row, old_column)
        for plane, r, c in places:
            planes.scatter_(1, ((plane * SIZE + r) * SIZE + c)[:, None], 1.0)
        begin = (BRICK * SIZE + TOP) * SIZE
        planes[:, begin : begin + BRICKS] = state[:, 7:]
        return planes.view(-1, *self.shape)
