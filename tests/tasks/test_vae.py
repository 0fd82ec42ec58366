"""The VAE's tasks: equal losses of two likelihoods, exact evidence, and what the settings change."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Bernoulli, MultivariateNormal, Normal

from gradschool.models.generative.vae import mlp_vae
from gradschool.ops.variational import kl_standard_normal
from gradschool.tasks.vae import Gaussian, Iwae, Price, Vae, bernoulli, weights_of

X = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(0))
Y = torch.zeros(6, dtype=torch.int64)


class Taken:
    """An update that keeps what it was given and takes no step."""

    def __init__(self, progress=0.0):
        self.progress = progress

    def __call__(self, part, batch, loss_of):
        self.batch = batch
        return loss_of(batch)


def model(latent=3):
    torch.manual_seed(0)
    return mlp_vae((1, 4, 4), hidden=8, latent=latent)


def test_errors_are_log_likelihoods_but_for_a_constant():
    logits = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    on = torch.bernoulli(X, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(bernoulli(logits, on), -Bernoulli(logits=logits).log_prob(on).sum((1, 2, 3)))
    for sigma in (0.1, 0.5, 0.5**0.5):
        exact = -Normal(logits.sigmoid(), sigma).log_prob(X).sum((1, 2, 3))
        constant = 16 * math.log(sigma * math.sqrt(2 * math.pi))
        torch.testing.assert_close(Gaussian(sigma)(logits, X) + constant, exact)


def test_a_gaussian_of_fixed_width_trains_as_the_squared_error():
    logits = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    (slope,) = torch.autograd.grad(Gaussian()(logits, X).sum(), logits)
    squared = F.mse_loss(logits.sigmoid(), X, reduction="sum")
    torch.testing.assert_close(Gaussian()(logits, X).sum(), squared)
    torch.testing.assert_close(slope, torch.autograd.grad(squared, logits)[0])


def test_both_likelihoods_are_best_where_the_picture_is():
    """Their losses are equal in this: at each pixel the minimum is at sigmoid(logit) = pixel."""
    at = torch.logit(X.clamp(0.01, 0.99)).requires_grad_()
    for error in (bernoulli, Gaussian(0.3)):
        (slope,) = torch.autograd.grad(error(at, X.clamp(0.01, 0.99)).sum(), at)
        assert slope.abs().max() < 1e-5
    p = torch.tensor(0.3)
    for error in (bernoulli, Gaussian(0.3)):
        tried = torch.logit(torch.linspace(0.05, 0.95, 19))
        errors = [error(t.view(1, 1, 1, 1), p.view(1, 1, 1, 1)).item() for t in tried]
        assert min(range(19), key=errors.__getitem__) == 5


def test_the_loss_is_error_plus_price():
    task, update = Vae(model(), price=Price(beta=4.0)), Taken()
    torch.manual_seed(1)
    losses = task.step((X, Y), update)
    torch.manual_seed(1)
    logits, mean, log_variance, _ = task.parts["model"](X, Y)
    error = F.binary_cross_entropy_with_logits(logits, X, reduction="sum") / 6
    price = kl_standard_normal(mean, log_variance).sum(1).mean()
    torch.testing.assert_close(losses["loss"], error + 4 * price)
    torch.testing.assert_close(losses["kl"], price)


def test_the_price_rises_in_the_warm_up_and_evaluation_is_the_bound():
    task = Vae(model(), price=Price(beta=2.0, warmup=0.5), held_out="test")
    found = []
    for progress in (0.0, 0.25, 0.8):
        torch.manual_seed(1)
        losses = task.step((X, Y), Taken(progress))
        found.append(((losses["loss"] - losses["reconstruction"]) / losses["kl"]).item())
    assert found == pytest.approx([0.0, 1.0, 2.0], abs=1e-4)
    with torch.no_grad():
        scores = task.evaluate(iter([(X[:4], Y[:4]), (X[4:], Y[4:])]))
    assert scores["test_loss"] == pytest.approx(scores["test_reconstruction"] + scores["test_kl"])


def test_dynamic_binarisation_is_black_and_white_with_the_greys_mean():
    task, update = Vae(model(), binarise=True), Taken()
    total = torch.zeros_like(X)
    for i in range(400):
        torch.manual_seed(i)
        total += task.seen(X)
    assert set(task.seen(X).unique().tolist()) <= {0.0, 1.0}
    # Each pixel's mean of 400 draws is off by at most 0.5/20 in one standard deviation; five of them.
    assert (total / 400 - X).abs().max() < 5 * 0.5 / 20
    task.step((X, Y), update)
    assert set(update.batch[0].unique().tolist()) <= {0.0, 1.0}


class LinearGaussian(nn.Module):
    """x = W z + noise: the evidence is a Gaussian that can be written down."""

    def __init__(self):
        super().__init__()
        self.w = torch.randn(16, 3, generator=torch.Generator().manual_seed(3)) / 4

    def forward(self, x, y=None, samples=1):
        flat = x.flatten(1)
        precision = torch.eye(3) + self.w.T @ self.w / 0.25
        mean = flat @ self.w @ torch.linalg.inv(precision).T / 0.25
        spread = torch.full_like(mean, 0.9).log()
        z = mean + torch.randn(samples, len(x), 3) * (0.5 * spread).exp()
        return (z @ self.w.T).flatten(0, 1).view(-1, 1, 4, 4), mean, spread, z


def gaussian_error(logits, x):
    return -Normal(logits, 0.5).log_prob(x).flatten(1).sum(1)


def test_many_samples_give_the_evidence_of_a_linear_model():
    net = LinearGaussian()
    evidence = MultivariateNormal(torch.zeros(16), net.w @ net.w.T + 0.25 * torch.eye(16)).log_prob(
        X.flatten(1)
    )
    torch.manual_seed(0)
    scores = {
        k: Iwae(net, k, gaussian_error).evaluate(iter([(X, Y)] * 20))["val_loss"] for k in (1, 10, 3000)
    }
    assert scores[1] > scores[10] > scores[3000]
    # 20 estimates of 6 pictures from 3000 codes each: the error left is of the order of 1e-2 nats.
    assert scores[3000] == pytest.approx(-evidence.mean().item(), abs=0.05)


def test_one_sample_is_the_variational_bound_on_average():
    net = model()
    torch.manual_seed(0)
    with torch.no_grad():
        weights = weights_of(net, bernoulli, (X, Y), 4000)
        losses = [Vae(net).loss((X, Y))["loss"] for _ in range(300)]
    assert weights.shape == (4000, 6)
    spread = torch.stack(losses).std() / 300**0.5 + weights.mean(1).std() / 4000**0.5
    assert abs(-weights.mean() - torch.stack(losses).mean()) < 5 * spread


def test_iwae_steps_on_the_bound_of_its_samples():
    task = Iwae(model(), 7)
    torch.manual_seed(2)
    losses = task.step((X, Y), Taken())
    torch.manual_seed(2)
    weights = weights_of(task.parts["model"], bernoulli, (X, Y), 7)
    torch.testing.assert_close(losses["loss"], -(weights.exp().mean(0).log()).mean(), atol=1e-4, rtol=1e-4)
    assert losses["one_sample"] >= losses["loss"]


@pytest.mark.parametrize(("progress", "samples"), [(0.0, 2), (0.79, 2), (0.8, 7), (1.0, 7)])
def test_iwae_takes_few_codes_while_the_run_is_young(progress, samples):
    task = Iwae(model(), 7, first=(2, 0.8))
    torch.manual_seed(2)
    found = task.step((X, Y), Taken(progress))
    torch.manual_seed(2)
    assert torch.equal(found["loss"], task.bounds((X, Y), samples)["loss"])
    torch.manual_seed(2)
    held_out = task.evaluate(iter([(X, Y)]))["val_loss"]  # always from all of them
    torch.manual_seed(2)
    assert held_out == pytest.approx(task.bounds((X, Y), 7)["loss"].item())
