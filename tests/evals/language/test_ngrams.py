"""n-gram models: probabilities sum to one, and equal those of slow dictionaries written from the paper."""

import math
from collections import Counter, defaultdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.errors import UserError
from gradschool.evals.language.ngrams import NGram
from gradschool.ops.sequence.counting import (
    back_off_weight,
    bits_per_byte,
    continuation_counts,
    discounted,
    kneser_ney,
    kneser_ney_discounts,
)

TEXTS = st.integers(2, 5).flatmap(
    lambda kinds: st.tuples(st.just(kinds), st.lists(st.integers(0, kinds - 1), min_size=4, max_size=60))
)


class Slow:
    """Interpolated modified Kneser-Ney or Witten-Bell with dictionaries, straight from Chen and Goodman."""

    def __init__(self, text, order, kinds, smoothing):
        self.kinds, self.order, self.smoothing = kinds, order, smoothing
        grams = {n: [tuple(text[i : i + n]) for i in range(len(text) - n + 1)] for n in range(1, order + 1)}
        self.count = {n: Counter(grams[n]) for n in grams}
        if smoothing == "kneser-ney":
            for n in range(1, order):
                self.count[n] = Counter(gram[1:] for gram in set(grams[n + 1]))
        self.after = {n: defaultdict(Counter) for n in grams}
        for n, counts in self.count.items():
            for gram, c in counts.items():
                self.after[n][gram[:-1]][gram[-1]] = c
        self.discount = {n: self.discounts(counts) for n, counts in self.count.items()}

    @staticmethod
    def discounts(counts):
        n = Counter(counts.values())
        found = [0.0]
        for j in (1, 2, 3):
            if n[1] and n[j]:
                d = j - (j + 1) * (n[1] / (n[1] + 2 * n[2])) * n[j + 1] / n[j]
            else:
                d = -1
            found.append(d if 0 <= d <= j else j / 2)
        return found

    def p(self, token, history):
        history = tuple(history[max(0, len(history) - self.order + 1) :])
        below = self.p(token, history[1:]) if history else 1 / self.kinds
        n = len(history) + 1
        after = self.after[n].get(history)
        if not after:
            return below
        total = sum(after.values())
        if self.smoothing == "witten-bell":
            return (after[token] + len(after) * below) / (total + len(after))
        d = self.discount[n]
        taken = sum(d[min(c, 3)] for c in after.values())
        return (max(after[token] - d[min(after[token], 3)], 0) + taken * below) / total


@settings(max_examples=40)
@given(TEXTS, st.integers(1, 4), st.sampled_from(["kneser-ney", "witten-bell"]))
def test_it_equals_dictionaries_and_sums_to_one(text, order, smoothing):
    kinds, tokens = text
    model, slow = NGram.fit(tokens, order, kinds, smoothing), Slow(tokens, order, kinds, smoothing)
    contexts = [tokens[-3:], [0, 0, 0], [1, 0, 1], [kinds - 1] * 3]
    p = model.log_probabilities(torch.tensor(contexts)).exp()
    # Sums of up to 5 numbers in float64, each rounded a few times.
    assert (p.sum(1) - 1).abs().max() < 1e-12
    for row, context in zip(p.tolist(), contexts, strict=True):
        assert row == pytest.approx([slow.p(token, context) for token in range(kinds)], abs=1e-12)


@given(TEXTS)
def test_surprisals_are_those_of_the_text_before(text):
    kinds, tokens = text
    model = NGram.fit(tokens, 3, kinds, "witten-bell")
    found = model.surprisals(tokens).tolist()
    alone = [
        -model.log_probabilities(torch.tensor([tokens[:i]], dtype=torch.int64))[0, token].item()
        for i, token in enumerate(tokens)
    ]
    assert found == pytest.approx(alone, abs=1e-12)
    assert model.nats(tokens) == pytest.approx(sum(alone) / len(alone))


