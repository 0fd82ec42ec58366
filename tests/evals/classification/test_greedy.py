"""Greedy selection against the loop that averages anew for every candidate."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.evals.classification.greedy import TIE, greedy
from gradschool.ops.practice.selection import LEAST


def plain(probabilities, labels, steps):
    """As one would write it: every candidate's mean, all classes, from scratch; the same rule for ties."""
    chosen, best, lowest = [], None, np.inf
    for _ in range(steps):
        losses = []
        for candidate in range(len(probabilities)):
            mean = np.mean([probabilities[i] for i in [*chosen, candidate]], axis=0)
            known = mean[np.arange(len(labels)), labels]
            losses.append(-np.log(np.maximum(known, LEAST)).mean())
        index = next(i for i, loss in enumerate(losses) if loss <= min(losses) + TIE)
        chosen.append(index)
        if losses[index] < lowest - TIE:
            best, lowest = np.bincount(chosen, minlength=len(probabilities)), losses[index]
    return best.tolist()


@given(st.integers(1, 9), st.integers(1, 40), st.integers(2, 4), st.integers(1, 12), st.integers(0, 10**6))
def test_the_choices_are_those_of_the_plain_loop(members, examples, classes, steps, seed):
    draw = np.random.default_rng(seed)
    logits = draw.normal(size=(members, examples, classes)) * draw.choice([0.3, 3.0, 30.0])
    probabilities = torch.from_numpy(logits).softmax(2)
    labels = torch.from_numpy(draw.integers(0, classes, examples))
    found = greedy(probabilities, labels, steps)
    assert found.tolist() == plain(probabilities.numpy(), labels.numpy(), steps)


@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=3, max_size=3), min_size=2, max_size=5)
)
def test_ties_and_sure_mistakes_are_decided_alike(rows):
    known = torch.tensor(rows, dtype=torch.float64)
    probabilities = torch.stack([known, 1 - known], 2)
    labels = torch.zeros(3, dtype=torch.int64)
    assert greedy(probabilities, labels, 6).tolist() == plain(probabilities.numpy(), labels.numpy(), 6)


def test_more_numbers_than_fit_at_once():
    """Blocks, and the rest of a block that no eight fill."""
    draw = np.random.default_rng(0)
    probabilities = torch.from_numpy(draw.dirichlet(np.ones(3), size=(300, 997)))
    labels = torch.from_numpy(draw.integers(0, 3, 997))
    assert greedy(probabilities, labels, 3).tolist() == plain(probabilities.numpy(), labels.numpy(), 3)


def test_a_perfect_member_is_chosen_alone():
    labels = torch.tensor([0, 1, 0])
    perfect = torch.eye(2, dtype=torch.float64)[labels]
    found = greedy(torch.stack([torch.full((3, 2), 0.5, dtype=torch.float64), perfect]), labels, 5)
    assert found.tolist() == [0, 1]


def test_members_that_complement_each_other_are_both_chosen():
    labels = torch.zeros(4, dtype=torch.int64)
    known = torch.tensor([[0.9, 0.9, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9], [0.2, 0.2, 0.2, 0.2]]).double()
    found = greedy(torch.stack([known, 1 - known], 2), labels, 10)
    assert found[0] == found[1] and found[2] == 0
    assert found.sum() == pytest.approx(2)
