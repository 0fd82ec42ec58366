"""The masked autoencoder: the encoder is shown nothing of what is hidden; the decoder knows where it is."""

import torch

from gradschool.models.vision.mae import MaskedAutoencoder
from gradschool.models.vision.vit import plain_vit
from gradschool.nn.attention.patches import on_grid
from gradschool.ops.practice.masking import cut_patches, join_patches


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def made():
    torch.manual_seed(0)
    body = plain_vit(2, 1, 2, 16, 2, 2)
    body.head = torch.nn.Identity()
    return MaskedAutoencoder(body, 16, 8, 1, 2).double()


HIDDEN = torch.tensor([[True, False, True, True, False, True], [False, True, True, True, True, False]])


def test_hidden_pixels_change_nothing_and_shown_ones_everything():
    model, x = made(), noise(2, 1, 4, 6)
    patches = cut_patches(x, 2)
    drawn = model(x, HIDDEN)
    assert drawn.shape == (2, 6, 4)
    other = torch.where(HIDDEN[..., None], noise(2, 6, 4, seed=1), patches)
    assert torch.equal(model(join_patches(other, 2, 2), HIDDEN), drawn)
    shown = torch.where(HIDDEN[..., None], patches, noise(2, 6, 4, seed=1))
    moved = (model(join_patches(shown, 2, 2), HIDDEN) - drawn).abs().amax(2)
    assert (moved > 1e-6).all()


def test_it_is_the_papers_pseudocode():
    """Shuffle, encode the first ones, append mask tokens, unshuffle, add positions, decode (section 3)."""
    model, x = made(), noise(2, 1, 4, 6)
    h = on_grid(model.body.patches(x)).flatten(1, 2)
    rows = []
    for i in range(2):
        shown = [j for j in range(6) if not HIDDEN[i, j]]
        z = model.narrow(model.body.norm(model.body.blocks(h[i : i + 1, shown])))[0]
        rows.append(torch.stack([z[shown.index(j)] if j in shown else model.token for j in range(6)]))
    full = on_grid(torch.stack(rows).unflatten(1, (2, 3))).flatten(1, 2)
    wanted = model.pixels(model.norm(model.blocks(full)))
    torch.testing.assert_close(model(x, HIDDEN), wanted)


def test_hidden_patches_of_one_picture_are_told_apart_by_their_place_alone():
    model = made()
    drawn = model(torch.zeros(1, 1, 4, 6, dtype=torch.float64), HIDDEN[:1])[0]
    assert torch.pdist(drawn[HIDDEN[0]]).min() > 1e-6


def test_every_weight_but_the_last_layer_of_the_classifier_learns():
    model = made()
    model(noise(2, 1, 4, 6), HIDDEN).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())
