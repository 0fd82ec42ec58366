"""Blocks against torch's layers of the same weights, and feed-forward layers against their formulas."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn as theirs
from torch.nn import functional as F

from gradschool.nn.activation import ReLU
from gradschool.nn.attention.block import CrossBlock, PostNorm, PreNorm, block
from gradschool.nn.attention.feedforward import FeedForward, SquaredReLU, SwiGLU
from gradschool.nn.attention.multihead import Attention
from gradschool.nn.norm import LayerNorm
from gradschool.ops.switch import using

sys.path.insert(0, str(Path(__file__).parent))
import peers


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def shaken(net):
    """Gains and biases are no longer ones and zeros, so that a mistake in them shows."""
    torch.manual_seed(1)
    for p in net.parameters():
        if p.dim() == 1:
            theirs.init.normal_(p)
    return net.double()


@pytest.mark.parametrize("residual", [PreNorm, PostNorm])
@pytest.mark.parametrize("form", ["plain", "fast"])
@pytest.mark.parametrize("act", ["relu", "gelu"])
def test_a_block_is_torchs_encoder_layer(residual, form, act):
    more = {"norm_first": residual is PreNorm, "activation": act, "dropout": 0.0, "batch_first": True}
    peer = shaken(theirs.TransformerEncoderLayer(12, 3, 20, **more))
    mine = block(12, 3, FeedForward(12, 20, ReLU() if act == "relu" else None), residual).double()
    mine.load_state_dict(peers.encoder_layer(peer.state_dict()))
    x, valid = noise(2, 5, 12), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
    hidden = ~torch.ones(5, 5, dtype=torch.bool).tril()
    found = []
    for net in (mine, peer):
        leaf = x.clone().requires_grad_()
        with using(form):
            y = (mine(leaf, mask=valid[:, None, None] & ~hidden) if net is mine
                 else peer(leaf, hidden, ~valid))  # fmt: skip
        loss = (y[valid] * noise(8, 12, seed=3)).sum()
        slopes = torch.autograd.grad(loss, [leaf, *sorted_parameters(net)])
        found.append([y[valid], slopes[0]])
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-10)


def sorted_parameters(net):
    return [p for _, p in sorted(net.named_parameters())]


@pytest.mark.parametrize("residual", [PreNorm, PostNorm])
def test_a_cross_block_is_torchs_decoder_layer(residual):
    more = {"norm_first": residual is PreNorm, "dropout": 0.0, "batch_first": True}
    peer = shaken(theirs.TransformerDecoderLayer(12, 3, 20, **more))
    parts = Attention(12, 3), Attention(12, 3), FeedForward(12, 20, ReLU())
    mine = CrossBlock(*(residual(LayerNorm(12), part) for part in parts)).double()
    mine.load_state_dict(peers.decoder_layer(peer.state_dict()))
    x, memory = noise(2, 5, 12), noise(2, 4, 12, seed=1)
    valid = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    hidden = ~torch.ones(5, 5, dtype=torch.bool).tril()
    ours = mine(x, memory, valid[:, None, None], causal=True)
    torch.testing.assert_close(ours, peer(x, memory, hidden, memory_key_padding_mask=~valid))


def test_before_and_after_differ_and_dropout_is_for_training():
    x = noise(2, 3, 12)
    before, after = (
        block(12, 3, FeedForward(12), kind, dropout=0.5).double() for kind in (PreNorm, PostNorm)
    )
    after.load_state_dict(before.state_dict())
    assert not torch.allclose(before.eval()(x), after.eval()(x))
    assert torch.equal(before(x), before(x)) and not torch.equal(before.train()(x), before(x))


def test_feed_forward_layers_are_their_formulas():
    x = noise(2, 3, 6)
    square = FeedForward(6, 10, SquaredReLU(), bias=False).double()
    w1, w2 = square.widen.weight, square.output.weight
    torch.testing.assert_close(square(x), F.linear(F.relu(F.linear(x, w1)).square(), w2))
    swiglu = SwiGLU(6, 10).double()
    gate, widen, output = (layer.weight for layer in (swiglu.gate, swiglu.widen, swiglu.output))
    torch.testing.assert_close(swiglu(x), F.linear(F.silu(F.linear(x, gate)) * F.linear(x, widen), output))
    gelu = FeedForward(6).double()
    hidden = F.gelu(F.linear(x, gelu.widen.weight, gelu.widen.bias))
    torch.testing.assert_close(gelu(x), F.linear(hidden, gelu.output.weight, gelu.output.bias))


@pytest.mark.parametrize("width", [64, 96, 256, 384, 768])
def test_a_gate_costs_no_parameters(width):
    two, three = FeedForward(width, bias=False), SwiGLU(width)
    sizes = [sum(p.numel() for p in net.parameters()) for net in (two, three)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.1)
