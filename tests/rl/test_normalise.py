"""Running statistics against those of all data at once; normalised worlds: their scale, their checkpoints."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.rl.normalise import NormalisedWorld, Running
from gradschool.rl.world import World, make


@settings(max_examples=30)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 99), st.sampled_from([0.0, 1e6]))
def test_batches_add_up_to_all_data(sizes, seed, shift):
    """Far from 0 as well, where the difference of mean squares would have lost all digits."""
    data = (
        torch.randn(sum(sizes), 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + shift
    )
    running = Running((2,))
    for batch in data.split(sizes):
        running.update(batch)
    assert torch.allclose(running.mean, data.mean(0), rtol=1e-12, atol=1e-12)
    assert torch.allclose(running.variance, data.var(0, correction=0), rtol=1e-6, atol=1e-8)
    assert running.count == len(data)


def test_nothing_seen_changes_nothing():
    assert Running((3,)).variance.tolist() == [1, 1, 1]


def test_observations_and_rewards_have_a_common_scale():
    world = NormalisedWorld(make("pendulum", 16, 0))
    assert isinstance(world, World)
    world.reset()
    generator = torch.Generator().manual_seed(0)
    steps = [world.step(4 * torch.rand(16, 1, generator=generator) - 2) for _ in range(400)]
    seen = torch.cat([step.observation for step in steps[200:]])
    # The statistics still move a little.
    assert seen.mean(0).abs().max() < 0.3 and (seen.std(0) - 1).abs().max() < 0.3
    assert steps[-1].reward.dtype == seen.dtype == torch.float32
    # A return of 1/(1 - gamma) steps of such rewards has about the deviation 1.
    assert 0.01 < torch.stack([step.reward for step in steps[200:]]).std() < 1


def test_rewards_keep_their_sign_and_are_known_as_they_were():
    world = NormalisedWorld(make("cartpole", 4, 0), observations=False)
    plain = make("cartpole", 4, 0)
    assert torch.equal(
        world.reset(torch.Generator().manual_seed(1)), plain.reset(torch.Generator().manual_seed(1))
    )
    for _ in range(30):
        action = torch.tensor([0, 1, 0, 1])
        one, other = world.step(action), plain.step(action)
        assert torch.equal(world.earned, other.reward) and (one.reward > 0).all()
        assert torch.equal(one.final, other.final) and torch.equal(one.terminated, other.terminated)


def test_the_discounted_return_by_hand():
    """One copy, no end: returns 1, 1 + gamma, 1 + gamma + gamma^2; rewards are divided by their deviation."""
    world = NormalisedWorld(make("cartpole", 1, 0), gamma=0.5, observations=False)
    rewards = [world.step(torch.tensor([t % 2])).reward.item() for t in range(3)]
    returns = torch.tensor([1, 1.5, 1.75])
    assert rewards[2] == pytest.approx(1 / returns.std(correction=0).item(), rel=1e-4)
    assert rewards[0] == 10, "a single return has no deviation, and what is large is cut"


def test_a_test_does_not_move_the_statistics():
    world = NormalisedWorld(make("mountain_car", 2, 0))
    world.step(torch.tensor([0, 2]))
    before = world.seen.state() | {"gains": world.gains.mean}
    world.learning = False
    world.step(torch.tensor([0, 2]))
    after = world.seen.state() | {"gains": world.gains.mean}
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_checkpoint_holds_the_statistics():
    world, generator = NormalisedWorld(make("acrobot", 3, 1)), torch.Generator().manual_seed(0)
    world.reset()
    actions = torch.randint(3, (60, 3), generator=generator)
    for action in actions[:30]:
        world.step(action)
    saved = {key: value.clone() for key, value in world.state().items()}
    steps = [world.step(action) for action in actions[30:]]
    other = NormalisedWorld(make("acrobot", 3, 2))
    other.load(saved)
    for one, action in zip(steps, actions[30:], strict=True):
        assert all(torch.equal(x, y) for x, y in zip(one, other.step(action), strict=True))
