"""Tokens as text while they come: joined it is the whole text, and no piece holds a half of a character."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.text.tokens.bpe import ByteBPE
from gradschool.data.text.tokens.characters import Characters
from gradschool.data.text.tokens.stream import streamed
from gradschool.data.text.tokens.unigram import Unigram
from gradschool.data.text.tokens.wordpiece import WordPiece
from gradschool.data.text.tokens.words import Words
from gradschool.data.text.vocabulary import Vocabulary

TEXT = "low lower lowest 😀 é 中文 new newer widest " * 4
BYTES = ByteBPE.train([TEXT], 280)


def test_a_character_of_four_bytes_comes_at_once():
    ids = list("a😀é".encode())
    plain = ByteBPE([])
    assert list(streamed(plain, ids)) == ["a", "😀", "é"]
    given_, shown = [], []
    pieces = streamed(plain, (given_.append(i) or i for i in ids))
    for piece in pieces:
        shown.append((piece, len(given_)))
    assert shown == [("a", 1), ("😀", 5), ("é", 7)], "each as soon as its last byte is there"


@settings(max_examples=200)
@given(st.lists(st.integers(0, len(BYTES) - 1), max_size=20))
def test_any_tokens_of_bytes_give_what_decode_gives(ids):
    pieces = list(streamed(BYTES, ids))
    assert "".join(pieces) == BYTES.decode(ids) and all(pieces)


@given(st.text(max_size=8))
def test_text_never_holds_a_replacement_that_was_not_there(text):
    pieces = list(streamed(BYTES, BYTES.encode(text)))
    assert "".join(pieces) == text
    assert sum(piece.count("\ufffd") for piece in pieces) == text.count("\ufffd")


OTHERS = [Characters(Vocabulary("".join(sorted(set(TEXT))))), Words.train([TEXT], 12),
          WordPiece.train([TEXT], 40), Unigram.train([TEXT], 40)]  # fmt: skip


@settings(max_examples=100)
@given(st.data())
def test_the_other_tokenisers(data):
    tokeniser = data.draw(st.sampled_from(OTHERS))
    ids = data.draw(st.lists(st.integers(0, len(tokeniser) - 1), max_size=12))
    pieces = list(streamed(tokeniser, ids))
    assert "".join(pieces) == tokeniser.decode(ids) and all(pieces)
