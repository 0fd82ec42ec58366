"""Restorers: shapes, range, and what the convolutional one sees."""

import pytest
import torch

from gradschool.models.dense.restorer import conv_restorer, dense_restorer


@pytest.mark.parametrize("build", [conv_restorer, dense_restorer])
@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 12)])
def test_pictures_in_pictures_out(build, channels, side):
    model = build(channels, side, width=16)
    x, mask = torch.rand(5, channels, side, side), torch.rand(5, 1, side, side) < 0.3
    y = model(x, mask)
    assert y.shape == x.shape
    assert y.min() >= 0 and y.max() <= 1
    y.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_a_pixel_sees_as_far_as_stated():
    model = conv_restorer(1, 25, width=4, blocks=2).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(0.1, 0.2)  # no path may cancel
    x = torch.rand(1, 1, 25, 25, requires_grad=True)
    raw = model.head(model.blocks(model.stem(torch.cat([x, torch.zeros_like(x)], 1))))
    (slope,) = torch.autograd.grad(raw[0, 0, 12, 12], x)
    reach = (slope[0, 0] != 0).nonzero()
    assert (reach.max() - 12, 12 - reach.min()) == (6, 6)  # 2 blocks + 2
