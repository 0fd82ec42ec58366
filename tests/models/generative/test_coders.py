"""Models with codes: shapes, counts, classes, and refusals."""

import pytest
import torch

from gradschool.models.generative.autoencoder import conv_autoencoder, linear_autoencoder, mlp_autoencoder
from gradschool.models.generative.vae import conv_vae, map_vae, mlp_vae
from gradschool.models.generative.vqvae import vqvae

X = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([1, 0, 2])


def counted(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("make", [mlp_vae, conv_vae])
@pytest.mark.parametrize("classes", [0, 3])
def test_shapes_of_several_samples_with_and_without_classes(make, classes):
    model = make((1, 28, 28), classes)
    logits, mean, log_variance, z = model(X, Y, 4)
    assert logits.shape == (12, 1, 28, 28) and z.shape == (4, 3, model.latent)
    assert mean.shape == log_variance.shape == (3, model.latent)


def test_several_samples_are_decoded_each_with_its_own_class():
    model = mlp_vae((1, 4, 4), 3, hidden=8, latent=2)
    logits, _, _, z = model(X[:, :, :4, :4], Y, 5)
    for k in range(5):
        torch.testing.assert_close(logits.view(5, 3, 1, 4, 4)[k], model.decode(z[k], Y))


def test_parameter_counts_are_those_of_the_published_nets():
    assert counted(mlp_vae((1, 28, 28))) == 652_824  # 784-400-20 of the PyTorch example
    deep = mlp_vae((1, 28, 28), hidden=200, latent=50, depth=2)
    layers = [(784, 200), (200, 200), (200, 50), (200, 50), (50, 200), (200, 200), (200, 784)]
    assert counted(deep) == sum(a * b + b for a, b in layers)
    assert counted(conv_vae((1, 28, 28))) < 1_000_000


@pytest.mark.parametrize("make", [linear_autoencoder, mlp_autoencoder, conv_autoencoder])
def test_autoencoders_give_back_the_shape(make):
    model = make((3, 8, 12), latent=5)
    x = torch.rand(4, 3, 8, 12)
    assert model.encode(x).shape == (4, 5) and model(x).shape == x.shape
    assert model.eval()(x[:1]).shape == (1, 3, 8, 12)


def test_the_quantised_one_remembers_how_entries_were_used_and_draws_alike():
    model = vqvae((1, 8, 8), entries=5, code=3, width=4)
    x = torch.rand(6, 1, 8, 8)
    again, chosen, _ = model(x)
    assert again.shape == x.shape and chosen.shape == (6, 2, 2)
    torch.testing.assert_close(model.used.sum(-1), torch.ones(2, 2))
    model.used.zero_()[0, 0, 3] = model.used[0, 1, 1] = model.used[1, 0, 4] = model.used[1, 1, 0] = 1
    drawn = model.draw(7, torch.Generator().manual_seed(0))
    assert drawn.tolist() == [[[3, 1], [4, 0]]] * 7
    assert torch.equal(model.eval().encode(x), model(x)[1])
    torch.testing.assert_close(model.decode(model.encode(x)), model(x)[0])


def test_what_does_not_fit_is_refused_in_one_sentence():
    for make in (conv_vae, conv_autoencoder, vqvae):
        with pytest.raises(ValueError, match="pictures are 30x28, sides that are multiples of 4 were wanted"):
            make((1, 28, 30))
    for make in (linear_autoencoder, mlp_autoencoder, conv_autoencoder, vqvae):
        with pytest.raises(ValueError, match=r"10 classes were given, .* is told none"):
            make((1, 28, 28), 10)
    with pytest.raises(ValueError, match="no class was given, one of 3 was wanted"):
        mlp_vae((1, 28, 28), 3)(X)


@pytest.mark.parametrize(("size", "halvings"), [(8, 1), (16, 2), (24, 3)])
def test_codes_that_are_maps_see_their_own_part_of_the_picture(size, halvings):
    torch.manual_seed(0)
    model = map_vae((3, size, size), width=8, channels=2, halvings=halvings)
    side = size // 2**halvings
    assert model.map_shape == (2, side, side) and model.latent == 2 * side * side
    x = torch.rand(3, 3, size, size)
    logits, mean, log_variance, z = model(x, None, 2)
    assert logits.shape == (6, 3, size, size) and z.shape == (2, 3, model.latent)
    assert mean.shape == log_variance.shape == (3, model.latent)


def test_a_pixel_of_a_corner_leaves_the_far_corner_of_the_map_alone():
    torch.manual_seed(0)
    model = map_vae((1, 64, 64), width=4)
    x = torch.rand(1, 1, 64, 64)
    other = x.clone()
    other[..., 0, 0] = 1 - other[..., 0, 0]
    before, after = (model.encode(each)[0].view(model.map_shape) for each in (x, other))
    assert not torch.equal(before[:, 0, 0], after[:, 0, 0])
    assert torch.equal(before[:, 8:, 8:], after[:, 8:, 8:])


def test_sides_that_cannot_be_halved_and_classes_are_refused():
    with pytest.raises(ValueError, match="20x20, sides that are multiples of 8"):
        map_vae((3, 20, 20), halvings=3)
    with pytest.raises(ValueError, match="halvings is 0"):
        map_vae((3, 20, 20), halvings=0)
    with pytest.raises(ValueError, match="told no class"):
        map_vae((3, 16, 16), 5)
    assert counted(map_vae((3, 64, 64))) < 1_000_000
