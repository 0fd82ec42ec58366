"""Convolutions in front of agents' networks."""

import pytest
import torch

from gradschool.models.policy.agents import ActorCritic, QNetwork
from gradschool.nn.rl.pixels import Pixels, is_picture


@pytest.mark.parametrize(("shape", "features"), [((4, 84, 84), 3136), ((4, 10, 10), 1024)])
def test_sizes_as_published(shape, features):
    """3,136 features of a screen (Mnih et al. 2015), 1,024 of a board of 10 x 10 (Young and Tian 2019)."""
    torch.manual_seed(0)
    front = Pixels(shape)
    rows = torch.rand(2, 3, shape[0] * shape[1] * shape[2])
    found = front(rows)
    assert front.features == features and found.shape == (2, 3, features)
    torch.testing.assert_close(found[1, 2], front(rows[1, 2][None])[0])


def test_bytes_are_read_as_shares():
    front = Pixels((4, 10, 10))
    pixels = torch.randint(256, (3, 400), dtype=torch.uint8)
    torch.testing.assert_close(front(pixels), front(pixels / 255))


def test_neighbours_matter():
    """A picture that is moved by a cell gives the same features, moved."""
    front = Pixels((1, 10, 10))
    picture = torch.zeros(1, 1, 10, 10)
    picture[0, 0, 4:6, 4:6] = 1.0
    here = front(picture.flatten(1)).view(16, 8, 8)
    there = front(picture.roll(1, 3).flatten(1)).view(16, 8, 8)
    torch.testing.assert_close(there[:, 2:6, 2:7], here[:, 2:6, 1:6])


@pytest.mark.parametrize(("shape", "expected"), [((4, 10, 10), True), ((2, 3, 3), False), ((4,), False)])
def test_which_networks_have_them(shape, expected):
    size = 1
    for side in shape:
        size *= side
    observation = torch.rand(5, size)
    assert is_picture(shape) == expected
    networks = ActorCritic(shape, 3, False, (8,)), QNetwork(shape, 3, (8,))
    for network in networks:
        assert any(isinstance(each, Pixels) for each in network.modules()) == expected
    logits, value = networks[0](observation)
    assert logits.shape == networks[1](observation).shape == (5, 3) and value.shape == (5,)
