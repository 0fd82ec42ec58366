"""Vector quantisation against scikit-learn's neighbours, slopes written by hand, and SciPy's entropy."""

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.neighbors import NearestNeighbors

from gradschool.nn.quantise import Quantise
from gradschool.ops import quantise as q


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_nearest_entry_is_scikit_learns():
    z, book = noise(50, 4), noise(9, 4, seed=1)
    found = NearestNeighbors(n_neighbors=1).fit(book.numpy()).kneighbors(z.numpy(), return_distance=False)
    assert q.nearest_entry(z, book).tolist() == found[:, 0].tolist()


def test_gradients_pass_straight_through():
    z, entry = noise(5, 3).requires_grad_(), noise(5, 3, seed=1).requires_grad_()
    y = q.straight_through(z, entry)
    torch.testing.assert_close(y, entry)
    up = noise(5, 3, seed=2)
    y.backward(up)
    assert torch.equal(z.grad, up) and entry.grad is None


def test_the_loss_moves_entries_and_codes_each_by_its_share():
    z, entry = noise(5, 3).requires_grad_(), noise(5, 3, seed=1).requires_grad_()
    loss = q.codebook_loss(z, entry, 0.25)
    loss.backward()
    slope = 2 * (entry - z).detach() / 15
    torch.testing.assert_close(entry.grad, slope)
    torch.testing.assert_close(z.grad, -0.25 * slope)
    assert loss.item() == pytest.approx(1.25 * (z - entry).square().mean().item())


def test_perplexity_is_exp_of_the_entropy():
    chosen = torch.tensor([0, 0, 1, 5, 5, 5])
    assert q.perplexity(chosen, 8).item() == pytest.approx(np.exp(entropy([2, 1, 3])))
    assert q.perplexity(torch.arange(8), 8).item() == pytest.approx(8)
    assert q.perplexity(torch.zeros(9, dtype=torch.int64), 8).item() == pytest.approx(1)


def test_the_layer_gives_entries_and_finds_them_again():
    layer = Quantise(6, 4)
    z = noise(2, 4, 3, 5).requires_grad_()
    taken, chosen, loss = layer(z)
    torch.testing.assert_close(taken, layer.look_up(chosen))
    assert taken.shape == z.shape and chosen.shape == (2, 3, 5)
    (taken.sum() + loss).backward()
    assert z.grad.abs().sum() > 0 and layer.codebook.grad.abs().sum() > 0
    codes = layer.eval().standardise(z).permute(0, 2, 3, 1)
    again = torch.cdist(codes, layer.codebook).argmin(-1)
    assert torch.equal(layer(z)[1], again)
