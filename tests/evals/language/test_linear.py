"""Linear models on counts: counts beside scikit-learn's, naive-Bayes weights beside the formula, easy
texts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from gradschool.data.text.labelled.words import split
from gradschool.evals.language import linear

TEXTS = st.lists(st.lists(st.sampled_from("abcd!"), max_size=6).map(" ".join), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS)
def test_counts_are_those_of_scikit_learn(train, test):
    train = [*train, "a b"]
    counts = linear.Counts.of(train, test)
    peer = CountVectorizer(
        analyzer=lambda t: split(t) + [" ".join(p) for p in zip(split(t), split(t)[1:], strict=False)]
    )
    for ours, theirs in ((counts.train, peer.fit_transform(train)), (counts.test, peer.transform(test))):
        a, b = (
            sorted(map(tuple, np.asarray(each.todense()).astype(int).T.tolist())) for each in (ours, theirs)
        )
        assert a == b
    assert counts.words == len({word for text in train for word in split(text)})
    assert counts.without_pairs().test.shape == (len(test), counts.words)


def test_naive_bayes_weights_follow_the_formula():
    counts = linear.Counts.of(["good good film", "bad film"], ["good"])
    ratio = linear.log_ratio(counts.train.sign(), np.array([True, False]), prior=1.0)
    p, q = (
        np.array([2, 2, 1.0]),
        np.array([1, 2, 2.0]),
    )  # good, film, bad; then the pairs good good, good film, bad film
    p, q = np.append(p, [2, 2, 1]), np.append(q, [1, 1, 2])
    assert sorted(ratio) == pytest.approx(sorted(np.log((p / p.sum()) / (q / q.sum()))))


@pytest.mark.parametrize("kinds", [2, 3])
def test_every_model_learns_what_one_word_tells(kinds):
    rng = np.random.default_rng(0)
    words = ["lovely", "dull", "odd"][:kinds]
    labels = rng.integers(0, kinds, 90)
    texts = [f"film {rng.integers(9)} was {words[label]} and {rng.integers(9)}" for label in labels]
    found = linear.scored((texts[:60], labels[:60]), (texts[60:], labels[60:]))
    assert list(found) == list(linear.MODELS)
    assert min(score for name, score in found.items() if name != "most frequent class") == 1.0
    assert found["most frequent class"] < 0.8 and linear.best(found)[1] == 1.0
