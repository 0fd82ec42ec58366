"""Generators and discriminators: shapes, published sizes, classes, the limit, spectral norm."""

import copy
from itertools import pairwise

import pytest
import torch
from torch.nn.utils.parametrizations import spectral_norm

from gradschool.models import catalogue
from gradschool.models.generative.dcgan import dc_critic, dcgan, sn_dcgan
from gradschool.models.generative.gan import mlp_gan
from gradschool.nn.norm import BatchNorm2d
from gradschool.nn.players import LIMIT, Players
from gradschool.nn.spectral import SpectralConv2d, SpectralLinear
from gradschool.ops import switch

KINDS = [mlp_gan, dcgan, sn_dcgan, dc_critic]
SMALL = {"mlp_gan": {"widths": (16, 24)}}
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)]


def built(kind, shape, classes=0):
    torch.manual_seed(0)
    return kind(shape, classes, latent=7, **SMALL.get(kind.__name__, {"width": 4}))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_codes_become_pictures_and_pictures_scores(kind, shape):
    players = built(kind, shape)
    x = players(torch.randn(3, 7))
    assert x.shape == (3, *shape) and x.abs().max() <= 1
    assert players.discriminator(x).shape == (3,)


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_reaches_all_of_both(kind):
    players = built(kind, (1, 8, 8), 3)
    y = torch.tensor([0, 1, 2, 1])
    players.discriminator(players(torch.randn(4, 7), y), y).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in players.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_class_is_told_to_both(kind):
    players = built(kind, (1, 8, 8), 3).eval()
    z, y = torch.randn(4, 7), torch.tensor([0, 1, 2, 1])
    other = (y + 1) % 3
    x = players(z, y)
    assert not torch.allclose(x, players(z, other))
    assert not torch.allclose(players.discriminator(x, y), players.discriminator(x, other))
    with pytest.raises(ValueError, match="no class was given, one of 3 was wanted; pass y"):
        players(z)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_ops_give_the_same(kind):
    players = built(kind, (1, 8, 8)).eval()
    z = torch.randn(2, 7)
    expected = players(z)
    scores = players.discriminator(expected)
    with switch.using("plain"):
        # Float32 sums in another order.
        torch.testing.assert_close(players(z), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(players.discriminator(expected), scores, rtol=1e-4, atol=1e-5)


def test_sizes_are_those_of_the_example_and_of_the_lesson():
    players = dcgan((3, 64, 64))
    # PyTorch's DCGAN example with nz=100, ngf=ndf=64 prints these.
    assert [sum(p.numel() for p in q.parameters()) for q in (players.generator, players.discriminator)] == [
        3_576_704, 2_765_568,
    ]  # fmt: skip
    lesson = mlp_gan((1, 28, 28))
    widths = [100, 256, 512, 1024, 784]
    assert sum(p.numel() for p in lesson.generator.parameters()) == sum(
        (a + 1) * b for a, b in pairwise(widths)
    )


def test_initial_weights_are_those_of_the_paper():
    torch.manual_seed(0)
    players = dcgan((1, 32, 32), width=32)
    filters = torch.cat([p.flatten() for p in players.parameters() if p.dim() == 4])
    # A million draws: the standard deviation errs by a thousandth.
    assert filters.std().item() == pytest.approx(0.02, rel=0.01) and abs(filters.mean()) < 1e-4


def test_only_dcgan_judges_by_batch_statistics():
    has = {
        kind: any(isinstance(m, BatchNorm2d) for m in built(kind, (1, 8, 8)).discriminator.modules())
        for kind in KINDS
    }
    assert not any(has.values()), "at 8 pixels there is one layer, and the first has none"
    deep = built(dcgan, (1, 28, 28)).discriminator
    assert any(isinstance(m, BatchNorm2d) for m in deep.modules())
    for kind in (mlp_gan, sn_dcgan, dc_critic):
        assert not any(isinstance(m, BatchNorm2d) for m in built(kind, (1, 28, 28)).discriminator.modules())


def test_more_than_25_million_parameters_are_refused():
    with (
        torch.device("meta"),
        pytest.raises(ValueError, match=r"have 26,\d+,\d+ parameters .* at most 25,000,000"),
    ):
        dcgan((3, 64, 64), width=136)
    assert LIMIT == 25_000_000


@pytest.mark.parametrize("shape", [(1, 28, 32), (1, 27, 27), (3, 4, 4), (3, 44, 44)])
def test_other_sides_are_refused(shape):
    with pytest.raises(ValueError, match=r"28x28, 32x32 or 64x64 were wanted; resize"):
        dcgan(shape)


def test_compiling_compiles_each_player():
    """The two are called by themselves, so compiling what holds them would do nothing."""
    players = built(dcgan, (1, 8, 8))
    players.compile(backend="eager")
    assert all(part._compiled_call_impl for part in (players.generator, players.discriminator))


def test_all_are_found_by_name():
    assert {kind.__name__ for kind in KINDS} <= catalogue.listing("shape").keys()
    assert isinstance(catalogue.find("dcgan", "shape")((1, 8, 8), width=4), Players)


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (SpectralLinear(6, 5), torch.nn.Linear(6, 5), (3, 6)),
        (SpectralConv2d(3, 5, 4, 2, 1), torch.nn.Conv2d(3, 5, 4, 2, 1), (3, 3, 8, 8)),
    ],
)
def test_spectral_layers_are_torchs(ours, theirs, shape):
    theirs.load_state_dict({name: ours.state_dict()[name] for name in ("weight", "bias")})
    theirs = spectral_norm(theirs)
    x = torch.randn(shape)
    for _ in range(300):  # the vectors move on in training; torch's by half a step more
        answers = ours.train()(x), theirs.train()(x)
    torch.testing.assert_close(*answers, rtol=1e-4, atol=1e-5)
    still = copy.deepcopy(ours.u)
    ours.eval()(x)
    assert torch.equal(ours.u, still)


def test_spectral_discriminator_stretches_nothing():
    """After enough steps each layer's matrix has norm 1, so slopes are bounded by the layers' overlaps."""
    layer = SpectralLinear(20, 20)
    for _ in range(200):
        layer(torch.zeros(1, 20))
    x, y = torch.randn(2, 50, 20)
    stretched = (layer(x) - layer(y)).norm(dim=1) / (x - y).norm(dim=1)
    assert stretched.max() <= 1 + 1e-3  # what power iteration leaves
