"""Running text as tokens: cut by position, from memory or the cache, walked through in chunks."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from letters import letters

from gradschool.data.catalogue import find
from gradschool.data.examples import inventory
from gradschool.data.sets.text import tinyshakespeare
from gradschool.data.text.running import corpus
from gradschool.data.text.running.chunks import UNSCORED, Chunks, in_chunks
from gradschool.data.text.running.corpus import open_corpus
from gradschool.errors import UserError

PACK = Path(os.environ.get("GRADSCHOOL_DATA", "")) / "text" / "tinyshakespeare.txt"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_CACHE", str(tmp_path / "cache"))


def written(folder, text, name="a.txt"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_parts_are_cut_by_position(tmp_path):
    text = "".join(chr(97 + i % 26) for i in range(1000)) + "é"
    splits = open_corpus(written(tmp_path, text), letters, val=0.1, test=51)
    assert {name: part.characters for name, part in splits.parts.items()} == {
        "train": 850, "val": 100, "test": 51}  # fmt: skip
    assert splits.train.text() + splits.val.text() + splits.test.text() == text
    assert splits.test.size == 52 and splits.train.tokens.dtype == np.uint16
    assert splits.train.take(torch.tensor([0, 27])).text() == "ab"


def test_what_is_held_out_to_choose_by_may_be_the_beginning(tmp_path):
    text = "".join(chr(97 + i % 26) for i in range(200))
    asked = []

    def learn(running, start, stop):
        asked.append((start, stop))
        return letters(running, start, stop)

    splits = open_corpus(written(tmp_path, text), learn, val=30, test=50, val_first=True)
    assert [part.text() for part in splits.parts.values()] == [text[30:150], text[:30], text[150:]]
    open_corpus(written(tmp_path, text), learn, val=30, test=50)
    assert asked == [(30, 150), (0, 120)]
    with pytest.raises(UserError, match="80 are held out"):
        open_corpus(written(tmp_path, text[:80]), learn, val=30, test=50, val_first=True)


def test_what_the_parts_hold_is_told_from_anything_else(tmp_path):
    def hashes(text):
        return inventory(open_corpus(written(tmp_path, text), letters, val=0, test=0.5))["parts"]

    before, same, other = hashes("abcabcab"), hashes("abcabcab"), hashes("abcabcaa")
    assert before == same and before["train"] == other["train"] and before["test"] != other["test"]
    assert before["train"]["count"] == 4 and "val" not in before


def test_tokens_of_a_long_text_are_mapped_from_the_cache(tmp_path, monkeypatch):
    file = written(tmp_path, "to be or not to be " * 500)
    small = open_corpus(file, letters, val=0.1, test=0.1)
    monkeypatch.setattr(corpus, "LARGE", 1000)
    for _ in range(2):
        large = open_corpus(file, letters, val=0.1, test=0.1)
        assert isinstance(large.train.tokens.base, np.memmap) or isinstance(large.train.tokens, np.memmap)
        assert all((small.parts[p].tokens == large.parts[p].tokens).all() for p in small.parts)
        assert [part.size for part in large.parts.values()] == [part.size for part in small.parts.values()]
    assert inventory(small) == inventory(large)
    assert len(list((tmp_path / "cache" / "decoded").glob("corpus-*[0-9a-f]"))) == 3


@pytest.mark.parametrize(
    ("text", "test", "sentence"),
    [
        ("abcdef", 10, "a.txt has 6 characters, and 10 are held out"),
        ("abcdef", 1, "the test part of a.txt has 1 tokens; wanted: 2 or more"),
        ("", 1, "is empty"),
    ],
)
def test_a_text_that_is_too_short_is_a_sentence(tmp_path, text, test, sentence):
    with pytest.raises(UserError, match=sentence):
        open_corpus(written(tmp_path, text), letters, val=0, test=test)


def test_a_set_of_another_sort_is_a_sentence():
    with pytest.raises(UserError, match=r"names .* is no running text"):
        open_corpus("names", letters, val=0, test=0.1)


def test_what_is_fetched_is_cut_to_what_the_pack_holds(tmp_path, monkeypatch):
    text = b"First Citizen:\n" * 10
    (tmp_path / "input.txt").write_bytes(text + b"and the rest")
    monkeypatch.setattr(tinyshakespeare, "KEPT", len(text))
    with pytest.raises(ValueError, match="have another SHA-256"):
        tinyshakespeare.build(tmp_path, tmp_path / "made.txt")
    monkeypatch.setattr(tinyshakespeare, "DIGEST", hashlib.sha256(text).hexdigest())
    tinyshakespeare.build(tmp_path, tmp_path / "made.txt")
    assert (tmp_path / "made.txt").read_bytes() == text


@pytest.mark.skipif(not PACK.is_file(), reason="needs the data pack")
def test_the_pack_holds_the_texts(monkeypatch):
    splits = open_corpus("Tiny-Shakespeare", letters, val=0, test=55_690)
    assert len(splits.train) == 1_003_854 and len(splits.train.tokeniser) == 65 and len(splits.test) == 55_690
    assert hashlib.sha256(PACK.read_bytes()).hexdigest() == tinyshakespeare.DIGEST
    assert find("war and peace").contents(PACK.with_name("war-and-peace.txt.gz"))[""]["characters"] > 3e6


counts = st.tuples(st.integers(2, 300), st.integers(1, 9), st.integers(1, 12), st.booleans())


@given(counts)
def test_every_token_but_the_first_is_predicted_once(asked):
    n, rows, length, walks = asked
    tokens = np.arange(n, dtype=np.uint16)
    seen, last = [], {}
    for x, y, first in in_chunks(tokens, rows, length, walks):
        scored = y != UNSCORED
        assert torch.equal(y[scored], x[scored] + 1) and x.shape[1] <= length and first.dtype == torch.bool
        for row, (begin, new) in enumerate(zip(x[:, 0].tolist(), first.tolist(), strict=True)):
            assert new or not scored[row, 0] or last[row] == begin, "a row goes on where it was"
            last[row] = int(y[row, -1])
        seen += y[scored].tolist()
    assert sorted(seen) == list(range(1, n))


@given(st.integers(30, 400), st.integers(1, 4), st.integers(2, 12), st.integers(0, 3))
def test_rows_walk_through_the_text_and_go_on_where_they_were(n, half, length, epoch):
    batches = Chunks(np.arange(n, dtype=np.uint16), 2 * half, length, seed=5)
    rows, seen = None, []
    for x, y, first in batches.epoch(epoch):
        assert x.shape == (batches.rows, length) and torch.equal(y, x + 1)
        assert first.all() if rows is None else not first.any()
        assert rows is None or torch.equal(rows, x[:, 0])
        rows = y[:, -1]
        seen += y.flatten().tolist()
    assert len(seen) == len(set(seen)) == len(batches) * batches.rows * length > (n - 1) / 2
    assert max(seen) < n


@given(st.integers(30, 400), st.integers(1, 4), st.integers(2, 12), st.integers(0, 3))
def test_windows_are_the_chunks_of_the_walk_in_another_order(n, rows, length, epoch):
    tokens = np.arange(n, dtype=np.uint16)
    walk, windows = (list(Chunks(tokens, rows, length, 5, walks).epoch(epoch)) for walks in (True, False))
    assert sorted(y.tolist() for _, y, _ in walk) == sorted(y.tolist() for _, y, _ in windows)
    assert all(torch.equal(y, x + 1) and first.all() for x, y, first in windows)
    other = [y.tolist() for _, y, _ in Chunks(tokens, rows, length, 5, False).epoch(epoch + 1)]
    assert len(windows) < 5 or other != [y.tolist() for _, y, _ in windows]


@given(st.integers(2, 300), st.integers(1, 9), st.integers(1, 12))
def test_windows_that_are_scored_begin_half_a_window_before(n, rows, length):
    for i, (x, y, _) in enumerate(in_chunks(np.arange(n, dtype=np.uint16), rows, length, walks=False)):
        seen = length // 2 if i else 0
        assert (y[:, :seen] == UNSCORED).all() and (y[:-1, seen:] != UNSCORED).all()
        assert x.shape[1] <= length


@pytest.mark.parametrize("walks", [True, False])
def test_batches_are_a_function_of_epoch_and_position(walks):
    batches = Chunks(np.arange(5000, dtype=np.uint16), 4, 10, seed=1, walks=walks)
    assert len(batches) == 124
    whole = list(batches.epoch(3))
    again = list(batches.epoch(3, start=100))
    assert all(torch.equal(a, b) for one, two in zip(whole[100:], again, strict=True)
               for a, b in zip(one, two, strict=True))  # fmt: skip
    assert not torch.equal(whole[0][0], next(iter(batches.epoch(4)))[0]), "another epoch, other places"
    other = Chunks(batches.tokens, 4, 10, seed=2, walks=walks)
    assert not torch.equal(whole[0][0], next(iter(other.epoch(3)))[0])
    assert all(first.all() for _, _, first in whole[1:]) != walks


@pytest.mark.parametrize("walks", [True, False])
def test_two_processes_share_what_one_draws(walks):
    tokens = np.arange(500, dtype=np.uint32)
    one, *two = (Chunks(tokens, 6, 7, 0, walks, share) for share in ((0, 1), (0, 2), (1, 2)))
    for alone, *shares in zip(one.epoch(1), *(each.epoch(1) for each in two), strict=True):
        for column, *halves in zip(alone, *shares, strict=True):
            assert torch.equal(column, torch.cat(halves))


@pytest.mark.parametrize(
    ("n", "size", "share", "sentence"),
    [
        (10, 4, (0, 1), "the text to train on has 10 tokens; wanted: more than 10, for chunks of 10"),
        (100, 3, (0, 2), "batch_size is 3; wanted: a multiple of 2, the number of processes"),
        (100, 0, (0, 1), "batch_size is 0"),
    ],
)
def test_what_fills_no_batch_is_a_sentence(n, size, share, sentence):
    with pytest.raises(UserError, match=sentence):
        Chunks(np.zeros(n, np.uint16), size, 10, 0, share=share)
