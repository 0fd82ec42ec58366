"""Characters, words, WordPiece and unigram pieces: round trips, references, and bad vocabularies as
sentences."""

import itertools
import json
import math
from collections import Counter

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokeniser_peers import STRANGE, names, own_text

from gradschool.data.text.tokens.bert import BertPieces
from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.lattice import edges, expected_uses, log_add, viterbi
from gradschool.data.text.tokens.load import KINDS, tokeniser_of
from gradschool.data.text.tokens.measure import bytes_per_token
from gradschool.data.text.tokens.split import GPT2
from gradschool.data.text.tokens.tokeniser import Tokeniser
from gradschool.data.text.tokens.unigram import Unigram, em_step, pruned
from gradschool.data.text.tokens.wordpiece import WordPiece, learn, longest_match
from gradschool.data.text.tokens.words import Words, words_of
from gradschool.errors import UserError
from gradschool.ops.sequence.counting import bits_per_byte

CORPUS = own_text()[:8_000]


@pytest.fixture(scope="module")
def trained():
    return {
        "characters": Characters.train([CORPUS]),
        "words": Words.train([CORPUS], least=2),
        "wordpiece": WordPiece.train([CORPUS], 400),
        "unigram": Unigram.train([CORPUS], 300),
        "byte_bpe": ByteBPE.train([CORPUS], 400),
        "bert": BertPieces(WordPiece.train([CORPUS], 400).pieces, True),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_tokeniser_keeps_its_word(trained, kind):
    ours = trained[kind]
    ids = ours.encode(CORPUS)
    assert isinstance(ours, Tokeniser) and 0 <= min(ids) <= max(ids) < len(ours)
    facts = json.loads(json.dumps(ours.facts()))
    assert facts["kind"] == kind
    again = tokeniser_of(facts)
    assert again == ours and again.encode(CORPUS) == ids and len(again) == len(ours)
    assert len({ours.shown(token) for token in range(len(ours))}) >= len(ours) - 1
    assert all(ours.shown(token).isprintable() or kind == "byte_bpe" for token in range(len(ours)))
    with pytest.raises(UserError, match=f"wanted: 0 to {len(ours) - 1}"):
        ours.decode([len(ours)])


@pytest.mark.parametrize("kind", ["characters", "unigram", "byte_bpe"])
def test_text_of_known_characters_survives(trained, kind):
    @given(text=st.text(st.sampled_from(sorted(set(CORPUS))), max_size=50))
    def survives(text):
        assert trained[kind].decode(trained[kind].encode(text)) == text

    survives()


def test_characters():
    ours = Characters.train(["ba", "c"])
    assert len(ours) == 4 and ours.encode("abc") == [1, 2, 3] and ours.decode([0, 3, 0, 1]) == "ca"
    assert [ours.shown(i) for i in (0, 1)] == ["<end>", "a"]
    with pytest.raises(UserError, match=r"'aaaaaaaaaaaaaaaaaaaaéa' holds 'é'; wanted: .*\(abc\)"):
        ours.encode("a" * 1000 + "éa")


def test_words():
    assert words_of("Don't stop, Zoë’s 2nd!") == ["don't", "stop", ",", "zoë’s", "2", "nd", "!"]
    ours = Words.train(["b a b", "a c B"], size=3)
    assert (
        ours.words == ["b", "a"]
        and ours.encode("A b  c") == [2, 1, 0]
        and ours.decode([2, 1, 0]) == "a b <unk>"
    )
    assert ours.unknown("a c") == 0.5 and ours.unknown("") == 0.0
    assert Words.train(["b a b"], least=2).words == ["b"]
    assert Words.train(["B b"], lower=False).encode("b B") == [2, 1]
    with pytest.raises(UserError, match="size of the vocabulary is 0"):
        Words.train(["a"], size=0)


def test_wordpiece_encodes_as_hugging_face_does(trained):
    ours = trained["wordpiece"]
    peer = tokenizers.Tokenizer(tokenizers.models.WordPiece(ours.numbers, unk_token="[UNK]"))
    for word in {*words_of(names()), *words_of(STRANGE), *words_of(CORPUS), "a" * 101}:
        assert ours.encode(word) == [token for part in words_of(word) for token in peer.encode(part).ids]
    assert longest_match("unable", {"un": 0, "una": 1, "##ble": 2, "##able": 3}) == ["una", "##ble"]
    assert longest_match("unx", {"un": 0}) is None
    assert ours.decode(ours.encode("The Recipe, trained")) == "the recipe , trained"


def naive_pieces(words, size):
    """Count everything anew for each merge, and choose by the formula."""
    spelt = {word: [("##" if i else "") + c for i, c in enumerate(word)] for word in words}
    pieces = sorted({piece for parts in spelt.values() for piece in parts})
    while len(pieces) < size:
        uses, pairs = Counter(), Counter()
        for word, parts in spelt.items():
            for part in parts:
                uses[part] += words[word]
            for pair in itertools.pairwise(parts):
                pairs[pair] += words[word]
        if not pairs:
            break
        total = uses.total()
        gain = {(a, b): n * math.log(n * total / (uses[a] * uses[b])) for (a, b), n in pairs.items()}
        best = min(gain, key=lambda pair: (-gain[pair], pair))
        new = best[0] + best[1].removeprefix("##")
        pieces.append(new)
        for word, parts in spelt.items():
            out, i = [], 0
            while i < len(parts):
                both = tuple(parts[i : i + 2]) == best
                out.append(new if both else parts[i])
                i += 2 if both else 1
            spelt[word] = out
    return pieces


@given(
    words=st.dictionaries(st.text("abc", min_size=1, max_size=8), st.integers(1, 5), min_size=1, max_size=6)
)
def test_wordpiece_learns_what_counting_anew_learns(words):
    letters = sorted({"##" * (i > 0) + c for word in words for i, c in enumerate(word)})
    assert learn(words, letters, len(letters) + 8) == naive_pieces(words, len(letters) + 8)


def ways(text, pieces):
    """All ways to cut a text, each a list of pieces."""
    if not text:
        return [[]]
    return [
        [text[:i], *rest]
        for i in range(1, len(text) + 1)
        if text[:i] in pieces
        for rest in ways(text[i:], pieces)
    ]


PIECES = st.dictionaries(st.text("ab", min_size=2, max_size=4), st.floats(-6, -0.1), max_size=6).map(
    lambda pieces: {"a": -1.5, "b": -2.5} | pieces
)


@given(text=st.text("ab", min_size=1, max_size=8), pieces=PIECES)
def test_the_lattice_gives_what_all_ways_give(text, pieces):
    every = ways(text, pieces)
    scores = [sum(pieces[piece] for piece in way) for way in every]
    lattice = edges(text, pieces, max(map(len, pieces)))
    best = viterbi(lattice, len(text), pieces)
    assert "".join(best) == text and sum(pieces[p] for p in best) == pytest.approx(max(scores))
    whole, shares = expected_uses(lattice, len(text), pieces)
    weights = [math.exp(score) for score in scores]
    assert whole == pytest.approx(math.log(sum(weights)))
    uses = Counter()
    for (_, _, piece), share in zip(lattice, shares, strict=True):
        uses[piece] += share
    for piece in pieces:
        counted = sum(w * way.count(piece) for w, way in zip(weights, every, strict=True)) / sum(weights)
        assert uses[piece] == pytest.approx(counted, abs=1e-9)


def test_a_text_that_no_piece_can_begin_has_no_way():
    assert viterbi(edges("xa", {"a": -1.0}, 1), 2, {"a": -1.0}) == []
    assert viterbi([], 0, {}) == []
    assert log_add(-1000.0, -1000.0) == pytest.approx(-1000 + math.log(2)) and log_add(-math.inf, -3.0) == -3


def test_em_never_makes_the_text_less_likely():
    chunks = Counter(own_text().split()[:600])
    spans = {chunk[i : i + n] for chunk in chunks for n in (1, 2, 3) for i in range(len(chunk))}
    pieces = dict.fromkeys(sorted(spans), -math.log(len(spans)))
    seen = []
    for _ in range(6):
        pieces, uses, likelihood = em_step(chunks, pieces)
        seen.append(likelihood)
        assert sum(math.exp(log_p) for log_p in pieces.values()) == pytest.approx(1)
    assert seen == sorted(seen)
    kept, singles = pruned(pieces, uses, 100), {p for p in pieces if len(p) == 1}
    assert len(kept) == 100 and singles <= kept.keys() == pruned(pieces, uses, 3).keys() | kept.keys()


def test_unigram_encodes_as_hugging_face_does(trained):
    ours = trained["unigram"]
    assert len(ours) == 300
    peer = tokenizers.Tokenizer(tokenizers.models.Unigram([("<unk>", 0.0), *ours.pieces.items()], unk_id=0))
    peer.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(GPT2), "isolated")
    for text in (CORPUS, names()[:5000]):
        assert ours.encode(text) == peer.encode(text).ids
    assert ours.decode(ours.encode("a日本b")) == "a\ufffdb" and ours.encode("日本") == [0]


