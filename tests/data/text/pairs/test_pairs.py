"""Pairs of texts: read from every form, cleaned with counts, cut into parts, put into batches."""

import gzip
import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradschool.data.catalogue import find
from gradschool.data.text.pairs.batches import PADDING, PairBatches, in_batches
from gradschool.data.text.pairs.joint import (
    END,
    START,
    joint_tokeniser,
    source_tokens,
    target_tokens,
    text_of,
)
from gradschool.data.text.pairs.openpairs import open_pairs
from gradschool.data.text.pairs.pairs import TextPairs
from gradschool.errors import UserError

ROWS = [(f"das ist Satz {i}", f"this is sentence {i}") for i in range(40)]


def both(splits):
    return {name: list(zip(part.sources, part.targets, strict=True)) for name, part in splits.parts.items()}


def test_languages_in_an_object_of_their_own_are_columns(tmp_path):
    file = tmp_path / "pairs.jsonl"
    lines = [json.dumps({"translation": {"de": s, "en": t}}) for s, t in ROWS]
    file.write_text("\n".join([*lines, json.dumps({"translation": {}})]))
    splits = open_pairs(file, val=0.2, test=0.2)
    assert sorted(pair for part in both(splits).values() for pair in part) == sorted(ROWS)
    assert splits.train.languages == ("de", "en")
    assert "In 41 rows of pairs.jsonl the languages in 'translation' are read as columns." in splits.notes
    # What stands beside them stays: the part is used, any other column makes the two a matter of choice.
    rows = [{"split": "test" if i < 9 else "train", "translation": {"de": s, "en": t}}
            for i, (s, t) in enumerate(ROWS)]  # fmt: skip
    file.write_text("\n".join(map(json.dumps, rows)))
    assert len(open_pairs(file, val=0.0).test) == 9
    file.write_text("\n".join(json.dumps({"id": i, **row}) for i, row in enumerate(rows)))
    with pytest.raises(UserError, match=r"\(id, de, en\).*--set source=NAME"):
        open_pairs(file)
    splits = open_pairs(file, source="en", target="de", val=0.0)
    assert both(splits)["test"] == [(t, s) for s, t in ROWS[:9]]


def test_a_source_with_several_translations_lies_in_one_part(tmp_path):
    rows = [(f"Satz {i // 4}", f"sentence {i}") for i in range(80)]
    file = tmp_path / "pairs.csv"
    file.write_text("".join(f"{s},{t}\n" for s, t in [("de", "en"), *rows]))
    for seed in range(3):
        parts = both(open_pairs(file, val=0.2, test=0.2, seed=seed))
        sources = [{s for s, _ in part} for part in parts.values()]
        assert [len(each) for each in sources] == [13, 3, 4] and len(set.union(*sources)) == 20
        assert sorted(pair for part in parts.values() for pair in part) == sorted(rows)


def test_a_table_is_cut_into_parts_without_a_pair_in_common(tmp_path):
    file = tmp_path / "pairs.csv"
    file.write_bytes("".join(f"{s},{t}\r\n" for s, t in [("de", "en"), *ROWS]).encode())
    splits = open_pairs(file, val=0.1, test=0.25)
    parts = both(splits)
    assert {name: len(part) for name, part in parts.items()} == {"train": 27, "val": 3, "test": 10}
    assert sorted(pair for part in parts.values() for pair in part) == sorted(ROWS)
    assert splits.train.languages == ("de", "en")
    assert any("sources are column 'de', the targets 'en'" in note for note in splits.notes)
    assert both(open_pairs(file, val=0.1, test=0.25, seed=5))["test"] == parts["test"]
    other_way = open_pairs(file, source="en", target="de", test=0.25)
    assert both(other_way)["test"] == [(t, s) for s, t in parts["test"]]


