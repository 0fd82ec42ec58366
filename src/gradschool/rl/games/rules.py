"""Noughts and crosses (tic-tac-toe) on many boards at once, always seen by the player who is to move.

A board is nine numbers, row by row: 1 is a stone of the player to move, -1 of the other one, 0 an empty
square. With best play of both a game is a draw.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import one_hot

SQUARES = 9
LINES = torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]])

Boards = Float[Tensor, "n 9"]


def legal(board: Boards) -> Bool[Tensor, "n 9"]:
    """Empty squares."""
    return board == 0


def has_line(board: Boards, stone: int) -> Bool[Tensor, " n"]:
    """Three stones of a player in a line."""
    return (board[:, LINES] == stone).all(-1).any(-1)


def played(board: Boards, square: Int64[Tensor, " n"]) -> Boards:
    """The boards after a move, as the other player sees them."""
    return -(board + one_hot(square, SQUARES))


def outcome(board: Boards) -> tuple[Bool[Tensor, " n"], Float[Tensor, " n"]]:
    """Whether the game is over, and what that is worth to the player to move: -1 if it is lost, else 0.

    It cannot be won, as the last move was the other player's.
    """
    lost = has_line(board, -1)
    return lost | ~legal(board).any(-1), -lost.to(board.dtype)


def planes(board: Boards) -> Float[Tensor, "n 2 3 3"]:
    """What a network sees: own stones, and the other player's."""
    return torch.stack((board == 1, board == -1), 1).to(board.dtype).view(-1, 2, 3, 3)


def board_of(planes: Float[Tensor, "n 2 3 3"]) -> Boards:
    """The boards that `planes` shows."""
    return (planes[:, 0] - planes[:, 1]).flatten(1)
