"""What all tensor worlds share: ends and new starts, time limits, checkpoints, seeds."""

import pytest
import torch

from gradschool.errors import UserError
from gradschool.rl.protocol import Discrete, World
from gradschool.rl.world import OWN, make

NAMES = sorted(OWN)


def acted(world, generator):
    """Random actions."""
    if isinstance(world.actions, Discrete):
        return torch.randint(world.actions.n, (world.count,), generator=generator)
    low, high = world.actions.low, world.actions.high
    return low + (high - low) * torch.rand(world.count, len(low), generator=generator)


def walked(world, steps, seed=0):
    """The steps of random actions."""
    generator = torch.Generator().manual_seed(seed)
    return [world.step(acted(world, generator)) for _ in range(steps)]


def same(one, other):
    """Whether two lists of steps are equal to the last bit."""
    pairs = zip(one, other, strict=True)
    return all(torch.equal(x, y) for a, b in pairs for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_shapes_types_and_ends(name):
    world = OWN[name](3, seed=1, limit=20)
    assert isinstance(world, World)
    assert world.reset().shape == (3, *world.shape)
    ended = 0
    for t, step in enumerate(walked(world, 60), 1):
        assert step.observation.shape == step.final.shape == (3, *world.shape)
        assert step.observation.dtype == step.reward.dtype == torch.float32
        assert step.terminated.dtype == step.truncated.dtype == torch.bool
        assert not (step.terminated & step.truncated).any()
        over = step.terminated | step.truncated
        assert torch.equal(step.observation[~over], step.final[~over])
        ended += over.sum().item()
        assert ended >= 3 * (t // 20)
    assert ended


@pytest.mark.parametrize("name", NAMES)
def test_the_step_after_the_last_begins_a_new_episode(name):
    """With a limit of 1 every step is cut off, and every observation is that of a start."""
    world = OWN[name](64, seed=2, limit=1)
    start = world.reset()
    step = walked(world, 1)[0]
    assert (step.truncated ^ step.terminated).all()
    assert not torch.equal(step.final, step.observation)
    assert torch.allclose(step.observation.mean(0), start.mean(0), atol=0.6)
    assert not world.elapsed.any()


def test_an_ended_episode_can_wait_for_its_reset():
    world = OWN["cartpole"](4, seed=0, limit=3)
    world.autoreset = False
    *_, step = walked(world, 3)
    assert step.truncated.all() and torch.equal(step.observation, step.final)
    assert torch.equal(world.at, step.final) and not torch.equal(world.reset(), step.final)


@pytest.mark.parametrize("name", NAMES)
def test_a_world_goes_on_bit_by_bit(name):
    world, other = make(name, 4, 7), make(name, 4, 8)
    walked(world, 30)
    saved = {key: value.clone() for key, value in world.state().items()}
    later = walked(world, 40, seed=1)
    other.load(saved)
    assert same(later, walked(other, 40, seed=1))


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"cliff_walk"}))
def test_seeds(name):
    starts = [make(name, 5, seed).reset() for seed in (1, 1, 2)]
    assert torch.equal(starts[0], starts[1]) and not torch.equal(starts[0], starts[2])
    world = make(name, 5, 1)
    again = [world.reset(torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*again)


def test_a_time_limit_is_no_termination():
    step = walked(OWN["pendulum"](2, limit=5), 5)[-1]
    assert step.truncated.all() and not step.terminated.any()


def test_an_unknown_world():
    with pytest.raises(UserError, match=r"there is no world 'cartpol'.*Did you mean cartpole"):
        make("cartpol", 1, 0)
    with pytest.raises(UserError, match="count is 0; wanted: at least 1"):
        make("cartpole", 0, 0)