def test_what_is_left_out_is_counted(tmp_path):
    rows = [
        *ROWS,
        ("", "nothing"),
        ("nichts", "  "),
        ROWS[0],
        ("gleich", "gleich"),
        ("lang " * 200, "long"),
        ("a",),
    ]
    file = tmp_path / "pairs.tsv"
    file.write_text("source\ttarget\n" + "".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    splits = open_pairs(file, source="source", target="target")
    told = " ".join(splits.notes)
    assert "2 pairs of pairs.tsv left out: one side is empty." in told
    assert "1 pair of pairs.tsv left out: repeated another." in told
    assert "1 pair of pairs.tsv left out: longer than 500 characters" in told
    assert "1 pair of pairs.tsv with the same text on both sides." in told
    assert splits.skipped == [("pairs.tsv, line 47", "1 cell where 2 are usual")]


def test_a_pair_in_two_parts_stays_in_the_test_part(tmp_path):
    rows = [("train", *pair) for pair in ROWS] + [("test", *ROWS[3]), ("test", "neu", "new"), ("x", "a", "b")]
    file = tmp_path / "pairs.jsonl"
    file.write_text(
        "".join(json.dumps(dict(zip(("split", "de", "en"), row, strict=True))) + "\n" for row in rows[:-1])
    )
    splits = open_pairs(file, source="de", target="en", val=0.0)
    assert both(splits)["test"] == [ROWS[3], ("neu", "new")] and ROWS[3] not in both(splits)["train"]
    assert splits.val is None and any("a leak" in note for note in splits.notes)


def test_files_of_lines_with_parts(tmp_path):
    for part, rows in (("train", ROWS), ("test", [("eins", "one"), ("zwei", "two")])):
        for column, ending in enumerate(("de", "en")):
            (tmp_path / f"{part}.{ending}").write_bytes(
                "\r\n".join(row[column] for row in rows).encode() + b"\r\n"
            )
    splits = open_pairs(tmp_path, source="de", target="en")
    assert both(splits)["test"] == [("eins", "one"), ("zwei", "two")]
    assert len(splits.train) == 36
    with pytest.raises(UserError, match=r"Say which is read: --set source=de --set target=en"):
        open_pairs(tmp_path)
    with pytest.raises(UserError, match=r"no two files NAME\.fr and NAME\.en"):
        open_pairs(tmp_path, source="fr", target="en")
    (tmp_path / "test.en").write_text("one\n")
    with pytest.raises(UserError, match=r"test\.de has 2 lines and test\.en 1"):
        open_pairs(tmp_path, source="de", target="en")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a,b,c\n" * 12, "does not say which columns"),
        ("x y z\n" * 12, "has one column"),
        ("de,en\nein Satz,a text\n", "has 1 different pairs"),
        ("", "is empty"),
    ],
)
def test_what_holds_no_pairs_is_a_sentence(tmp_path, text, wanted):
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=wanted):
        open_pairs(file)
    with pytest.raises(UserError, match=r"no column 'fr'|has one column|is empty"):
        open_pairs(file, source="fr", target="de")


def test_any_script_goes_through_the_tokens_and_back():
    pairs = TextPairs(
        ["我喜欢猫。", "Ich mag <|end|> 🐈"], ["Мне нравятся кошки.", "أحب القطط"], ("zh", "ru")
    )
    tokeniser = joint_tokeniser(pairs, 400)
    for text, read, written in zip(
        pairs.sources,
        source_tokens(tokeniser, pairs.sources),
        target_tokens(tokeniser, pairs.sources),
        strict=True,
    ):
        assert read[-1] == tokeniser.special[END] and written[0] == tokeniser.special[START]
        assert text_of(tokeniser, read) == text and text_of(tokeniser, [*written, 65]) == text


def columns(lengths):
    return [[1] * m for m, _ in lengths], [[2] * (n + 2) for _, n in lengths]


