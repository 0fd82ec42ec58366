"""Vocabularies, co-occurrence, noise, stretches, and word vectors from files good and bad."""

import gzip

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.data.text.vectors.cooccurrence import (
    Corpus,
    Noise,
    WordVocabulary,
    cooccurrence,
    windows,
    words_of,
)
from gradschool.data.text.vectors.documents import open_documents
from gradschool.data.text.vectors.stretches import Stretches
from gradschool.data.text.vectors.subwords import Subwords
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.errors import UserError


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=0, max_size=9), min_size=1, max_size=4),
    st.integers(1, 4), st.booleans(),
)  # fmt: skip
def test_cooccurrence_counts_pairs_of_one_text(texts, window, weighted):
    wanted = np.zeros((4, 4))
    for text in texts:
        for i, a in enumerate(text):
            for j, b in enumerate(text):
                if 0 < abs(i - j) <= window:
                    wanted[a, b] += 1 / abs(i - j) if weighted else 1
    tokens = torch.tensor([token for text in texts for token in text], dtype=torch.int64)
    which = torch.tensor([i for i, text in enumerate(texts) for _ in text], dtype=torch.int64)
    found = cooccurrence(Corpus(tokens, which), 4, window, weighted)
    np.testing.assert_allclose(found.toarray(), wanted)


def test_words_and_windows():
    texts = [words_of("It's a dog. A DOG!"), words_of("a cat 1")]
    vocabulary = WordVocabulary.of(texts, 2)
    assert vocabulary.words == ["a", "dog"] and vocabulary.counts.tolist() == [3, 2]
    corpus = Corpus.of(texts, vocabulary)
    assert (corpus.tokens.tolist(), corpus.text.tolist(), corpus.left_out) == (
        [0, 1, 0, 1, 0],
        [0, 0, 0, 0, 1],
        2,
    )
    assert windows(corpus, torch.full((5,), 2)).tolist() == [[0, 2], [1, 2], [2, 1], [2, 0], [0, 0]]
    with pytest.raises(UserError, match="0 of 4 different words occur 9 times"):
        WordVocabulary.of(texts, 9)


def test_noise_has_the_power_of_its_counts():
    noise = Noise(torch.tensor([16, 1, 81]))
    drawn = torch.bincount(noise.draw(36_000, torch.Generator().manual_seed(0)), minlength=3)
    # 16^.75 = 8, 1, 27: standard deviations are below 95.
    assert (drawn - torch.tensor([8000, 1000, 27000])).abs().max() < 400


def test_stretches_are_a_function_of_epoch_and_position():
    corpus = Corpus(torch.arange(4).repeat(100), torch.arange(400) // 40)
    vocabulary = WordVocabulary(list("abcd"), torch.full((4,), 100))
    batches = Stretches(corpus, vocabulary, 64, 0, threshold=0.0)
    whole, rest = list(batches.epoch(2)), list(batches.epoch(2, 4))
    assert len(whole) == len(batches) == 6 and sum(len(text) for text, _, _ in whole) == 400
    for one, other in zip(whole[4:], rest, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert len(Stretches(corpus, vocabulary, 64, 0, threshold=0.01)) < 6


def test_text_files_of_vectors(tmp_path):
    file = tmp_path / "glove.txt"
    file.write_text("3 2\nthe 1 2\nof 3 x\nof 3 4\nthe 5 6\nbad 1\ninf inf 1\n", encoding="utf-8")
    found = WordVectors.load(file)
    assert found.words == ["the", "of"] and found.table.tolist() == [[1, 2], [3, 4]]
    assert "4 lines are left out of glove.txt" in found.notes[0] and "the first is line 3" in found.notes[0]


def test_vectors_come_back_as_they_were_saved(tmp_path):
    cut = Subwords(buckets=64)
    saved = WordVectors(["a", "dog"], torch.eye(2), (), cut, torch.randn(64, 2))
    found = WordVectors.load(saved.save(tmp_path / "v.safetensors"))
    assert found.words == saved.words and torch.equal(found.table, saved.table)
    assert torch.equal(found.vector("dogs"), saved.vector("dogs"))
    assert found.nearest("dog", 5) == [("a", 0.0)]


def test_grams_of_a_word():
    assert Subwords(shortest=3, longest=4).grams("and") == ["<an", "and", "nd>", "<and", "and>"]
    assert Subwords(shortest=3).grams("a") == []
    numbers, sizes = Subwords(buckets=5).parts(["a", "and"])
    assert sizes.tolist() == [1, 6] and numbers[0] == 0 and numbers[1] == 1 and (numbers[2:] >= 2).all()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("v.txt", b"", "no line with a word"), ("v.txt", b"\xff\xfe 1", "is not UTF-8"),
        ("v.npz", b"PK", "cannot be read"), ("v.safetensors", b"x", "is not there"),
    ],
)  # fmt: skip
def test_bad_files_are_sentences(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=told):
        WordVectors.load(tmp_path / name)


def test_pickled_words_are_not_loaded(tmp_path):
    np.savez(tmp_path / "v.npz", words=np.array(["a"], object), vectors=np.ones((1, 2)))
    with pytest.raises(UserError, match="cannot be read"):
        WordVectors.load(tmp_path / "v.npz")
    np.savez(tmp_path / "w.npz", words=np.array(["a", "b"]), vectors=np.ones((1, 2)))
    with pytest.raises(UserError, match="has 2 words and vectors of shape"):
        WordVectors.load(tmp_path / "w.npz")
    with pytest.raises(UserError, match="no vector for 'zzz'"):
        WordVectors(["a"], torch.ones(1, 2)).nearest("zzz")


def test_texts_in_gzip(tmp_path):
    file = tmp_path / "t.txt.gz"
    file.write_bytes(gzip.compress("".join(f"text {i}\n" for i in range(20)).encode()))
    splits = open_documents(file, test=0.1)
    assert (len(splits.train), splits.val, len(splits.test)) == (18, None, 2)
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(UserError, match="is damaged"):
        open_documents(file)
