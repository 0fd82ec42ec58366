"""Learning a game of two players from play against oneself, with a search that is better than the network.

Source: Silver et al. 2017 (AlphaZero).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.rl.games.rules import SQUARES, board_of, outcome, planes, played
from gradschool.rl.games.search import Search, searched
from gradschool.rl.protocol import Thought
from gradschool.tasks.rl.agent import Agent, Stage, mean_of, rounds
from gradschool.tasks.rl.on_policy import losses_of
from gradschool.tasks.update import Batch, Update

REMEMBERED = "memory.board", "memory.policy", "memory.end"


@dataclass(frozen=True)
class Games:
    """How a game is learnt.

    Args:
        games: of a round, played side by side.
        search: of moves while learning.
        tested: of moves in test games.
        drawn: first moves of a game that are drawn from the search's probabilities; later ones are the best.
        memory: positions that are remembered; the oldest are forgotten first.
        updates: of a round.
        minibatch: positions of an update.
    """

    games: int
    search: Search
    tested: Search
    drawn: int = 6
    memory: int = 10_000
    updates: int = 32
    minibatch: int = 256


class SelfPlay(Agent):
    """A network that judges moves and positions, and a search that asks it.

    Args:
        model: logits of moves and values of positions, from the planes of boards as rows of numbers.
        stage: where it is tested: a world whose observations are planes of a board.
        how: the game is learnt.
    """

    def __init__(self, model: nn.Module, stage: Stage, how: Games) -> None:
        super().__init__({"agent": model}, stage)
        self.how = how
        self.memory: Batch = torch.zeros(0, SQUARES), torch.zeros(0, SQUARES), torch.zeros(0)

    @property
    def carried(self) -> dict[str, Tensor]:
        """Player, and the positions that are remembered."""
        return self.player.state() | dict(zip(REMEMBERED, self.memory, strict=True))

    @carried.setter
    def carried(self, saved: dict[str, Tensor]) -> None:
        self.player.load(saved)
        self.memory = tuple(saved[name] for name in REMEMBERED)

    @torch.no_grad()
    def judge(self, board: Tensor) -> tuple[Tensor, Tensor]:
        """What the network makes of boards: logits of moves, values from -1 to 1."""
        logits, value = self.parts["agent"](planes(board).flatten(1))
        return logits, value.clamp(-1, 1)

    def best(self, observation: Tensor) -> Tensor:
        """The move that the search looked at most."""
        return searched(board_of(observation), self.judge, self.how.tested).argmax(-1)

    def think(self, observation: Tensor) -> Thought:
        """The probabilities that the search gives to moves, and the network's value of the position."""
        board = board_of(observation)
        policy = searched(board, self.judge, self.how.tested)
        return Thought(policy.argmax(-1), policy, "probability", self.judge(board)[1])

    def games(self) -> Batch:
        """Games against oneself: boards, the search's probabilities, and how each ended for its player."""
        board = torch.zeros(self.how.games, SQUARES)
        result = torch.zeros(len(board))  # for the player who makes the first move
        alive, seen = torch.arange(len(board)), []
        # 1. Moves of all games that are not over. `alive` says which they are.
        for time in range(SQUARES):
            policy = searched(board, self.judge, self.how.search)
            drawn = torch.multinomial(policy, 1).squeeze(1)
            move = drawn if time < self.how.drawn else policy.argmax(-1)
            seen.append((board, policy, alive))
            board = played(board, move)
            over, worth = outcome(board)
            # 2. How games that are over ended; `worth` is for the player to move.
            result[alive[over]] = worth[over] * (-1) ** (time + 1)
            board, alive = board[~over], alive[~over]
            if not len(alive):
                break
        # 3. Every position with its game's end, as its own player sees it.
        ends = [result[of] * (-1) ** time for time, (_, _, of) in enumerate(seen)]
        boards, policies, _ = zip(*seen, strict=True)
        return torch.cat(boards), torch.cat(policies), torch.cat(ends)

    @rounds
    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """Play a round of games, and learn from them."""
        # 1. Play. Old games stay in memory: who learns from the newest alone forgets how to answer others.
        new = self.games()
        both = (torch.cat(pair)[-self.how.memory :] for pair in zip(self.memory, new, strict=True))
        self.memory = tuple(both)
        # 2. Learn.
        found = []
        for _ in range(self.how.updates):
            chosen = torch.randint(len(self.memory[0]), (self.how.minibatch,))
            found.append(update("agent", tuple(column[chosen] for column in self.memory), self.loss))
        # How games end: draws grow common as both sides learn.
        return {**mean_of(found), "draws": (new[2] == 0).float().mean()}

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy from the search's policy to the network's, and the squared error of the value."""
        board, policy, end = batch
        logits, value = self.parts["agent"](planes(board).flatten(1))
        named: dict[str, Any] = {"policy": -(policy * logits.log_softmax(-1)).sum(-1).mean()}
        named["value"] = (value - end).square().mean()
        named["entropy"] = -(policy * policy.clamp(min=1e-8).log()).sum(-1).mean()
        return losses_of(named, 1.0, 0.0)
