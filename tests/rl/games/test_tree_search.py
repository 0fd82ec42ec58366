"""Noughts and crosses, its search and self-play, beside the solution of the game by minimax."""

import functools
from dataclasses import replace

import pytest
import torch

from gradschool.ops.rl.search import puct
from gradschool.recipes import find
from gradschool.rl.games.rules import LINES, board_of, legal, outcome, planes, played
from gradschool.rl.games.search import Search, searched
from gradschool.rl.world import make
from gradschool.runs.request import Request
from gradschool.runs.train import train

LINE_SETS = [set(line) for line in LINES.tolist()]


@functools.cache
def worth(board):
    """The value of a position for the player to move (stones 1), by plain minimax on tuples."""
    theirs = {i for i, stone in enumerate(board) if stone == -1}
    if any(line <= theirs for line in LINE_SETS):
        return -1
    return max((-worth(after(board, i)) for i in range(9) if board[i] == 0), default=0)


def after(board, square):
    return tuple(-(1 if i == square else stone) for i, stone in enumerate(board))


def positions():
    """All positions in which the game is not over."""
    found, new = set(), {(0,) * 9}
    while new:
        found |= new
        moves = {after(board, i) for board in new for i in range(9) if board[i] == 0}
        new = {board for board in moves if not outcome(torch.tensor([board]).float())[0]} - found
    return sorted(found)


ALL = positions()


def judge_nothing(board):
    """All moves are as good as each other, and all positions are even."""
    return torch.zeros(len(board), 9), torch.zeros(len(board))


def test_rules():
    boards = torch.tensor(ALL).float()
    # 5,478 positions can be reached; 958 of them end the game.
    assert len(ALL) == 5478 - 958
    over, value = outcome(boards)
    assert not over.any() and not value.any() and legal(boards).any(-1).all()
    assert torch.equal(board_of(planes(boards)), boards)
    square = legal(boards).float().argmax(-1)
    following = played(boards, square)
    expected = [after(board, i) for board, i in zip(ALL, square.tolist(), strict=True)]
    assert following.tolist() == [list(map(float, board)) for board in expected]
    assert worth((0,) * 9) == 0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_long_search_plays_perfectly_without_a_network():
    """From a sample of all positions it finds a move that loses nothing."""
    boards = torch.tensor(ALL[::30]).float()
    policy = searched(boards, judge_nothing, Search(2_000))
    torch.testing.assert_close(policy.sum(-1), torch.ones(len(boards)))
    assert not policy[~legal(boards)].any()
    right = [
        -worth(after(board, move)) == worth(board)
        for board, move in zip(ALL[::30], policy.argmax(-1).tolist(), strict=True)
    ]
    assert sum(right) / len(right) > 0.99


WIN, DEFEND = (1, 1, 0, -1, -1, 0, 0, 0, 0), (-1, -1, 0, 1, 0, 0, 0, 0, 1)


@pytest.mark.parametrize("board", [WIN, DEFEND])
def test_few_simulations_win_and_defend(board):
    policy = searched(torch.tensor([board]).float(), judge_nothing, Search(100))
    assert policy.argmax(-1).item() == 2


def test_trees_side_by_side_are_those_of_one_game_each():
    boards = torch.tensor(ALL[::900]).float()
    together = searched(boards, judge_nothing, Search(40))
    alone = torch.cat([searched(board[None], judge_nothing, Search(40)) for board in boards])
    assert torch.equal(together, alone)


def test_the_bonus_by_hand():
    value, visits = torch.tensor([0.5, 0.0]), torch.tensor([3.0, 0.0])
    score = puct(value, visits, torch.tensor([0.25, 0.75]), 2.0)
    torch.testing.assert_close(score, torch.tensor([0.5 + 2 * 0.25 * 2 / 4, 2 * 0.75 * 2 / 1]))


def test_the_world_plays_at_random_and_by_the_rules():
    world = make("tic_tac_toe", 500, 0)
    seen = world.reset()
    begun = seen[:, 1].flatten(1).sum(1)
    assert set(begun.tolist()) == {0.0, 1.0} and 200 < begun.sum() < 300
    # A taken square loses at once, where there is one.
    board = board_of(seen)
    step = world.step((board != 0).float().argmax(-1))
    taken = begun == 1
    assert (step.reward[taken] == -1).all() and step.terminated[taken].all()
    assert (step.reward[~taken] == 0).all() and not step.terminated[~taken].any()
    stones = step.final[~taken].flatten(2).sum(-1)
    assert (stones == 1).all(), "a stone of each"


def small(**changes):
    usual = {"worlds": 8, "batch_size": 72, "timesteps": 3 * 72, "simulations": 8, "hidden": (16,)}
    return replace(find("tic_tac_toe_zero")(), **(usual | {"tested": 20, "evaluations": 1} | changes))


def test_self_play_is_seen_by_the_player_of_each_position():
    run = small(worlds=64, batch_size=576)
    splits = run.open(0)
    pieces = run.task(run.start_model(splits.train, run.pipeline(splits.train)), splits, "val")
    boards, policy, end = pieces.games()
    assert not policy[~legal(boards)].any() and set(end.tolist()) <= {-1.0, 0.0, 1.0}
    # Who can win with one move and plays the best of the search has won, unless the move was drawn by chance.
    stones = (boards != 0).sum(-1)
    late = [i for i in range(len(boards)) if stones[i] >= 4 and policy[i].max() == 1]
    for i in late:
        following = tuple(map(int, played(boards[i : i + 1], policy[i : i + 1].argmax(-1))[0]))
        if any(line <= {k for k, s in enumerate(following) if s == -1} for line in LINE_SETS):
            assert end[i] == 1


def test_a_run_of_self_play(tmp_path):
    run = small()
    folder = train(run, Request("tic_tac_toe_zero", out=tmp_path / "run", device="cpu"), lambda text: None)
    result = folder.read("result.json")
    assert -1 <= result["metrics"]["test_return"] <= 1
    told = run.play(folder, 1, 0, tmp_path / "film.gif")
    assert told.facts["lengths"][0] <= 5


def test_positions_are_remembered_and_the_oldest_forgotten():
    run = small(memory=100, updates=1, minibatch=8)
    splits = run.open(0)
    agent = run.task(run.start_model(splits.train, run.pipeline(splits.train)), splits, "val")
    found = agent.step((), lambda part, batch, loss: {"loss": loss(batch)["loss"].detach()})
    first = len(agent.memory[0])
    assert 5 * 8 <= first <= 9 * 8 and 0 <= found["draws"] <= 1
    agent.step((), lambda part, batch, loss: {"loss": loss(batch)["loss"].detach()})
    assert [len(each) for each in agent.memory] == [min(100, len(agent.memory[0]))] * 3 and first < 100
    other = run.task(run.start_model(splits.train, run.pipeline(splits.train)), splits, "val")
    other.carried = agent.carried
    assert all(torch.equal(one, two) for one, two in zip(agent.memory, other.memory, strict=True))
