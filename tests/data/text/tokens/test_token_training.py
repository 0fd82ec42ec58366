"""Merges: the plain algorithm, the fast one, and three references with their three ways to break ties."""

from collections import Counter

import pytest
import rustbpe
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from gradschool.data.text.tokens.alphabet import ALPHABET, from_printable
from gradschool.data.text.tokens.bpe import ByteBPE, encode_long
from gradschool.data.text.tokens.pairs import (
    encode_by_merges,
    merged,
    most_frequent,
    pair_counts,
    tie_rule,
)
from gradschool.data.text.tokens.split import GPT2, GPT4, count_chunks, pieces_of, splitter
from gradschool.data.text.tokens.training import train_merges
from gradschool.errors import UserError
from tokeniser_peers import STRANGE, names, own_text

TEXTS = {"names": names, "documents": own_text}
SIZE = 900
runs = st.text("ab c", max_size=12)  # few letters: many ties, and runs such as aaaa


def naive(chunks, merges, best):
    """Count everything anew for each merge; `best` picks from counts and the bytes of all parts."""
    words = {tuple(chunk.encode()): n for chunk, n in chunks.items()}
    texts, learnt = [bytes([i]) for i in range(256)], []
    while len(learnt) < merges:
        counts = Counter()
        for word, n in words.items():
            for pair in zip(word, word[1:], strict=False):
                counts[pair] += n
        if not counts:
            break
        pair = best(counts, texts)
        new, out = len(texts), Counter()
        for word, n in words.items():
            made, i = [], 0
            while i < len(word):
                both = word[i : i + 2] == pair
                made.append(new if both else word[i])
                i += 2 if both else 1
            out[tuple(made)] += n
        words = out
        learnt.append(pair)
        texts.append(texts[pair[0]] + texts[pair[1]])
    return learnt


def by_bytes(counts, texts):
    """CS336: of equally frequent pairs the lexicographically greatest pair of bytes."""
    return max(counts, key=lambda pair: (counts[pair], (texts[pair[0]], texts[pair[1]])))


def by_number(counts, texts):
    return min(counts, key=lambda pair: (-counts[pair], pair))


@pytest.mark.parametrize("text", TEXTS)
def test_merges_are_those_of_rustbpe(text):
    ours, peer = ByteBPE.train([TEXTS[text]()], SIZE, ties="rustbpe"), rustbpe.Tokenizer()
    peer.train_from_iterator(iter([TEXTS[text]()]), SIZE, pattern=GPT2)
    ranks = sorted(peer.get_mergeable_ranks(), key=lambda each: each[1])
    assert [bytes(token) for token, _ in ranks] == ours.parts
    assert peer.encode(STRANGE) == ours.encode(STRANGE)


@pytest.mark.parametrize("text", TEXTS)
def test_merges_and_ids_are_those_of_hugging_face(text):
    ours = ByteBPE.train([TEXTS[text]()], SIZE, ties="hf")
    peer = tokenizers.Tokenizer(tokenizers.models.BPE())
    level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    peer.pre_tokenizer = level
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=SIZE, show_progress=False, initial_alphabet=level.alphabet()
    )
    peer.train_from_iterator([TEXTS[text]()], trainer)
    assert {from_printable(t): i for t, i in peer.get_vocab().items()} == {
        t: i for i, t in enumerate(ours.tokens)
    }
    assert peer.encode(STRANGE).ids == ours.encode(STRANGE)


@pytest.mark.parametrize("text", TEXTS)
def test_merges_are_those_of_cs336(text):
    chunks = count_chunks([TEXTS[text]()[:10_000]])
    assert train_merges(chunks, 150, "cs336") == naive(chunks, 150, by_bytes)


