"""Coverage of classes: counted by hand, and against SciPy's divergence."""

import math

import pytest
import torch
from scipy.stats import entropy

from gradschool.evals.generation.coverage import coverage, shares_of


def answers(classes, sure=0.95, of=4):
    """Probabilities of a classifier that gives `sure` to each of these classes."""
    p = torch.full((len(classes), of), (1 - sure) / (of - 1))
    p[torch.arange(len(classes)), torch.tensor(classes)] = sure
    return p


EQUAL = torch.full((4,), 0.25)


def test_sure_answers_are_counted_by_class():
    p = torch.cat([answers([0, 0, 0, 1, 2]), answers([3, 3, 3], sure=0.6)])
    found = coverage(p, EQUAL)
    assert found.counts == (3, 1, 1, 0) and found.missing == [3]
    assert (found.n, found.covered, found.sure) == (8, 3, 5 / 8)
    assert found.divergence == pytest.approx(entropy([3, 1, 1, 0], [1, 1, 1, 1]), rel=1e-5)
    assert found.obeyed is None


def test_a_class_below_a_tenth_of_its_share_is_not_covered():
    p = answers([0] * 97 + [1] * 3)  # 3 of 100, where 25 are its share
    assert coverage(p, EQUAL).covered == 2
    p = answers([0] * 98 + [1] * 2)
    assert coverage(p, EQUAL).covered == 1
    assert coverage(p, torch.tensor([0.9, 0.1, 0.0, 0.0])).covered == 2, "a rare class needs fewer"


def test_a_generator_that_makes_the_training_classes_has_no_divergence():
    shares = shares_of(torch.tensor([0, 1, 1, 2, 2, 2, 3, 3]), 4)
    assert coverage(answers([0, 1, 1, 2, 2, 2, 3, 3]), shares).divergence == pytest.approx(0, abs=1e-6)


def test_nothing_sure_is_infinitely_far():
    found = coverage(answers([0, 1], sure=0.5), EQUAL)
    assert (found.covered, found.divergence) == (0, math.inf)


def test_what_was_asked_for_counts_sure_or_not():
    p = torch.cat([answers([0, 1]), answers([2, 3], sure=0.6)])
    assert coverage(p, EQUAL, torch.tensor([0, 0, 2, 3])).obeyed == 0.75
