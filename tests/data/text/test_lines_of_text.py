"""Lines of text: read whatever their origin, each once, in three parts, as tokens and as contexts."""

import unicodedata

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.data.catalogue import find, located
from gradschool.data.examples import Examples, changes, inventory
from gradschool.data.text.contexts import Contexts
from gradschool.data.text.lines import Lines
from gradschool.data.text.open import open_lines
from gradschool.data.text.read import distinct, read_lines
from gradschool.data.text.vocabulary import END, Vocabulary
from gradschool.errors import UserError

texts = st.lists(
    st.text(st.sampled_from("abcé ß"), min_size=1, max_size=7), min_size=1, max_size=8, unique=True
)


@given(texts=texts)
def test_encoding_is_undone_by_decoding(texts):
    vocabulary = Vocabulary.of(texts)
    assert len(vocabulary) == len(set("".join(texts))) + 1
    for text in texts:
        tokens = vocabulary.encode(text)
        assert len(tokens) == len(text) and END not in tokens
        assert vocabulary.decode(tokens) == vocabulary.decode([*tokens, END, 1]) == text
    assert vocabulary.shown(END) not in vocabulary.characters


def test_an_unknown_character_is_a_sentence():
    with pytest.raises(UserError, match=r"'böb' holds 'ö'; wanted: only characters of the .* \(abc\)"):
        Vocabulary("abc").encode("böb")
    with pytest.raises(UserError, match=r"\.\.\.\)"):
        Vocabulary("".join(map(chr, range(200, 300)))).encode("a")


@given(texts=texts, size=st.integers(1, 6))
def test_contexts_are_what_a_loop_over_characters_gives(texts, size):
    vocabulary, x, y = Vocabulary.of(texts), [], []
    for text in texts:
        context = [END] * size
        for token in [*vocabulary.encode(text), END]:
            x.append(context)
            y.append(token)
            context = [*context[1:], token]
    found = Contexts(vocabulary, size).of(texts)
    assert [each.tolist() for each in found] == [x, y]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_files_of_any_origin_give_the_same_lines(tmp_path, end, mark, last):
    lines = ["Zoë", "", " Ana María ", "zoë", "Zoë"]
    text = unicodedata.normalize("NFD", end.join(lines)) + (end if last else "")
    (tmp_path / "list.txt").write_bytes((mark + text).encode())
    found = read_lines(tmp_path / "list.txt")
    assert found == ["Zoë", "", "Ana María", "zoë", "Zoë"]
    kept, told = distinct(found, "list.txt")
    assert kept == ["Zoë", "Ana María", "zoë"]
    assert told == ["1 empty and 1 repeated lines are left out of list.txt."]


def test_nothing_left_out_is_not_told():
    assert distinct(["a", "b"], "x") == (["a", "b"], [])
    assert distinct(["a", "", "b"], "x")[1] == ["1 empty line is left out of x."]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            "Jörg\n".encode("latin-1"),
            r"list.txt is not UTF-8 \(byte 2 is 0xf6\); wanted: a text file in UTF-8",
        ),
        ("anna\n".encode("utf-16-le"), "list.txt holds zero bytes"),
        (b"a\n\nb\na\n", "has 2 different lines; wanted: 10 or more, one item a line"),
        (b"", "has 0 different lines"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_list_is_a_sentence(tmp_path, content, sentence):
    file = tmp_path / "list.txt"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        open_lines(file)


def test_other_sets_hold_no_lines():
    with pytest.raises(UserError, match=r"digits \(Handwritten digits, 8x8\) holds no lines of text"):
        open_lines("digits")


@given(
    n=st.integers(10, 60), val=st.sampled_from([0.0, 0.1, 0.5]), test=st.sampled_from([0.05, 0.1, 0.4]),
    seed=st.integers(0, 5),
)  # fmt: skip
def test_parts_share_no_line_and_lose_none(tmp_path_factory, n, val, test, seed):
    file = tmp_path_factory.mktemp("list") / "list.txt"
    whole = [f"line {i}" for i in range(n)]
    file.write_text("\n".join([*whole, whole[0]]))
    splits = open_lines(file, val=val, test=test, seed=seed)
    assert sorted(text for part in splits.parts.values() for text in part.texts) == sorted(whole)
    assert (splits.val is None) == (val == 0) and len(splits.test) == pytest.approx(test * n, abs=1)
    assert splits.test.texts == open_lines(file, val=val, test=test, seed=seed + 1).test.texts
    assert splits.notes == ["1 repeated line is left out of list.txt."]


def test_the_names_come_with_the_package():
    info = find("names")
    assert info.contents(located(info)) == {"": {"lines": 2000}}
    splits = open_lines("names")
    assert {name: len(part) for name, part in splits.parts.items()} == {
        "train": 1620,
        "val": 180,
        "test": 200,
    }
    assert splits.train.vocabulary.characters == "abcdefghijklmnopqrstuvwxyz"
    assert splits.name == "names" and not splits.notes
    assert open_lines("names", seed=1).val.texts != splits.val.texts


def test_an_inventory_names_the_lines_that_differ():
    vocabulary = Vocabulary("abc")
    before, now = (Lines(texts, vocabulary) for texts in (["a", "b"], ["b", "c"]))
    assert isinstance(before, Examples)
    assert before.take(torch.tensor([1])).texts == ["b"]
    splits = open_lines("names")
    found = [inventory(type(splits)("x", part, None, part)) for part in (before, now)]
    assert "1 new (first: c), 1 gone (first: a)" in changes(*found)[0]
    assert changes(found[0], found[0]) == []
