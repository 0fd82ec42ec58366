"""The review assignment: the weighted score by hand, the best answer, and the whole of it on made-up
reviews."""

import random

import pytest
import torch

from gradschool.classroom.coursework.frame import Desk
from gradschool.classroom.coursework.reviews.marks import small
from gradschool.classroom.coursework.reviews.record import decided, meaning, most_probable, share
from gradschool.classroom.coursework.reviews.work import Reviews, meanings_of
from gradschool.errors import UserError


def test_the_weighted_score_by_hand():
    true = [("good", "food")] * 4
    found = share([("good", "food"), ("bad", "food"), ("good", "cars"), ("bad", "cars")], true)
    assert (found.both, found.category, found.rating) == (0.25, 0.25, 0.25)
    assert found.weighted == pytest.approx((1 + 0.5 + 0.1) / 4)


def test_classes_are_stars_or_pairs():
    assert meaning("1") == ("negative", "strongest") and meaning("7") == ("positive", "weak")
    assert meaning("0 · food · drink") == ("0", "food · drink")
    assert len({meaning(str(s)) for s in (1, 2, 3, 4, 7, 8, 9, 10)}) == 8
    with pytest.raises(UserError, match="label=rating,category"):
        meanings_of(["happy", "sad"], "run")


def test_the_answer_has_the_highest_expected_score():
    meanings = [("good", "food"), ("bad", "cars"), ("good", "cars")]
    p = torch.tensor([[0.4, 0.3, 0.3]])
    # food: 0.4 + 0.1 * 0.3; good cars: 0.3 + 0.5 * 0.3 + 0.1 * 0.4.
    assert most_probable(p, meanings) == [("good", "food")] and decided(p, meanings) == [("good", "cars")]
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(50, 3, generator=generator).softmax(1)
    every = [(r, c) for r in ("good", "bad") for c in ("food", "cars")]
    for row, said in zip(p, decided(p, meanings), strict=True):
        worth = {
            one: sum(float(q) * share([one], [true]).weighted for q, true in zip(row, meanings, strict=True))
            for one in every
        }
        assert worth[said] == pytest.approx(max(worth.values()))


def test_a_model_that_is_too_large_loses_its_points(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert small(tmp_path)[0] == 1
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(50_000_001)
    assert small(tmp_path)[0] == 0


def test_the_whole_on_reviews_with_categories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = random.Random(0)
    rows = ["text,rating,category"]
    for i in range(240):
        rating, category = i % 2, ("food", "cars")[i // 2 % 2]
        words = [("awful", "lovely")[rating], {"food": "soup", "cars": "engine"}[category]]
        words += draw.choices(["the", "a", "was", "it", "and", "so"], k=5)
        draw.shuffle(words)
        rows.append(f"{' '.join(words)} {i},{rating},{category}")
    (tmp_path / "reviews.csv").write_text("\n".join(rows))
    words = ("reviews.vectors=null", "reviews.frozen=false", "reviews.epochs=6", "reviews.learning_rate=0.02",
             "reviews.threads=1",
             'reviews.model_options={"embedding": 8, "hidden": 8, "pool": "max"}')  # fmt: skip
    work = Reviews(data="reviews.csv", set=words, device="cpu")
    out = tmp_path / "out"
    out.mkdir()
    found = work.work(Desk(out, say=lambda text: None))
    points, most = found.points
    assert most == 22 and points > 15, [(mark.item, mark.told) for mark in found.marks]
    assert found.facts["network"]["weighted"] > 0.8 and found.facts["constant"]["weighted"] < 0.6
    assert len(found.shown) == 2 and found.warnings == []
    assert Reviews().notes() and Reviews(quick=True, set=("reviews.batch_size=8",)).settings().batch_size == 8
