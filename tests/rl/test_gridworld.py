"""The rules of grid worlds against a plain loop, counted slips, and gymnasium where it is installed."""

import math

import pytest
import torch
from grids import CLIFF, TINY, drawings
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.rl.gridset import open_grid
from gradschool.rl.gridworld import gridworld

STEPS = {0: (-1, 0), 1: (0, 1), 2: (1, 0), 3: (0, -1)}


def reachable(lines):
    """Cells that an episode may visit, found by walking from S until nothing new turns up; goals end it."""
    found = {(r, c) for r, line in enumerate(lines) for c, sign in enumerate(line) if sign == "S"}
    for _ in range(len(lines) * len(lines[0])):
        for r, c in list(found):
            if lines[r][c] != "G":
                near = [(r + dr, c + dc) for dr, dc in STEPS.values()]
                inside = [(a, b) for a, b in near if 0 <= a < len(lines) and 0 <= b < len(lines[0])]
                found |= {(a, b) for a, b in inside if lines[a][b] not in "#C"}
    return found


def answered(lines, cell, direction):
    """(next cell, reward, terminated) of a move, by the words of the example in the book."""
    (r, c), (dr, dc) = cell, STEPS[direction]
    r2, c2 = r + dr, c + dc
    if not (0 <= r2 < len(lines) and 0 <= c2 < len(lines[0])) or lines[r2][c2] == "#":
        r2, c2 = cell
    if lines[r2][c2] == "C":
        start = next((a, b) for a, line in enumerate(lines) for b, sign in enumerate(line) if sign == "S")
        return start, -100.0, False
    return (r2, c2), -1.0, lines[r2][c2] == "G"


@settings(max_examples=30)
@given(drawings())
def test_every_move_is_a_plain_loops(lines):
    world, width = gridworld(lines), len(lines[0])
    for r, c in reachable(lines):
        if lines[r][c] == "G":
            continue
        state, actions = torch.full((4,), r * width + c), torch.arange(4)
        found = world.step(state, actions, torch.Generator())
        for direction in range(4):
            (r2, c2), reward, ends = answered(lines, (r, c), direction)
            assert [each[direction].item() for each in found] == [r2 * width + c2, reward, ends]


@settings(max_examples=30)
@given(drawings())
def test_what_no_episode_visits_and_goals_are_absorbing(lines):
    world, width = gridworld(lines), len(lines[0])
    for state in range(len(world.land)):
        cell = divmod(state, width)
        if cell not in reachable(lines) or lines[cell[0]][cell[1]] == "G":
            assert world.land[state].tolist() == [state] * 4
            assert world.ends[state].all() and not world.reward[state].any()


def test_a_slip_goes_to_each_side_with_half_its_probability():
    world, n = gridworld(("...", ".S.", "..G"), slip=0.4), 40_000
    state, _, _ = world.step(
        world.begin(n), torch.zeros(n, dtype=torch.int64), torch.Generator().manual_seed(0)
    )
    for cell, share in ((1, 0.6), (5, 0.2), (3, 0.2), (7, 0.0)):  # up, right, left, down
        # Five standard deviations of a share of n draws.
        assert abs((state == cell).double().mean().item() - share) <= 5 * math.sqrt(share * (1 - share) / n)


@given(st.floats(0, 0.99), st.integers(0, 1000))
def test_the_mean_over_slips_is_the_sum_over_directions(slip, seed):
    world = gridworld(TINY, slip)
    values = torch.randn(4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = world.expected(values)
    for action in range(4):
        shares = {action: 1 - slip, (action + 1) % 4: slip / 2, (action + 3) % 4: slip / 2}
        wanted = sum(share * values[:, direction] for direction, share in shares.items())
        torch.testing.assert_close(found[:, action], wanted)


def test_a_fall_leads_to_the_start_and_the_episode_goes_on():
    world = gridworld(CLIFF)
    state, reward, ends = world.step(torch.tensor([3]), torch.tensor([2]), torch.Generator())
    assert (state.item(), reward.item(), ends.item()) == (3, -100.0, False)


@pytest.mark.parametrize("slippery", [False, True])
def test_the_cliff_walk_is_gymnasiums(slippery):
    gymnasium = pytest.importorskip("gymnasium")
    theirs = gymnasium.make("CliffWalking-v1", is_slippery=slippery).unwrapped
    # 1. Its slippery moves go in three directions with a third each: two thirds to the sides.
    world = gridworld(open_grid("cliff_walk")[1], slip=2 / 3 if slippery else 0.0)
    assert world.land.shape == (theirs.observation_space.n, theirs.action_space.n)
    assert theirs.reset()[0] == world.start
    for state in range(len(world.land)):
        if not world.alive[state]:
            continue  # theirs have moves from the goal and from the cliff, which no episode makes
        for action in range(4):
            found = {}
            for share, to, reward, ends in theirs.P[state][action]:
                found[to, reward, ends] = found.get((to, reward, ends), 0) + share
            ours = {}
            for turn, share in ((0, 1 - world.slip), (1, world.slip / 2), (3, world.slip / 2)):
                direction = (action + turn) % 4
                table = world.land, world.reward, world.ends
                key = tuple(each[state, direction].item() for each in table)
                ours[key] = ours.get(key, 0) + share
            assert {k: v for k, v in ours.items() if v} == pytest.approx(found)


def test_a_walk_step_by_step_is_gymnasiums():
    gymnasium = pytest.importorskip("gymnasium")
    theirs, world = gymnasium.make("CliffWalking-v1"), gridworld(open_grid("cliff_walk")[1])
    state, generator = world.begin(1), torch.Generator().manual_seed(0)
    theirs.reset(seed=0)
    for action in torch.randint(4, (1000,), generator=generator).tolist():
        state, reward, ends = world.step(state, torch.tensor([action]), generator)
        seen, earned, terminated, _, _ = theirs.step(action)
        assert (state.item(), reward.item(), ends.item()) == (seen, earned, terminated)
        if terminated:
            theirs.reset()
            state = world.begin(1)
