"""Mixtures of classifiers: what they are, and that their weights are the best ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from torch import nn

from gradschool.evals.classification.blend import FITS, UNSEEN, Blend, features
from gradschool.evals.classification.metrics import negative_log_likelihood
from gradschool.runs.ensembles.together import Together


def problem(members=3, n=60, classes=4, seed=0):
    """Members that know the label, each with noise of its own."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (n,), generator=draw)
    signal = torch.nn.functional.one_hot(labels, classes) * 2.0
    noise = torch.randn(members, n, classes, generator=draw) * torch.arange(1, members + 1).view(-1, 1, 1)
    return (signal + noise).double(), labels


@pytest.mark.parametrize("how", sorted(FITS))
@pytest.mark.parametrize("classes", [2, 4])
def test_an_ensemble_gives_probabilities_and_a_network_the_same(how, classes):
    logits, labels = problem(classes=classes)
    blend = FITS[how](logits, labels)
    found = blend(logits)
    assert found.exp().sum(1) == pytest.approx(np.ones(60), abs=1e-12)
    assert float(blend.weights.sum()) == pytest.approx(1) and (blend.weights >= 0).all()

    class Says(nn.Module):
        def __init__(self, own):
            super().__init__()
            self.own = own

        def forward(self, x):
            return self.own[x]

    with torch.no_grad():
        network = Together([Says(each.float()) for each in logits], blend)(torch.arange(60))
    assert torch.allclose(network.double(), found, atol=2e-4)  # float32 sums of some ten numbers


def test_means_are_the_arithmetic_and_the_geometric_one():
    logits, labels = problem()
    p = logits.softmax(2).numpy()
    assert FITS["mean"](logits, labels)(logits).exp().numpy() == pytest.approx(p.mean(0), abs=1e-12)
    root = np.exp(np.log(p).mean(0))
    wanted = root / root.sum(1, keepdims=True)
    assert FITS["logits"](logits, labels)(logits).exp().numpy() == pytest.approx(wanted, abs=1e-12)


@settings(max_examples=12)
@given(st.integers(0, 10**6))
def test_no_mixture_on_the_simplex_is_better_than_the_fitted_one(seed):
    """EM for mixture weights, another method, ends at the same loss: the loss is convex."""
    logits, labels = problem(seed=seed)
    found = FITS["simplex"](logits, labels)
    known = logits.softmax(2)[:, torch.arange(60), labels].numpy()
    weights = np.full(3, 1 / 3)
    for _ in range(3000):
        shares = weights[:, None] * known
        weights = (shares / shares.sum(0)).mean(1)
    wanted = -np.log(weights @ known).mean()
    assert negative_log_likelihood(found(logits), labels) == pytest.approx(wanted, abs=1e-6)


def test_a_member_of_weight_zero_has_no_say():
    logits, _ = problem(2)
    blend = Blend("probabilities", torch.tensor([1.0, 0.0]).double())
    assert torch.allclose(blend(logits), logits[0].log_softmax(1), atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_stack_is_the_logistic_regression_of_scikit_learn(classes):
    logits, labels = problem(classes=classes)
    other = LogisticRegression(C=1.0, max_iter=2000).fit(features(logits).numpy(), labels.numpy())
    found = FITS["stack"](logits, labels)(logits).exp()
    assert found.numpy() == pytest.approx(other.predict_proba(features(logits).numpy()), abs=1e-9)


def test_a_stack_that_was_never_shown_a_class_does_not_guess_it():
    logits, labels = problem(classes=4)
    kept = labels != 2
    found = FITS["stack"](logits[:, kept], labels[kept])
    assert found.bias[2] == UNSEEN and (found(logits)[:, 2] < -5).all()
    assert found(logits).shape == (60, 4)


def test_greedy_weights_are_counts_of_choices():
    logits, labels = problem()
    weights = FITS["greedy"](logits, labels).weights
    assert weights[0] > weights[2]  # the first member has the least noise
    counts = weights * 50
    assert any(torch.allclose(weights * n, (weights * n).round(), atol=1e-9) for n in range(1, 51)), counts
