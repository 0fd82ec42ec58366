"""Labelled texts from tables and folders of any origin: read right, or refused in a sentence; nothing is lost
in silence.
"""

import gzip
import json
import os
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradschool.data.encoding import decoded
from gradschool.data.examples import as_it_was, inventory
from gradschool.data.text.labelled.openlabelled import open_labelled
from gradschool.data.text.labelled.tables import read_table
from gradschool.errors import UserError

GOOD = [f"a lovely film number {i}, truly" for i in range(20)]
BAD = [f"a dull film number {i}; no" for i in range(20)]


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def csv_of(separator: str = ",", head: tuple[str, ...] = ("text", "label"), end: str = "\n") -> str:
    rows = [head] if head else []
    rows += [
        (f'"{text}"', label)
        for pair in zip(GOOD, BAD, strict=True)
        for text, label in zip(pair, ("good", "bad"), strict=True)
    ]
    return "".join(separator.join(row) + end for row in rows)


def told(splits) -> str:
    return " ".join(splits.notes)


def counts(splits) -> int:
    return sum(map(len, splits.parts.values()))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
def test_every_delimiter_line_end_and_encoding_is_read(tmp_path, separator, end, encoding):
    splits = open_labelled(written(tmp_path, "reviews.csv", csv_of(separator, end=end), encoding))
    assert counts(splits) == 40 and splits.train.classes == ("bad", "good")
    for part in splits.parts.values():
        assert [text in GOOD for text in part.texts] == (part.labels == 1).tolist()
    assert ("is cut at its" in told(splits)) == (separator != ",")
    assert ("UTF-" in told(splits)) == (encoding in ("utf-16", "utf-16-le", "utf-32"))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_excels_line_that_names_the_separator_is_no_example(tmp_path, separator):
    file = written(tmp_path, "a.csv", f"sep={separator}\r\n" + csv_of(separator, end="\r\n"))
    table = read_table(file)
    assert [cell.strip('"') for cell in table.rows[0][1]] == ["text", "label"]
    assert table.rows[1][0] == "a.csv, line 3"
    assert open_labelled(file).train.classes == ("bad", "good")
    with pytest.raises(UserError, match=r"a.csv has no rows"):
        read_table(written(tmp_path, "a.csv", f"sep={separator}\n \n"))


def test_latin_letters_and_zero_bytes_are_told():
    text, notes = decoded("café – ja".encode("cp1252"), "x.csv")
    assert text == "café – ja" and "Windows-1252" in notes[0]
    text, notes = decoded(b"a\0b", "x.csv")
    assert text == "ab" and "1 zero byte of x.csv is left out" in notes[0]


@pytest.mark.parametrize(
    ("head", "wanted"),
    [(("Review", "Sentiment"), "'Review'"), ((), "'column 1'"), (("words", "kind"), "'words'")],
)
def test_columns_are_known_by_name_or_guessed_and_told(tmp_path, head, wanted):
    splits = open_labelled(written(tmp_path, "x.csv", csv_of(head=head)))
    assert counts(splits) == 40 and wanted in told(splits)
    assert ("seems to name no columns" in told(splits)) == (not head)


def test_a_column_that_is_not_there_is_refused_with_the_nearest(tmp_path):
    path = written(tmp_path, "x.csv", csv_of(head=("review", "stars")))
    with pytest.raises(UserError, match=r"no column .star..*Did you mean --set label=stars"):
        open_labelled(path, label="star")


def test_several_label_columns_are_one_class(tmp_path):
    rows = ["text,rating,category"] + [f"text {i},{i % 2},{'abc'[i % 3]}" for i in range(60)]
    splits = open_labelled(written(tmp_path, "x.csv", "\n".join(rows)), text="text", label="rating,category")
    assert splits.train.classes == ("0 · a", "0 · b", "0 · c", "1 · a", "1 · b", "1 · c")


def test_what_is_left_out_is_counted(tmp_path):
    extra = [
        ",good",
        '"  ",bad',
        "fine,",
        "so so,nan",
        f'"{GOOD[0].upper()}",good',
        f'"{GOOD[1]}",bad',
        "a,b,c",
        "one",
    ]
    path = written(tmp_path, "x.csv", csv_of() + "\n".join(extra))
    splits = open_labelled(path)
    assert counts(splits) == 40
    assert "4 rows of x.csv left out: 2 without a text, 2 without a label." in splits.notes
    assert "2 repeated texts of x.csv left out" in told(
        splits
    ) and "1 of these texts had another label" in told(splits)
    assert [why for _, why in splits.skipped] == ["3 cells where 2 are usual", "1 cell where 2 are usual"]


