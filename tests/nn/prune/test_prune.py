"""Pruning against networks whose weights are set to 0 by hand: the same answers, in fewer numbers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.models.vision.lenet import lenet_digits, netconv
from gradschool.models.vision.resnet9 import resnet9
from gradschool.nn.prune.channels import chains, chosen, cut, resized
from gradschool.nn.prune.magnitude import mask, masks, matrices, settled, zeros

pytestmark = pytest.mark.usefixtures("unchecked")
NETS = {
    "resnet": (lambda: resnet9(5, 3, (8, 8), 2, 8, 1), (2, 3, 16, 16)),
    "digits": (lambda: lenet_digits(5, 1), (2, 1, 8, 8)),
    "flattened": (lambda: netconv(5, 1), (2, 1, 28, 28)),
}


def stirred(name):
    """A network in evaluation mode whose normalisations have gains, shifts and statistics of their own."""
    torch.manual_seed(0)
    make, shape = NETS[name]
    net = make().eval()
    for value in [*net.parameters(), *(b for b in net.buffers() if b.is_floating_point())]:
        value.data += 0.1 * torch.rand_like(value)
    return net, torch.randn(shape)


@settings(max_examples=20, deadline=None)
@given(share=st.floats(0.0, 1.0), seed=st.integers(0, 99))
def test_the_smallest_weights_of_the_whole_network_go(share, seed):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    found = masks(net, share)
    rows = [(w.abs().item(), m.item()) for n, k in found.items()
            for w, m in zip(net.get_submodule(n).weight.flatten(), k.flatten(), strict=True)]  # fmt: skip
    gone, stay = ([size for size, kept in rows if kept == flag] for flag in (0, 1))
    assert len(gone) == round(share * 18) and max(gone, default=0) <= min(stay, default=9)
    assert list(found) == ["0", "2"]  # biases stay


def test_what_is_0_stays_0_and_the_rest_learns():
    net, x = stirred("digits")
    before = {name: module.weight.detach().clone() for name, module in matrices(net).items()}
    mask(net, 0.7)
    optim = torch.optim.AdamW(net.parameters(), 1e-2, weight_decay=0.1)
    for _ in range(3):
        optim.zero_grad()
        net(x).square().sum().backward()
        optim.step()
    after = settled(net)
    assert (
        zeros(after) == pytest.approx(0.7, abs=1e-4)
        and after.state_dict().keys() == lenet_digits(5, 1).state_dict().keys()
    )
    for name, module in matrices(after).items():
        kept = module.weight != 0
        assert not torch.equal(module.weight[kept], before[name][kept])
    assert torch.equal(after(x), net(x))


def test_masked_weights_have_no_gradient():
    net = mask(torch.nn.Linear(3, 2, bias=False), 0.5)
    net(torch.ones(1, 3)).sum().backward()
    original = net.parametrizations.weight
    assert torch.equal(original.original.grad, original[0].mask)


@pytest.mark.parametrize(("name", "expected"), [("resnet", 4), ("digits", None), ("flattened", 2)])
def test_a_network_without_channels_is_the_one_with_zeros(name, expected):
    net, x = stirred(name)
    found = chains(net, x)
    assert found and (expected is None or len([c for c in found if "conv" in c.first]) == expected)
    kept = chosen(net, found, 0.5, 1)
    # 1. The whole network, with every weight that makes such a channel set to 0.
    by_hand, _ = stirred(name)
    for chain, index in zip(found, kept, strict=True):
        gone = torch.ones(chain.kept, dtype=torch.bool)
        gone[index] = False
        for layer in (chain.first, *chain.norms):
            module = by_hand.get_submodule(layer)
            module.weight.data[gone] = 0
            if module.bias is not None:
                module.bias.data[gone] = 0
    # 2. The network that is left. Sums have other orders: float32.
    for chain, index in zip(found, kept, strict=True):
        cut(net, chain, index)
    torch.testing.assert_close(net(x), by_hand(x), atol=1e-4, rtol=1e-4)
    ours, theirs = (sum(p.numel() for p in each.parameters()) for each in (net, by_hand))
    assert ours < 0.8 * theirs
    # 3. And a fresh one at its size takes its weights.
    facts = [{**c.facts(), "kept": len(i)} for c, i in zip(found, kept, strict=True)]
    again = resized(NETS[name][0](), facts).eval()
    again.load_state_dict(net.state_dict())
    assert torch.equal(again(x), net(x))


def test_the_weakest_channels_beside_their_layer_go():
    net, x = stirred("flattened")
    net.conv1.weight.data *= torch.linspace(1, 2, 32).view(-1, 1, 1, 1)
    net.conv2.weight.data *= 100  # another scale of a whole layer does not matter
    net.conv2.weight.data[5] *= 0.01
    found = chains(net, x)
    kept = dict(zip([each.first for each in found], chosen(net, found, 1 / 96, 1), strict=True))
    assert 5 not in kept["conv2"] and len(kept["conv2"]) == 63 and len(kept["conv1"]) == 32
    assert [len(each) for each in chosen(net, found, 0.999, 1)] == [1, 1]  # every layer keeps one
    packs = chosen(net, found, 0.3)
    assert all(len(each) % 8 == 0 for each in packs) and 5 not in packs[1].tolist()
    assert [len(each) for each in chosen(net, found, 0.999)] == [8, 8]


def test_a_shared_layer_keeps_its_channels():
    class Twice(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = (torch.nn.Conv2d(3, 3, 1) for _ in range(2))
            self.c = torch.nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return self.c(torch.relu(self.b(torch.relu(self.a(torch.relu(self.a(x)))))))

    assert [each.first for each in chains(Twice().eval(), torch.randn(2, 3, 4, 4))] == ["b"]
