"""Vision transformers: torchvision's, packed images alone, attention with offsets by a loop."""

import sys
from pathlib import Path

import pytest
import torch
from torchvision.models.vision_transformer import VisionTransformer

from gradschool.models.vision.coatnet import coatnet_small
from gradschool.models.vision.packed_vit import packed_vit
from gradschool.models.vision.vit import ViT, plain_vit, vit, vit_b_16
from gradschool.nn.attention.patches import Patches, on_grid
from gradschool.nn.attention.relative import RelativeAttention

sys.path.insert(0, str(Path(__file__).parents[2] / "nn/attention"))
import peers


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def from_torchvision(state, depth):
    """The state dict of torchvision's VisionTransformer under our names."""
    found = {"token": state["class_token"], "positions": state["encoder.pos_embedding"]}
    for our, their in (("patches.project", "conv_proj"), ("norm", "encoder.ln"), ("head", "heads.head")):
        found |= peers.under(our, peers.norm(state, their))
    for i in range(depth):
        their = f"encoder.layers.encoder_layer_{i}."
        renamed = {
            name.removeprefix(their).replace("mlp.0", "linear1").replace("mlp.3", "linear2"): value
            for name, value in state.items()
        }
        found |= peers.under(f"blocks.{i}.attention.layer", peers.attention(renamed, "self_attention."))
        found |= peers.under(f"blocks.{i}.attention.norm", peers.norm(renamed, "ln_1"))
        found |= peers.under(f"blocks.{i}.feed.layer", peers.feed(renamed))
        found |= peers.under(f"blocks.{i}.feed.norm", peers.norm(renamed, "ln_2"))
    return found


@torch.no_grad()
def test_it_is_torchvisions_vit_with_these_weights():
    torch.manual_seed(0)
    peer = VisionTransformer(12, 4, 2, 3, 24, 96, num_classes=5).double().eval()
    for p in peer.parameters():
        torch.nn.init.normal_(p, std=0.3)
    net = ViT(5, 3, 12, 4, 24, 2, 3).double().eval()
    net.load_state_dict(from_torchvision(peer.state_dict(), 2))
    x = noise(2, 3, 12, 12)
    torch.testing.assert_close(net(x), peer(x), rtol=1e-9, atol=1e-10)


def test_published_size():
    with torch.device("meta"):
        assert sum(p.numel() for p in vit_b_16(1000).parameters()) == 86_567_656


@torch.no_grad()
def test_packed_images_are_themselves_alone():
    torch.manual_seed(0)
    net = packed_vit(5, 2, 4, 24, 2, 3).double()
    images = [noise(2, h, w, seed=h) for h, w in ((8, 8), (5, 13), (4, 4), (16, 9))]
    y = net(images)
    torch.testing.assert_close(y, torch.cat([net([image]) for image in images]))
    order = [2, 0, 3, 1]
    torch.testing.assert_close(net([images[i] for i in order]), y[order])
    plain = plain_vit(5, 2, 4, 24, 2, 3).double()
    state = {name: net.state_dict()[name] for name in plain.state_dict()}
    plain.load_state_dict(state)
    same = torch.stack([noise(2, 8, 12, seed=i) for i in range(3)])
    # Their norms differ in what they add to the variance: 1e-6 and 1e-5.
    torch.testing.assert_close(net(same), plain(same), rtol=1e-3, atol=1e-4)


def test_packed_images_of_other_channels_are_refused():
    net = packed_vit(5, 2, 4, 24, 1, 3)
    with pytest.raises(ValueError, match="1 channels, 2 were wanted"):
        net([torch.zeros(2, 8, 8), torch.zeros(1, 8, 8)])
    with pytest.raises(ValueError, match="a multiple of the patch of 5"):
        vit(5, 3, 32, 5)


@torch.no_grad()
def test_a_patch_is_a_linear_map_of_its_pixels_and_knows_its_place():
    net, x = Patches(3, 4, 8).double(), noise(2, 3, 7, 10)
    y, whole = net(x), torch.zeros(2, 3, 8, 12, dtype=torch.float64)
    whole[:, :, :7, :10] = x
    assert y.shape == (2, 2, 3, 8)
    pixels = whole[:, :, 4:8, 8:12].flatten(1)
    torch.testing.assert_close(y[:, 1, 2], pixels @ net.project.weight.flatten(1).T + net.project.bias)
    grid = on_grid(torch.zeros(1, 5, 6, 16, dtype=torch.float64))[0]
    torch.testing.assert_close(grid[:, 2, :8], grid[:, 4, :8])  # rows do not depend on the column
    torch.testing.assert_close(grid[1, :, 8:], grid[3, :, 8:])
    assert torch.pdist(grid.flatten(0, 1)).min() > 0.3


@torch.no_grad()
def test_attention_with_offsets_is_its_formula():
    torch.manual_seed(0)
    net, h = RelativeAttention(8, 2, reach=1).double(), noise(1, 6, 8)
    torch.nn.init.normal_(net.offsets)
    q, k, v = net.project(h)[0].view(6, 3, 2, 4).permute(1, 2, 0, 3)
    heads = torch.zeros(6, 2, 4, dtype=torch.float64)
    for head in range(2):
        for i in range(6):
            scores = torch.stack([
                q[head, i] @ k[head, j] / 2
                + net.offsets[head, 1 + i // 3 - j // 3, 1 + max(-1, min(1, i % 3 - j % 3))]
                for j in range(6)
            ])  # fmt: skip
            heads[i, head] = torch.softmax(scores, 0) @ v[head]
    wanted = heads.flatten(1) @ net.output.weight.T + net.output.bias
    torch.testing.assert_close(net(h, 2, 3)[0], wanted)


@torch.no_grad()
def test_offsets_do_not_depend_on_the_place():
    net = coatnet_small(5).stages[-1].attentions[0].layer
    torch.nn.init.normal_(net.offsets)
    bias = net.bias(3, 4)
    assert bias.shape == (6, 12, 12)
    torch.testing.assert_close(bias[:, 0, 5], bias[:, 6, 11])  # one row down, one column to the right
    torch.testing.assert_close(bias[:, 1, 0], bias[:, 11, 10])