def test_parts_of_the_data_are_kept_and_a_leak_is_taken_out(tmp_path):
    written(tmp_path, "train.csv", csv_of())
    tested = ["text,label", f'"{GOOD[0]}",good', "new,bad", "newer,good"]
    written(tmp_path, "test.csv", "\n".join(tested))
    splits = open_labelled(tmp_path, val=0.2)
    assert {name: len(part) for name, part in splits.parts.items()} == {"train": 31, "val": 8, "test": 3}
    assert GOOD[0] in splits.test.texts and GOOD[0] not in [*splits.train.texts, *splits.val.texts]
    assert "1 text" in told(splits) and "(a leak)" in told(splits)
    alone = open_labelled(tmp_path / "train.csv")
    assert "not test.csv beside it" in told(alone)


def test_a_column_of_parts_is_kept(tmp_path):
    rows = ["text,label,split"] + [
        f"text {i},{'ab'[i % 2]},{('train', 'dev', 'Test')[i % 3]}" for i in range(60)
    ]
    splits = open_labelled(written(tmp_path, "x.csv", "\n".join(rows)))
    assert {name: len(part) for name, part in splits.parts.items()} == {"train": 20, "val": 20, "test": 20}


def folders(place: Path) -> None:
    for kind, texts in (("pos", GOOD), ("neg", BAD)):
        for i, text in enumerate(texts):
            written(place, f"{kind}/{i}.txt", text)


def test_class_folders_and_zips_of_them(tmp_path):
    folders(tmp_path / "data")
    written(tmp_path / "data", "pos/notes.md", "x")
    written(tmp_path / "data", "pos/latin.txt", "tr\xe8s bien, ce film", "latin-1")
    splits = open_labelled(tmp_path / "data")
    assert counts(splits) == 41 and splits.train.classes == ("neg", "pos")
    assert (
        "pos/notes.md",
        "no .txt file",
    ) in splits.skipped and "1 files, the first is pos/latin.txt" in told(splits)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in sorted((tmp_path / "data").rglob("*.txt")):
            archive.write(path, path.relative_to(tmp_path))
    assert inventory(open_labelled(tmp_path / "data.zip"))["parts"] == inventory(splits)["parts"]


def test_train_and_test_folders_are_parts(tmp_path):
    folders(tmp_path / "train")
    written(tmp_path, "test/pos/a.txt", "well done")
    written(tmp_path, "test/neg/a.txt", "badly done")
    splits = open_labelled(tmp_path, val=0.0)
    assert len(splits.train) == 40 and len(splits.test) == 2 and splits.val is None


def test_json_lines_and_gzip(tmp_path):
    rows = [{"text": t, "label": i % 2} for i, t in enumerate(GOOD + BAD)]
    lines = [
        *map(json.dumps, rows),
        "no json",
        '{"text": ["a"], "label": 1}',
        '{"label": 1}',
        '{"text": "\\ud800 odd", "label": 0}',
    ]
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    splits = open_labelled(path)
    assert counts(splits) == 41 and splits.train.classes == ("0", "1")
    assert splits.skipped == [("x.jsonl.gz, line 41", "no JSON object")]
    assert "1 list or object in x.jsonl.gz is read as empty" in told(splits) and "2 without a text" in told(
        splits
    )
    inventory(splits)
    array = written(tmp_path, "x.json", json.dumps(rows))
    assert counts(open_labelled(array)) == 40


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["good"] * 40, "one class"),
        ([str(i / 7) for i in range(40)], "40 different numbers.*Put the numbers into a few classes"),
        ([f"user {i}" for i in range(40)], "40 different labels for 40 texts"),
        (["a", "b" * 300] * 20, "a label of x.csv has 300 characters"),
    ],
)
def test_labels_that_are_no_classes_are_refused(tmp_path, labels, sentence):
    rows = ["text,label"] + [f"text number {i},{label}" for i, label in enumerate(labels)]
    with pytest.raises(UserError, match=sentence):
        open_labelled(written(tmp_path, "x.csv", "\n".join(rows)), text="text", label="label")


def test_numbers_are_classes_in_their_order_and_it_is_told(tmp_path):
    rows = ["text,label"] + [f"text number {i},{(10, 2, '1.0', 2.5)[i % 4]}" for i in range(40)]
    splits = open_labelled(written(tmp_path, "x.csv", "\n".join(rows)))
    assert splits.train.classes == ("1", "2", "2.5", "10")
    assert "'1.0' is class '1'" in told(splits) and "have fractions" in told(splits)


def test_very_uneven_classes_are_told(tmp_path):
    rows = ["text,label"] + [f"text number {i},common" for i in range(1000)] + ["other,rare"]
    splits = open_labelled(written(tmp_path, "x.csv", "\n".join(rows)))
    assert "Classes of x.csv are uneven: common has 1,000 texts, rare 1." in told(splits)
    assert "with a single text (rare" in told(splits)


def test_quote_marks_that_do_not_pair_swallow_nothing(tmp_path):
    rows = (
        ["text\tlabel"] + [f'he said "text {i}\t{"ab"[i % 2]}' for i in range(20)] + ['"open\ta', "last\tb"]
    )
    splits = open_labelled(written(tmp_path, "x.tsv", "\n".join(rows)))
    assert counts(splits) == 22 and "they are read as ordinary characters" in told(splits)


