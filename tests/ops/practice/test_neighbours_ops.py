"""The vote of neighbours against scikit-learn's classifier with the same weights."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier

from gradschool.ops.practice.neighbours import nearest, neighbour_vote


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 12), tau=st.sampled_from([0.01, 0.07, 5.0]))
def test_it_is_scikit_learns_weighted_vote(seed, k, tau):
    bank, queries = noise(12, 4, seed=seed), 7 * noise(9, 4, seed=seed + 1)
    labels = torch.arange(12) % 3
    theirs = KNeighborsClassifier(k, metric="cosine", weights=lambda far: np.exp((1 - far) / tau))
    wanted = theirs.fit(bank, labels).predict(queries)
    assert neighbour_vote(queries, bank, labels, k, tau).tolist() == wanted.tolist()


def test_the_nearest_come_first_and_are_no_more_than_there_are():
    bank = torch.tensor([[1.0, 0], [0, 2], [3, 3], [-1, 0]])
    cosines, places = nearest(torch.tensor([[10.0, 1.0]]), bank, 9)
    assert places.tolist() == [[0, 2, 1, 3]] and cosines[0, 3] == -cosines[0, 0]
    assert nearest(bank, bank, 1)[1].flatten().tolist() == [0, 1, 2, 3]


def test_one_near_neighbour_outvotes_two_far_ones():
    bank = torch.tensor([[1.0, 0.1], [0.3, 1.0], [0.3, 1.0]])
    labels, query = torch.tensor([1, 0, 0]), torch.tensor([[1.0, 0.0]])
    assert neighbour_vote(query, bank, labels, 3, 0.07).item() == 1
    assert neighbour_vote(query, bank, labels, 3, 1e6).item() == 0, "even weights"
    assert neighbour_vote(query, bank, labels, 3, 1e-4).item() == 1, "no weight may overflow"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: nearest(noise(2, 3), noise(2, 4), 1), "as many numbers"),
        (lambda: nearest(noise(2, 3), noise(0, 3), 1), "one vector or more"),
        (lambda: nearest(noise(2, 3), noise(2, 3), 0), "k is 0"),
        (lambda: neighbour_vote(noise(2, 3), noise(2, 3), torch.zeros(3).long()), r"\(2,\) was wanted"),
        (lambda: neighbour_vote(noise(2, 3), noise(2, 3), torch.zeros(2)), "int64 was wanted"),
        (lambda: neighbour_vote(noise(1, 3), noise(2, 3), torch.zeros(2).long(), 1, 0.0), "temperature is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(unchecked, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
