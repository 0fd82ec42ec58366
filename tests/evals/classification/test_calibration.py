"""Calibration against closed forms, scikit-learn, scipy and simulation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import brier_score_loss

from gradschool.evals.classification import calibration
from gradschool.evals.classification.metrics import negative_log_likelihood


def drawn(seed: int, n: int, k: int, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits whose softmax at `temperature` is the true law of the labels."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(n, k, generator=generator, dtype=torch.float64)
    labels = torch.multinomial((logits / temperature).softmax(1), 1, generator=generator).squeeze(1)
    return logits, labels


def test_error_of_a_hand_made_diagram():
    # Two bins: confidence 0.9 but 1 of 2 right (gap 0.4), confidence 0.6 and 1 of 2 right (gap 0.1).
    confidence = torch.tensor([0.9, 0.9, 0.6, 0.6], dtype=torch.float64)
    right = torch.tensor([1.0, 0.0, 1.0, 0.0], dtype=torch.float64)
    assert calibration.equal_width(confidence, right, 10).error == pytest.approx(0.25)
    assert calibration.equal_mass(confidence, right, 2).error == pytest.approx(0.25)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), n=st.integers(1, 200), bins=st.integers(1, 20))
def test_bins_keep_every_image_and_the_error_equals_a_loop(seed, n, bins):
    logits, labels = drawn(seed, n, 5, 1.5)
    confidence, right = calibration.confidences(logits, labels)
    total = 0.0
    for b in range(bins):
        inside = [i for i in range(n) if b / bins < float(confidence[i]) <= (b + 1) / bins]
        if inside:
            total += abs(float(confidence[inside].mean() - right[inside].mean())) * len(inside) / n
    wide = calibration.equal_width(confidence, right, bins)
    assert int(wide.count.sum()) == n and wide.error == pytest.approx(total, abs=1e-9)
    mass = calibration.equal_mass(confidence, right, bins)
    assert int(mass.count.sum()) == n and int(mass.count.max() - mass.count.min()) <= 1
    overall = abs(float(confidence.mean() - right.mean()))
    assert mass.error >= overall - 1e-9 and wide.error >= overall - 1e-9  # the triangle inequality


def test_a_calibrated_forecaster_has_almost_no_error_and_an_overconfident_one_does():
    logits, labels = drawn(0, 40_000, 4, 1.0)
    honest = calibration.equal_width(*calibration.confidences(logits, labels)).error
    boastful = calibration.equal_width(*calibration.confidences(3 * logits, labels)).error
    # 15 bins of some 2,700 images: expected |noise| of a bin is about 0.4 / sqrt(2700) = 0.008.
    assert honest < 0.012 and boastful > 0.05


def test_brier_equals_scikit_learn():
    logits, labels = drawn(1, 300, 4, 1.0)
    p = logits.softmax(1)
    theirs = brier_score_loss(labels, p, labels=range(4), scale_by_half=False)
    assert calibration.brier(p, labels) == pytest.approx(theirs, rel=1e-9)  # float64 on both sides


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), true=st.floats(0.5, 4.0))
def test_temperature_is_the_minimum_that_scipy_finds(seed, true):
    logits, labels = drawn(seed, 200, 5, true)
    ours = calibration.fit_temperature(logits, labels)

    def loss(log_t: float) -> float:
        return negative_log_likelihood(logits / np.exp(log_t), labels)

    theirs = float(
        np.exp(minimize_scalar(loss, bounds=(-2.9, 2.9), method="bounded", options={"xatol": 1e-10}).x)
    )
    # A minimum is flat: scipy, which sees values only, cannot place it better than sqrt(float64 precision).
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_temperature_recovers_the_one_that_made_the_labels():
    logits, labels = drawn(2, 50_000, 6, 2.5)
    assert calibration.fit_temperature(logits, labels) == pytest.approx(
        2.5, rel=0.03
    )  # some 1 / sqrt(50,000 · info)


def test_temperature_stays_finite_where_no_optimum_exists():
    perfect = 5 * torch.eye(3, dtype=torch.float64)
    assert calibration.fit_temperature(perfect, torch.arange(3)) == pytest.approx(calibration.COLDEST)
    backwards = -perfect
    assert calibration.fit_temperature(backwards, torch.arange(3)) == pytest.approx(
        calibration.HOTTEST, rel=1e-6
    )
    assert calibration.fit_temperature(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])) > 0