LENGTHS = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 200), st.integers(0, 3))
def test_every_pair_is_in_one_batch_of_an_epoch(lengths, size, seed):
    batches = PairBatches(*columns(lengths), size, seed)
    for number in range(2):
        found = batches.batches(number)
        assert len(found) == len(batches) and all(len(each) for each in found)
        assert sorted(i for each in found for i in each.tolist()) == list(range(len(lengths)))


def test_batches_are_even_and_hold_little_padding():
    draw = torch.Generator().manual_seed(0)
    lengths = [(m, max(1, m + d)) for m, d in zip(torch.randint(4, 30, (2000,), generator=draw).tolist(),
                                                  torch.randint(-3, 4, (2000,), generator=draw).tolist(),
                                                  strict=True)]  # fmt: skip
    batches = PairBatches(*columns(lengths), 800, 0)
    tokens = [int(b[1].sum()) + int((b[2] != PADDING).sum()) for b in batches.epoch(0)]
    assert min(tokens) > 0.85 * 800 and max(tokens) < 1.15 * 800
    assert batches.padding() < 0.12
    first, again, later = (list(batches.epoch(n)) for n in (0, 0, 1))
    assert all(
        torch.equal(a, b) for x, y in zip(first, again, strict=True) for a, b in zip(x, y, strict=True)
    )
    assert any(a[0].shape != b[0].shape for a, b in zip(first, later, strict=True))
    rest = list(batches.epoch(0, start=7))
    assert torch.equal(rest[0][0], first[7][0])


def test_processes_share_a_batch_and_count_its_tokens():
    lengths = [(i % 7 + 1, i % 5 + 1) for i in range(50)]
    alone = PairBatches(*columns(lengths), 120, 0)
    shares = [PairBatches(*columns(lengths), 120, 0, (rank, 3)) for rank in range(3)]
    for whole, *parts in zip(alone.epoch(0), *(each.epoch(0) for each in shares), strict=True):
        assert sum(len(part[0]) for part in parts) == len(whole[0])
        true = int((whole[2][:, 1:] != PADDING).sum())
        assert whole[3].sum() == pytest.approx(true)
        assert all(part[3].sum() == pytest.approx(true / 3) for part in parts)
    with pytest.raises(UserError, match="for 3 processes"):
        PairBatches(*columns(lengths), 5, 0, (0, 3))


def test_all_pairs_come_once_to_evaluate():
    lengths = [(i % 7 + 1, i % 5 + 1) for i in range(50)]
    found = list(in_batches(*columns(lengths), 60))
    assert sum(len(batch[0]) for batch in found) == 50 and len(found) > 3
    assert all(batch[0].numel() + batch[2].numel() <= 90 for batch in found)


def test_parts_can_be_joined_and_are_known_again():
    part = TextPairs([s for s, _ in ROWS], [t for _, t in ROWS], ("de", "en"))
    index = torch.tensor([3, 1])
    again = part.take(index).joined([part.take(torch.tensor([0]))], None)
    assert again.names == [part.names[i] for i in (3, 1, 0)] and len(set(part.names)) == 40
    assert len(part.content()) == 40


def test_multi30k(pack, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(pack))
    info = find("multi30k")
    splits = open_pairs("multi30k", source="de", target="en")
    assert {name: len(part) for name, part in splits.parts.items()} == {
        "train": 28_997,
        "val": 1014,
        "test": 1000,
    }
    assert splits.test.sources[0] == "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt."
    assert splits.test.targets[0] == "A man in an orange hat starring at something."
    counts = info.contents(pack / info.packs[0])
    assert {part: sum(each.values()) for part, each in counts.items()} == {
        "train": 29_000,
        "val": 1014,
        "test": 1000,
    }
    with gzip.open(pack / info.packs[0], "rt", encoding="utf-8") as file:
        assert sum('"' in line for line in file) > 0, "quote marks are ordinary characters in it"
    with pytest.raises(UserError, match="two of en, de, fr"):
        open_pairs("multi30k", source="de", target="es")
    assert open_pairs("multi30k", target="de").train.languages == ("en", "de")
