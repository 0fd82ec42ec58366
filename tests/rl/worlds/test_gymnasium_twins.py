"""Tensor worlds against Gymnasium's: the same states and actions for 1,000 steps in float64."""

import numpy as np
import pytest
import torch

from gradschool.rl.world import OWN

gymnasium = pytest.importorskip("gymnasium", reason="Gymnasium is an optional part")

TWINS = {
    "cartpole": "CartPole-v1",
    "mountain_car": "MountainCar-v0",
    "acrobot": "Acrobot-v1",
    "pendulum": "Pendulum-v1",
}


def chosen(name, world, generator, random):
    """Actions for all copies: at random, or such that episodes get on (swing with the motion)."""
    if name == "pendulum":
        return 4 * torch.rand(world.count, 1, generator=generator, dtype=torch.float64) - 2
    n = world.actions.n
    if random:
        return torch.randint(n, (world.count,), generator=generator)
    speed = world.at[:, 3] if name == "cartpole" else world.at[:, 1]
    return (speed > 0).long() * (n - 1)


CASES = [(name, random) for name in TWINS for random in (True, False) if random or name != "pendulum"]


@pytest.mark.parametrize(("name", "random"), CASES)
def test_a_thousand_steps_are_gymnasiums(name, random):
    """1e-6 leaves room for the rounding of other processors' sines, which chaotic motion magnifies."""
    world = OWN[name](1, seed=3, dtype=torch.float64)
    peer = gymnasium.make(TWINS[name], disable_env_checker=True)
    generator = torch.Generator().manual_seed(5)
    assert world.shape == peer.observation_space.shape and world.limit == peer.spec.max_episode_steps
    fresh, ours, theirs, ends = True, [], [], []
    for _ in range(1_000):
        if fresh:
            peer.reset()
            peer.unwrapped.state = world.at[0].numpy().copy()
        actions = chosen(name, world, generator, random)
        step = world.step(actions)
        seen, reward, terminated, truncated, _ = peer.step(
            actions[0].numpy() if name == "pendulum" else actions.item()
        )
        ours.append([*step.final[0].tolist(), step.reward.item()])
        theirs.append([*seen, reward])
        assert (step.terminated.item(), step.truncated.item()) == (terminated, truncated)
        fresh = terminated or truncated
        if fresh:
            ends.append(terminated)
        else:
            ours[-1] += world.at[0].tolist()
            theirs[-1] += list(peer.unwrapped.state)
    for one, other in zip(ours, theirs, strict=True):
        assert np.abs(np.array(one) - np.array(other)).max() < 1e-6
    assert ends
