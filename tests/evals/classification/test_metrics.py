"""Scores against scikit-learn, closed forms and coverage by simulation."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from gradschool.evals.classification import metrics


def answers(seed: int, n: int = 60, k: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(k, (n,), generator=generator)
    logits = torch.randn(n, k, generator=generator) + torch.nn.functional.one_hot(labels, k)
    return logits, labels


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 80), k=st.integers(2, 7))
def test_class_scores_equal_scikit_learn(seed, n, k):
    logits, labels = answers(seed, n, k)
    predicted = logits.argmax(1)
    matrix = metrics.confusion_matrix(labels, predicted, k)
    assert matrix.tolist() == sk.confusion_matrix(labels, predicted, labels=range(k)).tolist()
    ours = metrics.class_scores(matrix)
    theirs = sk.precision_recall_fscore_support(labels, predicted, labels=range(k), zero_division=0)
    seen = ~ours.f1.isnan()
    for mine, other in zip((ours.precision, ours.recall, ours.f1), theirs, strict=False):
        np.testing.assert_allclose(mine[seen], other[seen.numpy()], atol=1e-12)  # both are float64
    assert ours.support.tolist() == theirs[3].tolist()
    s = metrics.scores(logits, labels)
    assert s.f1 == pytest.approx(sk.f1_score(labels, predicted, average="macro", zero_division=0))
    assert s.accuracy == pytest.approx(sk.accuracy_score(labels, predicted))
    probabilities = logits.double().softmax(1)
    assert s.loss == pytest.approx(sk.log_loss(labels, probabilities, labels=range(k)), rel=1e-6)


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_top_k_equals_scikit_learn(k):
    logits, labels = answers(3, 200, 10)
    theirs = sk.top_k_accuracy_score(labels, logits, k=k, labels=range(10))
    assert metrics.top_k_accuracy(logits, labels, k) == pytest.approx(theirs)


def test_a_class_that_never_occurs_has_no_score_and_does_not_pull_the_mean():
    logits = torch.tensor([[9.0, 0, 0], [0, 9.0, 0]])
    labels = torch.tensor([0, 1])
    each = metrics.class_scores(metrics.confusion_matrix(labels, logits.argmax(1), 3))
    assert math.isnan(each.f1[2]) and metrics.scores(logits, labels).f1 == 1.0


def test_wilson_solves_its_own_equation():
    # The limits are the p for which the observed share is exactly z standard errors away.
    for right, n in [(1, 10), (7, 9), (356, 360), (500, 1000)]:
        for p in metrics.wilson(right, n):
            distance = abs(right / n - p) / math.sqrt(p * (1 - p) / n)
            assert distance == pytest.approx(metrics.Z95, rel=1e-9)  # algebra in float64
    assert metrics.wilson(0, 20)[0] == 0.0 and metrics.wilson(20, 20)[1] == 1.0


def test_intervals_hold_the_truth_95_times_of_100():
    generator = np.random.default_rng(0)
    draws, n, p, q = 4000, 150, 0.93, 0.80
    first, second = generator.binomial(n, p, draws).tolist(), generator.binomial(90, q, draws).tolist()
    held = np.mean([low <= p <= high for low, high in (metrics.wilson(right, n) for right in first)])
    between = [metrics.difference_interval(a, n, b, 90) for a, b in zip(first, second, strict=True)]
    held_difference = np.mean([low <= p - q <= high for low, high in between])
    # Coverage wanders by a point or two with discreteness; the simulation adds 0.35 points.
    assert 0.93 <= held <= 0.98 and 0.93 <= held_difference <= 0.98


def test_rows_sum_to_one_or_to_nothing():
    matrix = torch.tensor([[3, 1, 0], [0, 0, 0], [2, 2, 4]])
    assert metrics.row_normalised(matrix).sum(1).tolist() == [1.0, 0.0, 1.0]


def test_most_confused_pairs_in_order():
    matrix = torch.tensor([[8, 2, 0], [5, 5, 0], [1, 0, 9]])
    assert metrics.most_confused(matrix, 9) == [(1, 0, 5, 10), (0, 1, 2, 10), (2, 0, 1, 10)]
    assert metrics.most_confused(torch.eye(3, dtype=torch.int64), 9) == []


def test_no_images_are_refused_with_a_sentence():
    with pytest.raises(ValueError, match="0 test images"):
        metrics.scores(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(ValueError, match="wanted 0 <= right <= n"):
        metrics.wilson(3, 2)