def test_discounts_of_counts_by_hand():
    # n1 = 4, n2 = 2, n3 = 1, n4 = 1: Y = 4 / 8; D1 = 1 - 2 Y 2/4, D2 = 2 - 3 Y 1/2, D3 = 3 - 4 Y 1/1.
    count = torch.tensor([1, 1, 1, 1, 2, 2, 3, 4, 9, 0])
    assert kneser_ney_discounts(count).tolist() == [0, 0.5, 1.25, 1.0]
    assert kneser_ney_discounts(torch.tensor([7, 8])).tolist() == [0, 0.5, 1.0, 1.5]


def test_a_word_of_one_context_counts_once():
    # Bigrams "the dog", "a dog", "San Francisco": dog continues two words, Francisco one.
    assert continuation_counts(torch.tensor([0, 0, 1]), 3).tolist() == [2, 1, 0]


def test_francisco_is_frequent_but_continues_one_word():
    # the dog 1, a dog 1, San Francisco 8; D = 0.5: after "the", dog has 0.5 + 0.5 * 2/3, Francisco 0.5 * 1/3.
    the, a, san, dog, francisco = range(5)
    count = torch.zeros(5, 5, dtype=torch.int64)
    count[the, dog] = count[a, dog] = 1
    count[san, francisco] = 8
    p = kneser_ney(count, 0.5)
    assert p[the].tolist() == pytest.approx([0, 0, 0, 0.5 + 0.5 * 2 / 3, 0.5 / 3])
    assert p[dog].tolist() == pytest.approx([0, 0, 0, 2 / 3, 1 / 3])
    assert p.sum(1).tolist() == pytest.approx([1] * 5)


@given(st.integers(1, 6), st.integers(0, 2**16), st.sampled_from([0.2, 0.75, 1.0]))
@settings(max_examples=30, deadline=None)
def test_a_table_of_pairs_is_discounted_as_the_model_does(v, seed, discount):
    count = torch.randint(0, 4, (v, v), generator=torch.Generator().manual_seed(seed))
    count[0, 0] += 1
    total, d = count.sum(1), torch.tensor([0.0, *[discount] * 3], dtype=torch.float64)
    kinds = torch.stack([(count == 1).sum(1), (count == 2).sum(1), (count > 2).sum(1)], 1)
    ends = continuation_counts(count.nonzero()[:, 1], v)
    wanted = discounted(count, total[:, None].expand(v, v), d)
    wanted = wanted + back_off_weight(kinds, total, d)[:, None] * ends / ends.sum()
    torch.testing.assert_close(kneser_ney(count, discount), wanted)


def test_bits_per_byte_do_not_depend_on_tokens():
    assert bits_per_byte(math.log(2), 8, 4) == pytest.approx(2)
    assert bits_per_byte(2 * math.log(2), 4, 4) == pytest.approx(bits_per_byte(math.log(2), 8, 4))


def test_samples_repeat_and_follow_the_text():
    model = NGram.fit([0, 1, 2] * 50, 3, 4, "witten-bell")
    drawn = model.sample(3, 30, torch.Generator().manual_seed(0), [0])
    assert torch.equal(drawn, model.sample(3, 30, torch.Generator().manual_seed(0), [0]))
    assert drawn.shape == (3, 30)
    follows = drawn[:, 1:] == (drawn[:, :-1] + 1) % 3
    assert follows.double().mean() > 0.9


@pytest.mark.parametrize(
    ("tokens", "order", "smoothing", "told"),
    [([0, 5], 1, "kneser-ney", "unknown; the first is 5"), ([0, 1], 3, "kneser-ney", "order is 3"),
     ([0, 1], 1, "laplace", "'laplace'")],
)  # fmt: skip
def test_what_cannot_be_counted_is_a_sentence(tokens, order, smoothing, told):
    with pytest.raises(UserError, match=told):
        NGram.fit(tokens, order, 2, smoothing)


@pytest.mark.long
def test_seven_grams_of_tiny_shakespeare(pack):
    text = (pack / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    numbers = {character: i for i, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([numbers[character] for character in text])
    model = NGram.fit(tokens[:1_003_854], 7, len(numbers))
    assert model.nats(tokens[-55_690:]) == pytest.approx(1.453, abs=0.005)
