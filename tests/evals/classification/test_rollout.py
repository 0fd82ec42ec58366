"""Attention roll-out: by hand on two layers, against torch's own weights, and as a section of a report."""

import pytest
import torch
from torch import nn

from gradschool.evals.classification.rollout import attentions, patch_maps
from gradschool.models.vision.lenet import netconv
from gradschool.models.vision.vit import PlainViT, ViT
from gradschool.ops.interpret.rollout import rollout


def test_two_layers_by_hand():
    first, second = torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    layers = [torch.stack([each, each])[None] for each in (first, second)]  # two heads that agree
    # (second + 1) / 2 times (first + 1) / 2.
    wanted = torch.tensor([[0.625, 0.375], [0.625, 0.375]])
    torch.testing.assert_close(rollout(layers)[0], wanted)


def test_rows_are_shares():
    layers = [
        torch.randn(3, 4, 5, 5, generator=torch.Generator().manual_seed(i)).softmax(-1) for i in range(3)
    ]
    torch.testing.assert_close(rollout(layers).sum(-1), torch.ones(3, 5))
    assert torch.equal(rollout([torch.eye(5).expand(2, 4, 5, 5)]), torch.eye(5).expand(2, 5, 5))


def weights_by_torch(model, h):
    """The weights of a network's layers of attention, by torch's own module."""
    found = []
    for block in model.blocks:
        layer = block.attention.layer
        peer = nn.MultiheadAttention(h.shape[-1], layer.heads, batch_first=True)
        parts = (layer.query, layer.key, layer.value)
        peer.in_proj_weight.data = torch.cat([part.weight for part in parts])
        peer.in_proj_bias.data = torch.cat([part.bias for part in parts])
        normed = block.attention.norm(h)
        found.append(peer(normed, normed, normed, average_attn_weights=False)[1])
        h = block(h)
    return found


@torch.no_grad()
@pytest.mark.parametrize("token", [True, False])
def test_maps_are_those_of_torchs_weights(token):
    torch.manual_seed(0)
    model = (ViT(3, 1, 12, 4, 16, 2, 2) if token else PlainViT(3, 1, 4, 16, 2, 2)).eval()
    for p in model.parameters():
        nn.init.normal_(p, std=0.4)
    x, seen = torch.randn(2, 1, 12, 12), []
    model.blocks[0].register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    found = patch_maps(model, x)
    whole = rollout(weights_by_torch(model, seen[0]))
    wanted = whole[:, 0, 1:] / whole[:, 0, 1:].sum(1, keepdim=True) if token else whole.mean(1)
    torch.testing.assert_close(found.flatten(1), wanted)
    assert found.shape == (2, 3, 3)


def test_networks_without_patches_have_no_maps():
    assert attentions(netconv(10)) == []
    assert len(attentions(ViT(3, 1, 12, 4, 16, 2, 2))) == 2
