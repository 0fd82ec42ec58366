"""Noughts and crosses (tic-tac-toe) against a player who moves at random.

The rules are in `gradschool.rl.games.rules`. A move onto a taken square loses at once.
"""

from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from gradschool.rl.games.rules import SQUARES, has_line, legal, planes
from gradschool.rl.protocol import Discrete
from gradschool.rl.worlds.tensor import TensorWorld


class TicTacToe(TensorWorld):
    """State: nine squares, 1 the agent's, -1 the other's; observation: two planes of 3 x 3.

    Actions: the squares row by row. A game that is won earns 1, a lost one -1, a draw 0. In half of the games
    the other player begins.
    """

    shape: tuple[int, ...] = (2, 3, 3)
    actions = Discrete(SQUARES)
    steps: ClassVar[int] = SQUARES
    names = tuple(
        f"{row} {column}" for row in ("top", "middle", "bottom") for column in ("left", "mid", "right")
    )

    def begin(self) -> Tensor:
        """An empty board, or one with a stone of the other player."""
        empty = torch.zeros(self.count, SQUARES, device=self.device, dtype=self.dtype)
        waits = self.uniform(self.count, 1) < 0.5
        return torch.where(waits, self.answered(empty), empty)

    def answered(self, board: Tensor) -> Tensor:
        """Boards after a move of the other player, onto any empty square."""
        chance = self.uniform(len(board), SQUARES).masked_fill(~legal(board), -1.0)
        return board - one_hot(chance.argmax(-1), SQUARES)

    def advance(self, state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A move, and the other player's answer if the game is not over."""
        # 1. The agent's move.
        wrong = ~legal(state).gather(1, action[:, None])
        board = torch.where(wrong, state, state + one_hot(action, SQUARES))
        won = has_line(board, 1)
        over = wrong[:, 0] | won | ~legal(board).any(-1)
        # 2. The answer.
        board = torch.where(over[:, None], board, self.answered(board))
        lost = has_line(board, -1) | wrong[:, 0]
        terminated = over | lost | ~legal(board).any(-1)
        return board, won.to(self.dtype) - lost.to(self.dtype), terminated

    def look(self, state: Tensor) -> Tensor:
        """Own stones, and the other player's."""
        return planes(state)