def test_measures(trained):
    text = "naïve"
    assert bytes_per_token(trained["byte_bpe"], text) == 6 / len(trained["byte_bpe"].encode(text))
    assert bytes_per_token(trained["byte_bpe"], CORPUS) > 1.5
    assert bits_per_byte(math.log(2), 10, 40) == pytest.approx(0.25)
    # A uniform guess over bytes costs 8 bits.
    assert bits_per_byte(math.log(256), 7, 7) == pytest.approx(8)
    with pytest.raises(UserError, match="has no token"):
        bytes_per_token(trained["words"], " ")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, r"kind 'None' is not known; wanted: one of characters, words"),
        ({"kind": "words"}, "facts of the words tokeniser are damaged"),
        ({"kind": "words", "words": ["a", "a"], "lower": True}, "word 'a' occurs twice"),
        ({"kind": "characters", "characters": "aba"}, "character 'a' occurs twice"),
        ({"kind": "characters", "characters": 7}, "damaged"),
        ({"kind": "wordpiece", "pieces": ["a"], "lower": True}, "no piece for unknown words"),
        ({"kind": "unigram", "pieces": [["a", 1.0]], "pattern": GPT2}, "log-probability 1.0; wanted"),
        ({"kind": "unigram", "pieces": [["a", "x"]], "pattern": GPT2}, "damaged"),
        ({"kind": "unigram", "pieces": [["a", -1], ["a", -2]], "pattern": GPT2}, "piece 'a' occurs twice"),
        ({"kind": "byte_bpe", "merges": [[1]], "ids": [], "pattern": GPT2, "special": {}}, "damaged"),
    ],
)
def test_bad_facts_are_sentences(facts, said):
    with pytest.raises(UserError, match=said):
        tokeniser_of(facts)


def test_sizes_without_room_are_sentences():
    with pytest.raises(UserError, match="a vocabulary of 3 tokens came for 4 different characters"):
        Unigram.train(["abcd"], 3)
    with pytest.raises(UserError, match="0 different characters"):
        Unigram.train([], 3)
    with pytest.raises(UserError, match="no room for 5 special tokens and 2 letters"):
        WordPiece.train(["ab ab"], 6)
