"""Texts that belong together: whole groups in a part and in a fold, whatever their sizes."""

import csv

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.data.examples import inventory
from gradschool.data.folds import cut as folds_of
from gradschool.data.folds import pooled
from gradschool.data.splits import by_group
from gradschool.data.text.labelled.openlabelled import open_labelled
from gradschool.errors import UserError
from gradschool.runs.language.classify import TextClassifier


def table(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["text", "verdict", "author"], *rows])
    return path


def rows_by(authors, each, start=0):
    return [
        [
            f"this is text {start + a * each + i} of {a}",
            "good" if (a + i) % 2 else "bad",
            f"author {start}-{a}",
        ]
        for a in range(authors)
        for i in range(each)
    ]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 14)), min_size=12, max_size=80),
    st.floats(0.05, 0.9), st.integers(0, 9),
)  # fmt: skip
def test_groups_are_held_out_whole(pairs, share, seed):
    labels, groups = (torch.tensor(column) for column in zip(*pairs, strict=True))
    if len(groups.unique()) < 2:
        with pytest.raises(UserError, match="all examples are of one group"):
            by_group(labels, groups, share, seed)
        return
    kept, held = by_group(labels, groups, share, seed)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(len(pairs)))
    assert len(kept) and len(held) and not {*groups[kept].tolist()} & {*groups[held].tolist()}
    again = by_group(labels, groups, share, seed)
    assert torch.equal(again[0], kept) and torch.equal(again[1], held)


def test_about_the_share_is_held_out_where_groups_are_small():
    g = torch.Generator().manual_seed(0)
    groups, labels = torch.arange(600) // 3, torch.randint(2, (600,), generator=g)
    for share in (0.1, 0.25, 0.5, 0.8):
        _, held = by_group(labels, groups, share, 0)
        assert len(held) / 600 == pytest.approx(share, abs=0.05)
        assert abs(float(labels[held].float().mean() - labels.float().mean())) < 0.08


def test_no_author_is_in_two_parts_or_two_folds(tmp_path):
    rows = [*rows_by(30, 4), *rows_by(5, 11, start=900)]
    file = table(tmp_path / "reviews.csv", rows)
    splits = open_labelled(file, text="text", label="verdict", group="author", val=0.2, test=0.2)
    authors = {name: {*part.members} for name, part in splits.parts.items()}
    assert not authors["train"] & authors["test"] and not authors["train"] & authors["val"]
    assert not authors["val"] & authors["test"] and sum(map(len, authors.values())) == 35
    assert sum(map(len, splits.parts.values())) == len(rows)
    # Text, class and author of a row stay together.
    known = {text: (label, author) for text, label, author in rows}
    for part in splits.parts.values():
        for text, label, author in zip(part.texts, part.labels.tolist(), part.members, strict=True):
            assert known[text] == (part.classes[label], author)
    # Folds over training and validation part.
    whole = pooled(splits).train
    where = folds_of(pooled(splits), 4, 0)
    homes = {}
    for author, fold in zip(whole.members, where.tolist(), strict=True):
        assert homes.setdefault(author, fold) == fold
    assert {*homes.values()} == {0, 1, 2, 3}
    # Without the column the same texts are cut as ever, and authors are torn apart.
    alone = open_labelled(file, text="text", label="verdict", val=0.2, test=0.2)
    assert alone.train.members == () and alone.train.groups.tolist() == list(range(len(alone.train)))


def test_a_text_without_a_group_is_by_itself(tmp_path):
    rows = rows_by(10, 3)
    for i in (0, 1, 2):
        rows[i][2] = ""
    splits = open_labelled(
        table(tmp_path / "a.csv", rows), text="text", label="verdict", group="author", val=0.0
    )
    whole = splits.train.joined([splits.test], None)
    assert len(whole.groups.unique()) == 9 + 3
    assert inventory(splits)["parts"]["train"]["count"] == len(splits.train)


def test_what_is_told_and_refused(tmp_path):
    file = table(tmp_path / "reviews.csv", rows_by(12, 3))
    with pytest.raises(UserError, match="writer"):
        open_labelled(file, text="text", label="verdict", group="writer")
    folder = tmp_path / "classes"
    for name in ("good", "bad"):
        (folder / name).mkdir(parents=True)
        for i in range(8):
            (folder / name / f"{i}.txt").write_text(f"{name} {i} words")
    with pytest.raises(UserError, match=r"group is 'author', and .* holds no table"):
        open_labelled(folder, group="author")
    parts = tmp_path / "parts"
    parts.mkdir()
    table(parts / "train.csv", rows_by(12, 3))
    table(parts / "test.csv", [[f"new {i}", "good" if i % 2 else "bad", "author 0-3"] for i in range(6)])
    told = open_labelled(parts, text="text", label="verdict", group="author", val=0.0).notes
    assert any("1 group of texts in the training part and in another (first: author 0-3)" in x for x in told)


def test_a_run_takes_the_column(tmp_path):
    file = table(tmp_path / "reviews.csv", rows_by(20, 4))
    run = TextClassifier(data=str(file), text="text", label="verdict", group="author", fold="2/4")
    splits = run.open(0)
    assert not {*splits.train.members} & {*splits.val.members}
