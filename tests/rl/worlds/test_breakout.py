"""The small Breakout against its rules in a plain loop, and the cliff walk against the drawing."""

import torch

from gradschool.rl.worlds.breakout import BALL, BRICK, PADDLE, TRAIL, Breakout
from gradschool.rl.worlds.grid import GridWorld


class Game:
    """One copy, cell by cell."""

    def __init__(self, right):
        self.bricks = {(r, c) for r in (1, 2, 3) for c in range(10)}
        self.ball, self.trail, self.paddle = (3, 9 if right else 0), (3, 9 if right else 0), 4
        self.way = [1, -1 if right else 1]

    def step(self, action):
        """Reward, and whether it is over."""
        self.paddle = min(max(self.paddle + (0, -1, 1)[action], 0), 9)
        (old_r, old_c), reward, over = self.ball, 0, False
        r, c = old_r + self.way[0], old_c + self.way[1]
        if not 0 <= c <= 9:
            c, self.way[1] = min(max(c, 0), 9), -self.way[1]
        if r < 0:
            r, self.way[0] = 0, -self.way[0]
        elif (r, c) in self.bricks:
            self.bricks.remove((r, c))
            r, self.way[0], reward = old_r, -self.way[0], 1
        elif r == 9:
            if not self.bricks:
                self.bricks = {(r, c) for r in (1, 2, 3) for c in range(10)}
            if self.paddle in (old_c, c):
                if self.paddle != old_c:
                    self.way[1] = -self.way[1]
                r, self.way[0] = old_r, -self.way[0]
            else:
                over = True
        self.trail, self.ball = (old_r, old_c), (r, c)
        return reward, over


def seen(game):
    planes = torch.zeros(4, 10, 10)
    planes[PADDLE, 9, game.paddle] = planes[BALL][game.ball] = planes[TRAIL][game.trail] = 1
    for r, c in game.bricks:
        planes[BRICK, r, c] = 1
    return planes


def test_breakout_follows_its_rules():
    """A player that mostly runs after the ball, so that games last and rows are cleared."""
    world, generator = Breakout(4, seed=0), torch.Generator().manual_seed(0)
    fresh = [Game(bool(row[1])) for row in world.at.tolist()]
    games, earned, overs = fresh, 0, 0
    for _ in range(1_500):
        side = (world.at[:, 1] + world.at[:, 3] - world.at[:, 4]).sign().long()
        actions = torch.where(side < 0, 1, torch.where(side > 0, 2, 0))
        chance = torch.rand(4, generator=generator) < 0.02
        actions = torch.where(chance, torch.randint(3, (4,), generator=generator), actions)
        step = world.step(actions)
        for i, game in enumerate(games):
            reward, over = game.step(actions[i].item())
            assert step.reward[i].item() == reward and step.terminated[i].item() == over
            assert torch.equal(step.final[i], seen(game))
            earned, overs = earned + reward, overs + over
            if over or step.truncated[i]:
                games[i] = Game(bool(world.at[i, 1]))
                assert torch.equal(step.observation[i], seen(games[i]))
    assert earned > 100 and overs


def test_bricks_are_filled_again():
    world = Breakout(1)
    world.at[0, 7:] = 0
    world.at[0, :5] = torch.tensor([8.0, 4, 1, 1, 4])
    step = world.step(torch.tensor([0]))
    assert step.final[0, BRICK].sum() == 30 and not step.terminated.any()


def test_the_cliff_walk_is_seen_as_one_hot():
    world = GridWorld(2)
    step = world.step(torch.tensor([0, 1]))
    assert step.final.argmax(1).tolist() == [24, 36] and step.reward.tolist() == [-1, -100]
    for action in [1] * 11 + [2]:
        step = world.step(torch.tensor([action, 0]))
    assert step.terminated.tolist() == [True, False] and step.observation[0].argmax() == 36
