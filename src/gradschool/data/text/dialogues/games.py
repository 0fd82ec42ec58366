"""Sums and games with words: a small text to learn from, questions with answers, and pairs of answers.

All sets of fine-tuning that come with the package are written by `python -m
gradschool.data.text.dialogues.games FOLDER`. One sum in ten is in no training part of any of them, so that a
right answer to it was not learnt by heart.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

BELOW = 100  # a sum is of two whole numbers from 0 to below this
SUMS = [(a, b) for a in range(BELOW) for b in range(BELOW)]
CONSONANTS, VOWELS = "bcdfghklmnprstvw", "aeiou"
GAMES: dict[str, Callable[[str], str]] = {
    "reverse": lambda word: word[::-1],
    "capitals": str.upper,
    "sort": lambda word: "".join(sorted(word)),
    "count": lambda word: str(len(word)),
    "first": lambda word: word[0],
    "last": lambda word: word[-1],
}
SPLITS = ("train", "test")


def held_out() -> frozenset[tuple[int, int]]:
    """The sums that are tested: one in ten, the same everywhere."""
    return frozenset(random.Random("held out").sample(SUMS, len(SUMS) // 10))


def sums(split: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Questions and answers in random order, without end: "12+7", "19"."""
    tested = held_out()
    mine = [each for each in SUMS if (each in tested) == (split == "test")]
    while True:
        draw.shuffle(mine)
        yield from ((f"{a}+{b}", str(a + b)) for a, b in mine)


def word(draw: random.Random) -> str:
    """A word that can be spoken and means nothing: three to five letters."""
    letters = [draw.choice((CONSONANTS, VOWELS)[i % 2]) for i in range(draw.randint(3, 5))]
    return "".join(letters)


def games(split: str, draw: random.Random) -> Iterator[tuple[str, str]]:
    """Questions about words, and answers, without end: "reverse cat", "tac".

    A word is tested where its letters sum to a multiple of ten, and then only.
    """
    while True:
        name, found = draw.choice([*GAMES]), word(draw)
        if (sum(map(ord, found)) % 10 == 0) == (split == "test"):
            yield f"{name} {found}", GAMES[name](found)


def taken(each: Iterator[tuple[str, str]], n: int) -> list[tuple[str, str]]:
    """The first n, each question once."""
    found: dict[str, str] = {}
    for question, answer in each:
        found.setdefault(question, answer)
        if len(found) == n:
            break
    return [*found.items()]


def running_text(draw: random.Random) -> str:
    """Every sum that is not tested, as "12+7=19", among as many lines about words, as "cat reverse tac"."""
    lines = [f"{question}={answer}" for question, answer in taken(sums("train", draw), len(SUMS) * 9 // 10)]
    for question, answer in taken(games("train", draw), len(lines) // 2):
        name, _, found = question.partition(" ")
        lines.append(f"{found} {name} {answer}")
    lines += [f"{answer[0]}: what is asked, and after it the answer." for answer in ("Q", "A")]
    draw.shuffle(lines)
    return "\n".join(lines) + "\n"


def instructions(draw: random.Random) -> Iterator[dict[str, str]]:
    """Questions with answers: sums and games, half of each."""
    for split, count in zip(SPLITS, (300, 100), strict=True):
        found = taken(sums(split, draw), count) + taken(games(split, draw), count)
        draw.shuffle(found)
        yield from ({"prompt": q, "answer": a, "split": split} for q, a in found)


def questions(draw: random.Random) -> Iterator[dict[str, str]]:
    """Sums alone, more of them: what a model tries itself on."""
    for split, count in zip(SPLITS, (2000, 300), strict=True):
        yield from ({"prompt": q, "answer": a, "split": split} for q, a in taken(sums(split, draw), count))


def preferences(draw: random.Random) -> Iterator[dict[str, str]]:
    """Sums with the right answer and a wrong one, off by 1 or by 10, or with its digits reversed."""
    for split, count in zip(SPLITS, (600, 200), strict=True):
        for question, right in taken(sums(split, draw), count):
            near = [int(right) + off for off in (-10, -1, 1, 10)] + [int(right[::-1])]
            wrong = draw.choice([each for each in near if each >= 0 and each != int(right)])
            yield {"prompt": question, "chosen": right, "rejected": str(wrong), "split": split}


def write(folder: Path) -> None:
    """All files, the same every time."""
    text = running_text(random.Random("sums and words"))
    (folder / "sums_and_words.txt").write_text(text, encoding="utf-8")
    for name, make in (("word_games", instructions), ("sums", questions), ("sum_pairs", preferences)):
        lines = (json.dumps(each) + "\n" for each in make(random.Random(name)))
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
