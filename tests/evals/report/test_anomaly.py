"""Anomalies: errors by hand, the area by scikit-learn's curve."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from gradschool.evals.report.anomaly import errors, section


def test_errors_are_those_of_each_picture():
    x = torch.rand(7, 2, 3, 3)
    found = errors(lambda v: (v, v * 0.5), x.split(3))
    torch.testing.assert_close(found, (x * 0.5).square().mean((1, 2, 3)))


def test_the_section_says_scikit_learns_area():
    g = torch.Generator().manual_seed(0)
    home, away = torch.rand(50, generator=g), torch.rand(40, generator=g) + 0.3
    area = roc_auc_score([0] * 50 + [1] * 40, torch.cat([home, away]))
    assert f"{100 * area:.1f} %" in section(home, away, ("mnist", "fashion")).reading
    assert "no difference" in section(home, home, ("a", "b")).reading
    assert area == pytest.approx(0.75, abs=0.1)
