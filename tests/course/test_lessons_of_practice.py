"""What the experiments of practice are made of: blocks computed again, many networks at once, canvases."""

import torch
from torch import nn

from gradschool.course.lessons.recomputed import counted, in_segments
from gradschool.course.lessons.small_models import SIDE, Reader, any_size, canvases, cropped, kinds, squeezed
from gradschool.course.lessons.small_nets import Networks, digits, from_unit, usual
from gradschool.fast.practice.selection import candidate_losses as fast_losses
from gradschool.ops.practice.selection import candidate_losses


def gradients(layers, x, segments):
    for layer in layers:
        layer.zero_grad()
    x = x.clone().requires_grad_()
    in_segments(layers, x, segments).square().mean().backward()
    return [x.grad, *(p.grad.clone() for layer in layers for p in layer.parameters())]


def test_blocks_computed_again_have_the_same_gradients_and_keep_less():
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Linear(8, 8), nn.Tanh()) for _ in range(9)]
    x, kept = torch.randn(4, 8), {}
    weights = [p for layer in layers for p in layer.parameters()]
    for segments in (0, 3, 9):
        with counted(weights) as live:
            found = gradients(layers, x, segments)
        assert live.now == 0, "all is forgotten after the backward pass"
        kept[segments] = live.peak
        for got, want in zip(found, gradients(layers, x, 0), strict=True):
            torch.testing.assert_close(got, want)
    assert kept[3] < kept[0]


def test_networks_at_once_learn_as_one_by_one():
    """Each has its own seed, so that its neighbours do not matter."""
    one = digits(0, 60, 20)
    settings = from_unit(torch.tensor([[0.5, 0.5, 0.5, 0.6], [0.7, 0.1, 0.9, 0.6]]))
    together = Networks(settings, [3, 4]).learn(*one.train, 5)
    single = Networks(from_unit(torch.tensor([[0.7, 0.1, 0.9, 0.6]])), [4]).learn(*one.train, 5)
    torch.testing.assert_close(together(one.test[0])[1], single(one.test[0])[0], rtol=1e-4, atol=1e-5)


def test_they_learn_and_frozen_layers_do_not():
    one = digits(0, 200, 400)
    nets = Networks(usual(2), [0, 1])
    before = nets.weights[0].detach().clone()
    nets.learn(*one.train, 10, first=2)
    assert torch.equal(nets.weights[0], before)
    assert nets.learn(*one.train, 100).errors(*one.test).max() < 0.25
    assert {len(part[1]) for part in (one.train, one.val, one.test)} == {200, 400, 1197}


def test_networks_of_all_kinds_answer():
    x = torch.randn(3, 1, 8, 8)
    for build in kinds().values():
        net = build()
        assert net(x).shape == (3, 10)
        assert 9000 < sum(p.numel() for p in net.parameters()) < 11_000
    assert any_size()(torch.randn(2, 1, 9, 21)).shape == (2, 10)
    assert Reader()(torch.randn(5, 28)).shape == (5, 1)


def test_a_canvas_holds_its_digit_and_is_brought_to_one_size():
    whole, sides = canvases(10 * torch.ones(20, 64), 0)
    assert sides.min() >= 10 and sides.max() <= 30
    for picture, (h, w) in zip(whole, sides.tolist(), strict=True):
        assert (picture > 5).sum() == 64 and (picture[:, h:] == 0).all() and (picture[:, :, w:] == 0).all()
    assert squeezed(whole, sides).shape == cropped(whole, sides).shape == (20, 1, SIDE, SIDE)
    small = [i for i, side in enumerate(sides.tolist()) if max(side) <= SIDE]
    assert (cropped(whole, sides)[small] > 5).sum() == 64 * len(small), "nothing is cut off a small canvas"


def test_greedy_steps_written_out_and_with_few_logarithms():
    source = torch.Generator().manual_seed(0)
    known = torch.rand(7, 53, generator=source, dtype=torch.float64) ** 6
    known[0, :5] = 0
    for count in (1, 2, 9):
        chosen = known[:3].sum(0) * (count - 1) / 3
        torch.testing.assert_close(
            fast_losses(known, chosen, count), candidate_losses.plain(known, chosen, count)
        )
