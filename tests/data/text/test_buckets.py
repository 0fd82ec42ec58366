"""Buckets: every text at most once an epoch, little padding, the same batches however many processes share."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.data.text.buckets import Buckets, by_length
from gradschool.errors import UserError

PAD = 99


def texts(n, longest=60, seed=0):
    """Text i holds the token i, so that it can be told from all others."""
    lengths = torch.randint(1, longest + 1, (n,), generator=torch.Generator().manual_seed(seed)).tolist()
    return [[i] * length for i, length in enumerate(lengths)], torch.arange(n) % 2


@given(n=st.integers(1, 40), size=st.integers(1, 12), epoch=st.integers(0, 3))
def test_an_epoch_has_each_text_once_at_most_and_as_it_is(n, size, epoch):
    sequences, labels = texts(n, 9)
    buckets = Buckets(sequences, labels, size, 3, 50)
    batches = list(buckets.epoch(epoch))
    assert len(batches) == len(buckets) == max(1, n // size)
    seen = []
    for x, lengths, found in batches:
        assert len(x) == min(size, n) and x.shape[1] == lengths.max()
        for row, length, label in zip(x.tolist(), lengths.tolist(), found.tolist(), strict=True):
            seen.append(row[0])
            assert row[:length] == sequences[row[0]] and set(row[length:]) <= {50}
            assert label == labels[row[0]]
    assert len(set(seen)) == len(seen) == len(batches) * min(size, n)


def test_an_epoch_begins_anywhere_and_is_a_function_of_seed_and_number():
    sequences, labels = texts(300)
    whole, again = (list(Buckets(sequences, labels, 16, 5).epoch(2)) for _ in range(2))
    late = list(Buckets(sequences, labels, 16, 5).epoch(2, 7))
    for one, other in zip([*whole, *whole[7:]], [*again, *late], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    other = list(Buckets(sequences, labels, 16, 6).epoch(2))
    assert any(a[0].shape != b[0].shape for a, b in zip(whole, other, strict=True))
    left_out = [set(range(300)) - {i for x, *_ in Buckets(sequences, labels, 16, 5).epoch(e) for i in x[:, 0].tolist()}
                for e in (0, 1)]  # fmt: skip
    assert left_out[0] != left_out[1], "other texts are left out in another epoch"


def test_lengths_come_in_no_order():
    sequences, labels = texts(2000)
    longest = [x.shape[1] for x, *_ in Buckets(sequences, labels, 20, 0).epoch(0)]
    assert longest != sorted(longest) and longest[0] != min(longest)


def test_little_is_padding():
    sequences, labels = texts(2000)
    buckets = Buckets(sequences, labels, 20, 0)
    counted = [(int(lengths.sum()), x.numel()) for x, lengths, _ in buckets.epoch(0)]
    padding = 1 - sum(n for n, _ in counted) / sum(n for _, n in counted)
    assert buckets.padding(0) == pytest.approx(padding)
    shuffled = Buckets(sequences, labels, 2000, 0).padding()  # one batch: all as long as the longest
    assert padding < 0.05 < 0.4 < shuffled


def test_processes_share_every_batch():
    sequences, labels = texts(100)
    alone = list(Buckets(sequences, labels, 8, 1).epoch(0))
    shares = [list(Buckets(sequences, labels, 8, 1, share=(rank, 2)).epoch(0)) for rank in (0, 1)]
    for (x, lengths, _), *parts in zip(alone, *shares, strict=True):
        assert x[:, 0].tolist() == [token for part in parts for token in part[0][:, 0].tolist()]
        assert lengths.tolist() == [n for part in parts for n in part[1].tolist()]


def test_evaluation_sees_all_texts_short_ones_first():
    sequences, labels = texts(23)
    batches = list(by_length(sequences, labels, 5, PAD))
    lengths = torch.cat([n for _, n, _ in batches])
    assert len(lengths) == 23 and lengths.tolist() == sorted(map(len, sequences))
    assert sorted(i for x, *_ in batches for i in x[:, 0].tolist()) == list(range(23))


@pytest.mark.parametrize(("change", "words"), [
    ({"sequences": [[1], [], [2], []]}, r"2 of 4 texts are empty \(the first is number 1\)"),
    ({"labels": torch.zeros(3)}, "4 texts have 3 labels"),
    ({"batch_size": 0}, "batch_size is 0"),
    ({"batch_size": 3, "share": (0, 2)}, "a multiple of 2"),
    ({"share": (2, 2)}, "rank 2 of 2"),
])  # fmt: skip
def test_refusals_are_sentences(change, words):
    usual = {"sequences": [[1], [2], [3], [4]], "labels": torch.zeros(4), "batch_size": 2, "seed": 0}
    with pytest.raises(UserError, match=words):
        Buckets(**{**usual, **change})