def test_the_three_rules_differ_but_where_nothing_ties():
    chunks = count_chunks([own_text()])
    first, *others = [train_merges(chunks, 600, ties) for ties in ("rustbpe", "hf", "cs336")]
    assert all(first != other for other in others) and others[0] != others[1]
    alone = [train_merges({"aab": 5, "ab": 2, "b": 9}, 1, ties) for ties in ("rustbpe", "hf", "cs336")]
    assert alone == [[(97, 98)]] * 3


@given(counts=st.dictionaries(runs.filter(bool), st.integers(1, 3), min_size=1, max_size=6))
def test_kept_counts_give_what_counting_anew_gives(counts):
    assert train_merges(counts, 12, "rustbpe") == naive(counts, 12, by_number)
    assert train_merges(counts, 12, "cs336") == naive(counts, 12, by_bytes)


def test_plain_functions_by_hand():
    counts = pair_counts({(1, 2, 1, 2): 3, (2, 1): 1})
    assert counts == {(1, 2): 6, (2, 1): 4}
    assert merged([1, 1, 1, 2, 1, 1], (1, 1), 9) == [9, 1, 2, 9]
    keys = [tie_rule("cs336")(i, bytes([i])) for i in range(3)]
    assert most_frequent({(0, 1): 5, (1, 0): 5, (0, 2): 1}, keys) == (1, 0)
    assert most_frequent({(0, 1): 5, (1, 0): 5, (0, 2): 9}, range(3)) == (0, 2)
    # (b, c) was learnt first, so a b c is a bc, though (a, b) is met first from the left.
    assert encode_by_merges([97, 98, 99], {(98, 99): 0, (97, 98): 1}) == [97, 256]


@given(text=st.binary(max_size=40), other=st.binary(max_size=40))
def test_keys_of_cs336_order_bytes_the_other_way_round(text, other):
    key = tie_rule("cs336")
    assert (key(0, text) < key(0, other)) == (text > other)


@given(word=st.lists(st.sampled_from(b"abc"), max_size=60), data=st.data())
def test_the_heap_encodes_as_the_plain_algorithm(word, data):
    corpus = data.draw(st.dictionaries(runs.filter(bool), st.integers(1, 3), min_size=1))
    ranks = {pair: rank for rank, pair in enumerate(train_merges(corpus, 20))}
    assert encode_long(word, ranks) == encode_by_merges(word, ranks)


def test_a_long_chunk_takes_no_square_of_its_length():
    ranks = {pair: rank for rank, pair in enumerate(train_merges({"a" * 64: 1}, 10))}
    assert len(encode_long([97] * 64_000, ranks)) == 1000


def test_the_alphabet_is_printable_and_whole():
    assert sorted(ALPHABET) == list(range(256)) and len(set(ALPHABET.values())) == 256
    assert "".join(ALPHABET.values()).isprintable() and ALPHABET[32] == "Ġ"
    with pytest.raises(UserError, match="' ', which stands for no byte"):
        from_printable("a b")


@given(text=st.text("ab1 .\n\t'é\r", max_size=40), size=st.integers(1, 7))
def test_a_file_in_pieces_has_the_chunks_of_the_whole(tmp_path_factory, text, size):
    file = tmp_path_factory.mktemp("text") / "text.txt"
    file.write_text(text, encoding="utf-8", newline="")
    pieces = list(pieces_of(file, size))
    assert "".join(pieces) == text
    for pattern in (GPT2, GPT4):
        assert count_chunks(pieces, pattern) == count_chunks([text], pattern)


def test_a_bad_pattern_or_file_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        splitter("(")
    with pytest.raises(UserError, match=r"has groups; wanted: .* Write \(\?:\.\.\.\)"):
        splitter("(a)")
    with pytest.raises(UserError, match="leaves out a part of the text"):
        splitter(r"\w+")("a b")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    with pytest.raises(UserError, match="is not UTF-8"):
        list(pieces_of(tmp_path / "latin.txt"))
    with pytest.raises(UserError, match=r"none.txt cannot be read"):
        list(pieces_of(tmp_path / "none.txt"))
