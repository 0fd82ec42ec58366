"""What single networks promise beyond the common contract."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from gradschool.models.vision.coursework import coursework
from gradschool.models.vision.densenet import DenseLayer
from gradschool.models.vision.inception import mixed
from gradschool.models.vision.lenet import lenet5
from gradschool.models.vision.mlp import mlp, netfull, netlin, simple_ffn
from gradschool.models.vision.nin import nin
from gradschool.models.vision.preact_resnet import PreActBasic
from gradschool.models.vision.quicknet import quicknet
from gradschool.models.vision.resnet9 import resnet9
from gradschool.models.vision.senet import SqueezeExcite
from gradschool.models.vision.shufflenet import shuffle
from gradschool.nn.residual import BasicBlock


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_hooks_see_every_stage_of_the_coursework_net():
    model, seen = coursework(20).eval(), {}
    for name in ("conv1", *(f"layer{i}" for i in range(1, 7))):
        getattr(model, name).register_forward_hook(
            lambda _, __, y, name=name: seen.update({name: y.shape[1:]})
        )
    with torch.no_grad():
        model(noise(1, 3, 256, 256))
    assert list(seen.values()) == [(16 * 2 ** max(0, i - 1), 256 >> i, 256 >> i) for i in range(7)]


def test_coursework_pools_as_the_starter_does_at_256():
    model, maps = coursework(20).eval(), []
    model.layer6.register_forward_hook(lambda _, __, y: maps.append(y))
    with torch.no_grad():
        found = model(noise(1, 3, 256, 256))
        expected = F.linear(F.max_pool2d(maps[0], 4).flatten(1), model.fc.weight, model.fc.bias)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_linear_nets_are_what_their_names_say():
    x = noise(3, 1, 28, 28)
    lin = netlin(10)
    weight, bias = lin.state_dict().values()
    torch.testing.assert_close(lin(x), x.flatten(1) @ weight.T + bias)
    full = netfull(10, hidden=30)
    w1, b1, w2, b2 = full.state_dict().values()
    torch.testing.assert_close(full(x), torch.tanh(x.flatten(1) @ w1.T + b1) @ w2.T + b2)
    ffn = simple_ffn(10)
    shapes = [tuple(p.shape) for p in ffn.parameters()]
    assert shapes == [(200, 784), (50, 200), (10, 50)]


@given(st.integers(1, 4), st.integers(2, 9), st.lists(st.integers(1, 8), max_size=3))
@settings(deadline=None, max_examples=10)
def test_mlp_of_any_shape(channels, side, hidden):
    model = mlp(5, channels, side, hidden)
    assert model(noise(2, channels, side, side)).shape == (2, 5)
    with pytest.raises(ValueError, match=f"images are {side + 1}x{side} pixels, {side}x{side} was wanted"):
        model(noise(2, channels, side, side + 1))


def test_lenet_pads_28_pixels_to_the_32_of_the_paper():
    model, x = lenet5(10).eval(), noise(2, 1, 28, 28)
    torch.testing.assert_close(model(x), model(F.pad(x, (2, 2, 2, 2))))


@given(st.integers(20, 48), st.integers(20, 48))
@settings(deadline=None, max_examples=10)
def test_lenet_takes_any_size(height, width):
    assert lenet5(10)(noise(1, 1, height, width)).shape == (1, 10)


def test_first_layers_have_the_counts_of_the_course():
    conv = lenet5(10).conv1
    parameters = sum(p.numel() for p in conv.parameters())
    # LeNet's first layer: 156 parameters; 28 x 28 places make 122,304 connections (LeCun et al. 1998, II.B).
    assert (parameters, parameters * 28 * 28) == (156, 122_304)


def test_blocks_add_their_input():
    x = noise(2, 8, 5, 5)
    for block in (BasicBlock(8, 8), PreActBasic(8, 8, 1)):
        block.eval()
        with torch.no_grad():
            block.conv2.weight.zero_()
            torch.testing.assert_close(block(x), x.relu() if isinstance(block, BasicBlock) else x)


def test_dense_layer_keeps_its_input():
    y = DenseLayer(6, 4).eval()(x := noise(2, 6, 5, 5))
    assert y.shape == (2, 10, 5, 5)
    torch.testing.assert_close(y[:, :6], x)


def test_inception_joins_four_branches():
    block = mixed(12, 2, (3, 4), (5, 6), 7).eval()
    assert block(noise(2, 12, 9, 9)).shape == (2, 2 + 4 + 6 + 7, 9, 9)


def test_squeeze_excite_scales_whole_channels():
    x = noise(2, 32, 5, 5)
    scale = SqueezeExcite(32)(x) / x
    assert scale.std((2, 3)).max() < 1e-5 and scale.min() > 0 and scale.max() < 1


@given(st.integers(1, 6), st.integers(1, 3))
@settings(deadline=None, max_examples=10)
def test_shuffle_interleaves_as_torch_does(half, size):
    x = noise(2, 2 * half, size, size)
    torch.testing.assert_close(shuffle(x), F.channel_shuffle(x, 2), rtol=0, atol=0)


def test_nin_scores_are_means_of_maps():
    model, maps = nin(10).eval(), []
    model.block3.register_forward_hook(lambda _, __, y: maps.append(y))
    with torch.no_grad():
        found = model(noise(2, 3, 32, 32))
    torch.testing.assert_close(found, maps[0].mean((2, 3)))


@given(st.sampled_from([8, 16, 24]), st.integers(1, 3), st.integers(1, 2))
@settings(deadline=None, max_examples=6)
def test_quicknet_has_the_width_and_depth_asked_for(width, depth, stride):
    model = quicknet(4, 3, width, depth, stride).eval()
    assert model.fc.in_features == 8 * width
    assert all(len(getattr(model, f"layer{i}")) == depth for i in range(1, 5))
    assert model(noise(1, 3, 32, 32)).shape == (1, 4)


@given(st.lists(st.sampled_from([8, 16]), min_size=1, max_size=3), st.integers(1, 2), st.integers(1, 2))
@settings(deadline=None, max_examples=6)
def test_resnet9_halves_the_image_once_a_stage(widths, depth, stride):
    model = resnet9(4, 3, widths, depth, stem=8, stride=stride).eval()
    x = noise(1, 3, 32, 32)
    assert model.stages(model.stem(x)).shape == (1, widths[-1], *[32 // stride // 2 ** len(widths)] * 2)
    # Every block starts as the identity after its ReLU, so depth changes nothing yet.
    stage = model.stages[0]
    torch.testing.assert_close(stage(model.stem(x)), stage[:4](model.stem(x)))


def test_initialisation_is_the_callers_seed():
    def weights(seed):
        torch.manual_seed(seed)
        return quicknet(4, width=8).state_dict()["stem.0.weight"]

    assert torch.equal(weights(1), weights(1)) and not torch.equal(weights(1), weights(2))