def test_quoted_line_ends_stay_in_their_cell(tmp_path):
    rows = "text,label\n" + "".join(f'"line one, {i}\nline ""two"", here",{"ab"[i % 2]}\n' for i in range(20))
    splits = open_labelled(written(tmp_path, "x.csv", rows))
    assert counts(splits) == 20 and all("\n" in text and '"two"' in text for text in splits.train.texts)


def test_a_very_long_cell_is_read(tmp_path):
    path = written(tmp_path, "x.csv", csv_of() + f'"{"long " * 1_000_000}",good\n')
    assert max(len(text) for part in open_labelled(path).parts.values() for text in part.texts) == 5_000_000


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.csv", "", "is empty"),
        ("x.csv", "just\nwords\n", "has one column"),
        ("x.jsonl", "[1, 2]", "holds no JSON objects"),
        ("x.csv", "text,label\n" + "a,1\nb,2\n", "2 different texts"),
        ("x.doc", "text", "is no table"),
        ("x.csv.gz", "text", "is damaged"),
        (
            "x.csv",
            "text,label,split\n" + "".join(f"t {i},{i % 2},test\n" for i in range(20)),
            "no training part",
        ),
    ],
)
def test_what_is_no_set_of_texts_is_refused(tmp_path, name, content, sentence):
    with pytest.raises(UserError, match=sentence):
        open_labelled(written(tmp_path, name, content))


def test_the_test_part_is_that_of_every_seed_and_a_run_keeps_its_parts(tmp_path):
    path = written(tmp_path, "x.csv", csv_of())
    first, second = open_labelled(path, seed=0), open_labelled(path, seed=1)
    assert first.test.texts == second.test.texts and first.val.texts != second.val.texts
    before = inventory(first)
    path.write_text('text,label\n"a new one",good\n' + csv_of().partition("\n")[2], encoding="utf-8")
    again = as_it_was(open_labelled(path), before, before["classes"])
    assert again.train.texts == first.train.texts and again.test.texts == first.test.texts


CELLS = st.sampled_from(
    ["good", "bad", "1", "2.5", "", "nan", "ein Wort", 'say "hi"', '"', "a,b", "x\ty", "é", "\u4f60\u597d",
     "l1\nl2", "\0", "Text", "label"]
)  # fmt: skip
CODES, FORMS = ["utf-8", "utf-16", "latin-1", "utf-8-sig"], [".csv", ".tsv", ".jsonl"]
TABLES = st.lists(st.lists(CELLS, min_size=0, max_size=4), max_size=30)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(TABLES, st.sampled_from(",;\t"), st.sampled_from(CODES), st.booleans(), st.sampled_from(FORMS))
def test_strange_tables_are_read_or_refused_in_a_sentence(
    tmp_path_factory, rows, separator, code, numbered, ending
):
    place = tmp_path_factory.mktemp("strange")
    rows = [
        [f"{cell} {i}" if numbered and j == 0 else cell for j, cell in enumerate(row)]
        for i, row in enumerate(rows)
    ]
    if ending == ".jsonl":
        text = "\n".join(
            json.dumps(dict(zip(["text", "label", "z", "q"], row, strict=False))) for row in rows
        )
    else:
        text = "\n".join(separator.join(row) for row in rows)
    path = place / f"x{ending}"
    path.write_bytes(text.encode(code, "replace"))
    try:
        splits = open_labelled(path)
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return
    # Every row that was read is in a part, or among what was told: counted with the notes' numbers.
    table = read_table(path)
    lost = 0
    for note in splits.notes:
        if any(words in note for words in ("left out:", "repeated text", "stood in two parts")):
            lost += int(note.split()[0].replace(",", ""))
    has_head = not table.columns and "seems to name no columns" not in told(splits)
    assert counts(splits) + lost == len(table.rows) - has_head
    assert len(splits.skipped) == len(table.skipped)
    assert len(splits.test) > 0 and len(splits.train) > 0
    every = [text for part in splits.parts.values() for text in part.texts]
    assert len({" ".join(text.split()).casefold() for text in every}) == len(every)
    inventory(splits)


@pytest.mark.pack
def test_sets_of_the_pack_have_their_published_sizes(pack, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_DATA", os.fspath(pack))
    imdb, sst2, sst5 = (open_labelled(name, val=0.1) for name in ("imdb", "sst2", "sst5"))
    assert [len(part) for part in imdb.parts.values()] == [5400, 600, 1500]
    assert [len(part) for part in sst2.parts.values()] == [6909, 872, 909]  # 11 of 6,920 are repeated
    assert sst5.train.classes[0] == "very negative" and len(sst5.test) == 1103
    assert torch.equal(imdb.test.labels.bincount(), torch.tensor([750, 750]))
