"""Low-rank adaptation: the same at first, itself alone trained, merged into one matrix."""

import pytest
import torch
from torch import nn as theirs
from torch.nn import functional as F

from gradschool import nn
from gradschool.nn.attention.block import block
from gradschool.nn.attention.feedforward import FeedForward
from gradschool.nn.attention.lora import LoRA, LoRAConv, adapt, adapt_all, difference, merge


def model():
    torch.manual_seed(0)
    return block(12, 3, FeedForward(12))


def trained(net, x):
    """A few steps of the parameters that learn."""
    torch.manual_seed(1)
    target, learned = torch.randn_like(x), [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learned, 0.1)
    for _ in range(10):
        optimiser.zero_grad()
        F.mse_loss(net(x), target).backward()
        optimiser.step()
    return net


def test_it_begins_as_the_model_was_and_trains_itself_alone():
    net, x = model(), torch.randn(2, 5, 12)
    before, y = {k: v.clone() for k, v in net.state_dict().items()}, net(x)
    adapt(net, rank=2)
    torch.testing.assert_close(net(x), y, rtol=0, atol=0)
    learned = [name for name, p in net.named_parameters() if p.requires_grad]
    assert learned == [
        f"attention.layer.{name}.{part}" for name in ("query", "value") for part in ("down", "up")
    ]
    trained(net, x)
    after = net.state_dict()
    for name, value in before.items():
        base = name.replace("query.", "query.base.").replace("value.", "value.base.")
        assert torch.equal(after[base], value)
    assert not torch.allclose(net(x), y)


@pytest.mark.parametrize("names", [("query", "value"), ("widen", "output")])
def test_merged_equals_unmerged(names):
    net, x = adapt(model(), 3, 5.0, names), torch.randn(2, 5, 12)
    trained(net, x)
    y, keys = net(x), model().state_dict().keys()
    merged = merge(net)
    # One matrix instead of two: sums of 12 products in another order, in float32.
    torch.testing.assert_close(merged(x), y, rtol=1e-6, atol=2e-6)
    assert merged.state_dict().keys() == keys and not any(isinstance(m, LoRA) for m in merged.modules())


def test_merged_equals_unmerged_in_float64_to_the_last_digits():
    net, x = adapt(model().double(), 3), torch.randn(2, 5, 12, dtype=torch.float64)
    trained(net, x)
    y = net(x)
    torch.testing.assert_close(merge(net)(x), y, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", [nn.Linear, theirs.Linear])
@pytest.mark.parametrize("bias", [True, False])
def test_it_wraps_any_linear_layer_and_is_its_formula(kind, bias):
    torch.manual_seed(0)
    base = kind(6, 4, bias=bias)
    net, x = LoRA(base, 2, 3.0), torch.randn(5, 6)
    theirs.init.normal_(net.up)
    wanted = F.linear(x, base.weight + 1.5 * net.up @ net.down, base.bias)
    torch.testing.assert_close(net(x), wanted)
    torch.testing.assert_close(net.merged()(x), wanted)
    assert torch.linalg.matrix_rank(net.merged().weight - base.weight, rtol=1e-4) == 2
    assert "rank=2, scale=1.5" in repr(net)


def test_what_was_learned_is_saved_without_the_model():
    net = adapt(model(), 2)
    learned = difference(net)
    assert len(learned) == 4 and sum(v.numel() for v in learned.values()) == 2 * 2 * (2 * 12)
    fresh = adapt(model(), 2)
    missing = fresh.load_state_dict(trained(net, torch.randn(1, 3, 12)).state_dict(), strict=False)
    assert not missing.unexpected_keys


def test_refusals_are_sentences():
    with pytest.raises(ValueError, match="rank is 5, 1 to 4 was wanted"):
        LoRA(nn.Linear(6, 4), 5)
    with pytest.raises(ValueError, match="some of key, output, query, value, widen were wanted"):
        adapt(model(), names=("q_proj",))


def small_net():
    """Every sort of layer: a plain convolution, one in groups, one of one pixel, one too thin, a linear
    one."""
    torch.manual_seed(0)
    return theirs.Sequential(
        theirs.Conv2d(3, 8, 3, stride=2, padding=1, dilation=2), theirs.Conv2d(8, 8, 3, groups=8),
        theirs.Conv2d(8, 6, 1, bias=False), theirs.Conv2d(6, 2, 1), theirs.Flatten(), theirs.Linear(18, 5),
    ).double()  # fmt: skip


def learn(net, x):
    """A few steps towards other answers."""
    learned = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learned, 0.05)
    for _ in range(5):
        optimiser.zero_grad()
        (net(x) - 1).square().mean().backward()
        optimiser.step()


def test_every_layer_with_room_is_adapted_and_nothing_changes_at_first():
    net, x = small_net(), torch.randn(2, 3, 11, 11, dtype=torch.float64)
    y = net(x)
    adapt_all(net, rank=3)
    torch.testing.assert_close(net(x), y, rtol=0, atol=0)
    assert [type(layer).__name__ for layer in net] == [
        "LoRAConv", "Conv2d", "LoRAConv", "Conv2d", "Flatten", "LoRA"
    ]  # fmt: skip
    learned = {name for name, p in net.named_parameters() if p.requires_grad}
    assert learned == {f"{i}.{part}" for i in (0, 2, 5) for part in ("down", "up")}
    assert difference(net).keys() == learned


def test_merged_convolutions_equal_unmerged_to_the_last_digits():
    net, x = adapt_all(small_net(), rank=3), torch.randn(2, 3, 11, 11, dtype=torch.float64)
    before = small_net()
    learn(net, x)
    y = net(x)
    assert not torch.allclose(y, before(x)), "something was learned"
    merged = merge(net)
    torch.testing.assert_close(merged(x), y, rtol=1e-12, atol=1e-12)
    assert merged.state_dict().keys() == before.state_dict().keys()
    assert not any(isinstance(m, LoRA | LoRAConv) for m in merged.modules())


def test_what_a_convolution_learns_has_the_rank_that_was_asked_for():
    layer = LoRAConv(theirs.Conv2d(4, 6, 3), rank=2, alpha=2.0)
    with torch.no_grad():
        layer.up.normal_()
    change = (layer.merged().weight - layer.base.weight).flatten(1)
    assert torch.linalg.matrix_rank(change, rtol=1e-5) == 2


def test_a_rank_without_room_is_refused():
    with pytest.raises(ValueError, match="rank is 9, and no layer has room for it"):
        adapt_all(theirs.Sequential(theirs.Linear(8, 8)), rank=9)
    with pytest.raises(ValueError, match="rank is 5, 1 to 4 was wanted"):
        LoRAConv(theirs.Conv2d(4, 4, 1), rank=5)
