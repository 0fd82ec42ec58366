"""Monte Carlo tree search that a network guides, for many games side by side.

Sources: Silver et al. 2017 (AlphaGo Zero, AlphaZero); Coulom 2006; Rosin 2011 (PUCT). Deviation: the trees
of all games are one set of tensors and grow by a node a simulation each; a final position that is reached
again gets another node, which changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.ops.rl.search import puct
from gradschool.rl.games.rules import SQUARES, legal, outcome, played

Judge = Callable[[Tensor], tuple[Tensor, Tensor]]
"""From boards to the logarithms of the probabilities of moves, and to the value for the player to move."""


@dataclass(frozen=True)
class Search:
    """How a tree is searched.

    Args:
        simulations: nodes that are added to the tree of each game, at least 1.
        explore: weight of what was tried little, above 0.
        noise: share of Dirichlet noise in the probabilities at the root, 0 to 1; it makes games differ.
    """

    simulations: int = 32
    explore: float = 1.5
    noise: float = 0.0


class Tree:
    """The trees of n games; `visits`, `total` and `prior` are of moves (n, nodes, 9).

    Args:
        board: where each game stands (n, 9).
        judge: of new positions.
        how: it is searched.
    """

    def __init__(self, board: Float[Tensor, "n 9"], judge: Judge, how: Search) -> None:
        n, nodes = len(board), how.simulations + 1
        self.judge, self.how, self.games = judge, how, torch.arange(n)
        self.board = board.new_zeros(n, nodes, SQUARES)
        self.prior, self.visits, self.total = (torch.zeros_like(self.board) for _ in range(3))
        self.child = torch.full((n, nodes, SQUARES), -1)
        self.over = torch.zeros(n, nodes, dtype=torch.bool)
        self.expand(0, board)
        if how.noise > 0:
            # Exponential waiting times, divided by their sum, are spread evenly over all distributions.
            chance = torch.empty(n, SQUARES).exponential_() * legal(board)
            chance = chance / chance.sum(-1, keepdim=True)
            self.prior[:, 0] = (1 - how.noise) * self.prior[:, 0] + how.noise * chance

    def expand(self, node: int, board: Float[Tensor, "n 9"]) -> Float[Tensor, " n"]:
        """Write a new node into every tree; what it is worth to its player to move."""
        # 1. The network's opinion. A full board has no move left, and no probabilities.
        log_p, value = self.judge(board)
        log_p = log_p.masked_fill(~legal(board), -torch.inf)
        self.prior[:, node] = log_p.softmax(-1).nan_to_num()
        # 2. The rules know better, where the game is over.
        over, worth = outcome(board)
        self.board[:, node], self.over[:, node] = board, over
        return torch.where(over, worth, value)

    def choose(self, node: Int64[Tensor, " n"]) -> Int64[Tensor, " n"]:
        """The move to look at next from a node of each tree."""
        visits, total = self.visits[self.games, node], self.total[self.games, node]
        score = puct(total / visits.clamp(min=1), visits, self.prior[self.games, node], self.how.explore)
        return score.masked_fill(~legal(self.board[self.games, node]), -torch.inf).argmax(-1)

    def descend(self) -> list[tuple[Tensor, Tensor, Bool[Tensor, " n"]]]:
        """From the root to a move that leads out of each tree: nodes, moves, and which trees they are of."""
        node, walks = torch.zeros_like(self.games), torch.ones_like(self.games, dtype=torch.bool)
        move, path = torch.zeros_like(self.games), []
        while walks.any():
            # 1. One move further, where the way is not at its end yet.
            move = torch.where(walks, self.choose(node), move)
            path.append((node, move, walks))
            # 2. Behind it lies nothing yet, or a game that is over: there the way ends.
            behind = self.child[self.games, node, move]
            walks = walks & (behind >= 0) & ~self.over[self.games, behind.clamp(min=0)]
            node = torch.where(walks, behind, node)
        return path

    def simulate(self, new: int) -> None:
        """One simulation: go down, add node number `new`, and tell the way back what it is worth."""
        # 1. Down, and one move out of the tree.
        path = self.descend()
        node, move, _ = path[-1]
        value = self.expand(new, played(self.board[self.games, node], move))
        self.child[self.games, node, move] = new
        # 2. Up: what is good for one player is as bad for the other.
        gain = -value
        for node, move, walked in reversed(path):
            self.visits[self.games, node, move] += walked
            self.total[self.games, node, move] += gain * walked
            gain = torch.where(walked, -gain, gain)


def searched(board: Float[Tensor, "n 9"], judge: Judge, how: Search) -> Float[Tensor, "n 9"]:
    """How often each move was looked at, as probabilities: the policy that a search makes of a network's.

    Args:
        board: positions in which the game is not over.
        judge: of positions.
        how: the tree is searched; noise is drawn from torch's own generator.
    """
    tree = Tree(board, judge, how)
    for new in range(1, how.simulations + 1):
        tree.simulate(new)
    return tree.visits[:, 0] / how.simulations
