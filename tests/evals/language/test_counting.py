"""Counting models against scikit-learn's n-grams, loops over dictionaries and the axioms of probability."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from gradschool.data.text.contexts import Contexts
from gradschool.data.text.vocabulary import Vocabulary
from gradschool.evals.language import counting

seeds, widths, kinds = st.integers(0, 99), st.integers(1, 4), st.integers(1, 4)


def windows(m, width, k, seed):
    return torch.randint(k, (m, width), generator=torch.Generator().manual_seed(seed))


@given(seed=seeds, width=widths, k=kinds)
def test_occurrences_are_those_of_a_dictionary(seed, width, k):
    rows, asked = windows(20, width, k, seed), windows(9, width, k, seed + 1)
    known = Counter(map(tuple, rows.tolist()))
    assert counting.occurrences(rows, asked).tolist() == [known[tuple(row)] for row in asked.tolist()]


def test_trigrams_of_names_are_scikit_learns():
    texts = ["anna", "hanna", "nan", "an"]
    rows = torch.column_stack(Contexts(Vocabulary.of(texts), 2).of(texts))
    peer = CountVectorizer(analyzer="char", ngram_range=(3, 3)).fit([f"  {text} " for text in texts])
    counts = peer.transform([f"  {text} " for text in texts]).sum(0).A1
    numbers = {" ": 0, **Vocabulary.of(texts).numbers}
    asked = torch.tensor([[numbers[c] for c in gram] for gram in peer.get_feature_names_out()])
    assert counting.occurrences(rows, asked).tolist() == counts.tolist()


@given(seed=seeds, width=widths, k=kinds, strength=st.sampled_from([0.5, 1.0, 8.0]))
def test_probabilities_of_all_next_tokens_sum_to_one(seed, width, k, strength):
    train, history = windows(30, width, k, seed), windows(1, width, k, seed + 1)
    asked = history.repeat(k, 1)
    asked[:, -1] = torch.arange(k)
    p = counting.interpolated(counting.counted(train, asked), k, strength)
    assert float(p.sum()) == pytest.approx(1, abs=1e-6)


def test_every_baseline_is_what_a_loop_gives():
    train, val, test = windows(60, 3, 4, 0), windows(20, 3, 4, 1), windows(15, 3, 4, 2)

    def probability(row, n, smoothed):
        history = Counter(tuple(r[3 - n : 2]) for r in train.tolist())[tuple(row[3 - n : 2])]
        seen = Counter(tuple(r[3 - n :]) for r in train.tolist())[tuple(row[3 - n :])]
        if smoothed is None:
            return (seen + 1) / (history + 4)
        return (seen + smoothed * (probability(row, n - 1, smoothed) if n > 1 else 1 / 4)) / (
            history + smoothed
        )

    def mean(rows, n, smoothed=None):
        return -np.mean([math.log(probability(row, n, smoothed)) for row in rows.tolist()])

    found = counting.baselines(train, val, test, 4)
    names = ["unigram, add-one", "bigram, add-one", "trigram, add-one", "3-gram, interpolated"]
    assert list(found) == names
    chosen = min(counting.STRENGTHS, key=lambda s: mean(val, 3, s))
    wanted = [mean(test, 1), mean(test, 2), mean(test, 3), mean(test, 3, chosen)]
    assert list(found.values()) == pytest.approx(wanted, rel=1e-5)
    without = counting.baselines(train, None, test, 4)
    assert without["3-gram, interpolated"] == pytest.approx(mean(test, 3, 4), rel=1e-5)


def test_a_context_of_one_has_no_trigram():
    found = counting.baselines(windows(9, 2, 3, 0), None, windows(4, 2, 3, 1), 3)
    assert list(found) == ["unigram, add-one", "bigram, add-one", "2-gram, interpolated"]


def test_the_best_baseline_has_the_fewest_nats():
    assert counting.best({"a": 2.0, "b": 1.0}) == ("b", 1.0)
