"""Autoencoders' tasks: the linear one lands on principal components, the codebook stays in use."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from gradschool.models.generative.autoencoder import linear_autoencoder, mlp_autoencoder
from gradschool.models.generative.vqvae import vqvae
from gradschool.tasks.autoencoder import Autoencode, VqAutoencode

DIGITS = torch.from_numpy(load_digits().images / 16).float()[:, None]


def fitted(task, x, steps, rate, batch=None):
    """Train in place by Adam, its rate falling to 0."""
    model, generator = task.parts["model"], torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)

    def update(part, given, loss_of):
        optimiser.zero_grad()
        losses = loss_of(given)
        losses["loss"].backward()
        optimiser.step()
        return losses

    for _ in range(steps):
        some = torch.randint(len(x), (batch,), generator=generator) if batch else slice(None)
        losses = task.step((x[some],), update)
        falling.step()
    model.eval()
    return losses


def test_the_linear_one_equals_principal_components():
    torch.manual_seed(0)
    task = Autoencode(linear_autoencoder((1, 8, 8), latent=2), "test")
    fitted(task, DIGITS, 600, 2e-2)
    flat = DIGITS.flatten(1).numpy()
    pca = PCA(2).fit(flat)
    best = np.mean((pca.inverse_transform(pca.transform(flat)) - flat) ** 2)
    with torch.no_grad():
        found = task.evaluate(iter([(DIGITS[:1000],), (DIGITS[1000:],)]))["test_loss"]
    # No linear map through two numbers is better; running statistics cost a little.
    assert best - 1e-6 <= found < 1.02 * best


@pytest.mark.long
def test_a_deeper_one_beats_principal_components():
    torch.manual_seed(0)
    task = Autoencode(mlp_autoencoder((1, 8, 8), widths=(64, 32)), "test")
    fitted(task, DIGITS, 500, 5e-3, 256)
    flat = DIGITS.flatten(1).numpy()
    pca = PCA(2).fit(flat)
    best = np.mean((pca.inverse_transform(pca.transform(flat)) - flat) ** 2)
    with torch.no_grad():
        assert task.evaluate(iter([(DIGITS,)]))["test_loss"] < 0.85 * best
        codes = task.parts["model"].encode(DIGITS)
    assert codes.mean(0).abs().max() < 0.3 and (codes.std(0) - 1).abs().max() < 0.3


@pytest.mark.long
def test_the_quantised_one_learns_and_keeps_its_entries_in_use():
    torch.manual_seed(0)
    task = VqAutoencode(vqvae((1, 8, 8), entries=16, code=4, width=8), DIGITS.var().item(), "test")
    with torch.no_grad():
        before = task.evaluate(iter([(DIGITS[:500],)]))["test_reconstruction"]
    losses = fitted(task, DIGITS, 200, 4e-3, 128)
    with torch.no_grad():
        after = task.evaluate(iter([(DIGITS[:300],), (DIGITS[300:500],)]))
        together = task.loss((DIGITS[:500],))
    assert after["test_reconstruction"] < 0.4 * before
    for name, value in together.items():
        assert after[f"test_{name}"] == pytest.approx(value.item(), rel=1e-4)
    assert 6 < after["test_entries_used"] <= 16
    assert losses["loss"] > losses["reconstruction"] / DIGITS.var()
