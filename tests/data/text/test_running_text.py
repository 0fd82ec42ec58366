"""Running text: read whatever its encoding, in blocks; what was guessed is told, what is no text refused."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.data.text.running import running
from gradschool.data.text.running.running import Running, before_words, between, open_running
from gradschool.errors import UserError

TEXT = "Größe: ½ Elle,\nnaïve Œuvre – “quoted”.\n"


def whole(path):
    return "".join(open_running(path).blocks())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_common_encodings_give_the_same_text(tmp_path, encoding):
    file = tmp_path / "a.txt"
    file.write_bytes(TEXT.encode(encoding))
    assert whole(file) == TEXT
    notes = open_running(file).notes
    guessed = ["1 file is no UTF-8 and was read as Windows-1252, a guess: a.txt."]
    assert notes == (guessed if encoding == "cp1252" else [])
    assert open_running(file).digest == open_running(file).digest


@pytest.mark.parametrize(
    "text", [b"\xef\xbb\xbfabc", gzip.compress(b"abc"), b"abc"], ids=["mark", "gzip", "bare"]
)
def test_marks_and_gzip_are_no_part_of_the_text(tmp_path, text):
    file = tmp_path / ("a.txt.gz" if text[:2] == b"\x1f\x8b" else "a.txt")
    file.write_bytes(text)
    assert whole(file) == "abc" and open_running(file).alphabet == ["a", "b", "c"]


def test_latin_1_is_guessed_where_windows_has_no_such_character(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"caf\xe9 and \x81\n" * 200)
    found = open_running(file)
    assert "read as Latin-1, a guess" in found.notes[0] and "é" in found.alphabet


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_are_made_one_and_told(tmp_path, ends):
    file = tmp_path / "a.txt"
    file.write_bytes(f"one{ends}two{ends}".encode())
    assert whole(file) == "one\ntwo\n"
    assert open_running(file).notes == ["1 file has line ends of Windows or old Macs: read as \\n: a.txt."]
    assert len(open_running(file)) == 8


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.txt is empty"),
        (b"\xef\xbb\xbf", "a.txt is empty"),
        (b"abc\0def", r"a.txt holds NUL bytes \(the first at 4\): no text"),
        ("Wort".encode("utf-16-le"), "holds NUL bytes"),
        (bytes(range(1, 32)) * 40, "a.txt is a binary file"),
        (bytes(range(256)) * 9, "holds NUL bytes"),
        (b"\xff\xfea", "a.txt begins as utf-16 and goes on as something else"),
    ],
)
def test_what_is_no_text_is_a_sentence(tmp_path, content, sentence):
    file = tmp_path / "a.txt"
    file.write_bytes(content)
    with pytest.raises(UserError, match=sentence) as caught:
        open_running(file)
    assert "\n" not in str(caught.value)


def test_a_gzip_that_is_none_and_a_file_that_is_not_there_are_sentences(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(b"abc")
    for name in ("a.txt.gz", "b.txt"):
        with pytest.raises(UserError, match="cannot be read"):
            open_running(tmp_path / name)


def test_a_folder_is_one_text_and_tells_what_it_left_out(tmp_path):
    (tmp_path / "part").mkdir()
    for name, content in {"b.txt": b"second\n", "part/c.txt": b"third", "a.TXT": b"first",
                          "d.txt": b"\0\0", "e.png": b"x", ".hidden.txt": b"no"}.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    found = open_running(tmp_path)
    assert "".join(found.blocks()) == "first\n\nsecond\n\n\nthird" and len(found) == 21
    assert found.skipped == [("d.txt", "holds NUL bytes (the first at 1): no text")]
    assert found.notes[0] == "1 file is no .txt and left out: e.png."
    assert found.notes[1] == "3 files are one text here, with an empty line between two."
    assert "\n" in found.alphabet
    with pytest.raises(UserError, match=r"holds no \.txt file with text in it"):
        open_running((tmp_path / "empty").mkdir() or tmp_path / "empty")


@given(st.lists(st.text(max_size=9)), st.integers(0, 40), st.integers(0, 40))
def test_a_part_of_pieces_is_that_of_the_whole(pieces, start, stop):
    assert "".join(between(pieces, start, stop)) == "".join(pieces)[start : max(start, stop)]


@given(st.text("ab \n", max_size=200), st.integers(1, 9))
def test_blocks_are_the_text_and_are_cut_before_words(text, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "BLOCK", size)
        blocks = list(before_words(text[i : i + size] for i in range(0, len(text), size)))
    assert "".join(blocks) == text and all(blocks)
    for block in blocks[1:]:
        assert len(text) > 8 * size or block[0].isspace()


def test_a_long_line_is_read_in_blocks(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("word " * 700_000)
    found = open_running(file)
    blocks = list(found.blocks())
    assert len(found) == 3_500_000 and len(blocks) == 4 and max(map(len, blocks)) < 1.1 * running.BLOCK
    assert isinstance(found, Running) and "".join(found.blocks(3, 11)) == "d word w"
