"""The review assignment of COMP9444 (UNSW, 2021 and 2022): the rating and the category of a review at once.

There a review had one of two ratings and one of five categories. --data takes a table with such columns; film
reviews of IMDB stand in, which have no categories: of their 1 to 10 stars the rating is whether they are
many, the category how far they are from the middle, so that both together are the stars.
"""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from gradschool.classroom.coursework.frame import Coursework, Desk, Outcome, Shown
from gradschool.classroom.coursework.reviews.marks import BY_HAND, marks, numbers
from gradschool.classroom.coursework.reviews.record import (
    Meaning,
    Share,
    decided,
    meaning,
    most_probable,
    share,
)
from gradschool.data.catalogue import find as find_set
from gradschool.data.catalogue import located
from gradschool.data.examples import Splits
from gradschool.data.text.labelled.columns import JOINT
from gradschool.data.text.labelled.labelled import LabelledTexts
from gradschool.data.text.vectors.wordvectors import WordVectors
from gradschool.engine.run import RunFolder
from gradschool.errors import UserError
from gradschool.evals.language import linear
from gradschool.evals.language.classified import logits_of
from gradschool.recipes import ask, find
from gradschool.runs.language.classify import TextClassifier
from gradschool.runs.reopen import reopen, splits_again
from gradschool.runs.settings import override
from gradschool.runs.train import train

STAND_IN = "imdb"


@dataclass(frozen=True, kw_only=True)
class Reviews(Coursework):
    """Rating and category of reviews at once, on a CPU, with a saved model of 50 MB at most (COMP9444)."""

    data: str = STAND_IN
    """A table with a column of texts, one of ratings and one of categories; film reviews if not given."""
    rating: str = "rating"
    """The column of ratings."""
    category: str = "category"
    """The column of categories."""
    run: Path | None = None
    """A finished run of a text classifier, in place of training one."""

    def work(self, desk: Desk) -> Outcome:
        """Train, answer, mark."""
        # 1. The run that is handed in, and what its classes mean.
        folder = RunFolder.open(self.run) if self.run else self.trained(desk)
        run, _ = reopen(folder)
        if not isinstance(run, TextClassifier):
            raise UserError(f"{folder.path} is {run.title}", "a text classifier", "")
        model, reading, facts = run.reopened(folder)
        meanings = meanings_of(facts["classes"], folder.path)
        splits = splits_again(run, folder)
        # 2. Its answers to the test reviews, and those of counting.
        p = logits_of(model, reading.of(splits.test.texts)).softmax(1)
        true = [meanings[k] for k in splits.test.labels.tolist()]
        answers = decided(p, meanings)
        shares = {"network": share(answers, true), **compared(splits, meanings, true)}
        shares["network, most probable class"] = share(most_probable(p, meanings), true)
        # 3. Marks and figures.
        place = located(find_set("glove"))
        items = marks(folder, model, WordVectors.load(place) if place else None, shares)
        shown = [parts(shares), pairs(answers, true)]
        return Outcome(shown, items, BY_HAND, numbers(shares), self.notes())

    def settings(self) -> TextClassifier:
        """Of the run."""
        base = find("imdb_lstm")()
        label = "rating" if self.data == STAND_IN else f"{self.rating},{self.category}"
        run = replace(base, data=self.data, label=label)
        run = replace(run, epochs=0.3, longest=60) if self.quick else run
        return override(run, self.settings_of("reviews", ("reviews",)), "imdb_lstm")

    def trained(self, desk: Desk) -> RunFolder:
        """A run trained now."""
        request = ask(
            "imdb_lstm", seed=self.seed, device=self.device, out=desk.folder / "reviews", mine=desk.mine
        )
        return train(self.settings(), request, desk.say)

    def notes(self) -> list[str]:
        """What a person should know of the reviews."""
        if self.data != STAND_IN or self.run:
            return []
        return ["The reviews of the assignment are not passed on with the course: film reviews stand "
                "in, whose category "
                "is how far their stars are from the middle. With others: --data FILE.csv."]  # fmt: skip


def meanings_of(classes: list[str], place: Path) -> list[Meaning]:
    """Rating and category of every class.

    Raises:
        UserError: the classes are neither stars nor pairs.
    """
    try:
        return [meaning(name) for name in classes]
    except (KeyError, ValueError) as error:
        wanted = f"stars, or ratings and categories joined by{JOINT}"
        advice = "Train with --set label=rating,category (columns of your table)."
        raise UserError(f"{place} has classes such as {classes[0]!r}", wanted, advice) from error


def compared(splits: Splits[LabelledTexts], meanings: list[Meaning], true: list[Meaning]) -> dict[str, Share]:
    """What counting words and pairs reaches, and the best single answer for all reviews."""
    labels = splits.train.labels
    said, _ = linear.bayes_svm(linear.Counts.of(splits.train.texts, splits.test.texts), labels.numpy())
    frequent: Tensor = labels.bincount(minlength=len(meanings)).float()
    one = decided((frequent / frequent.sum())[None], meanings)[0]
    return {"counting": share([meanings[k] for k in said], true), "constant": share([one] * len(true), true)}


def parts(shares: dict[str, Share]) -> Shown:
    """Shares of answers that are right in both parts, in one, in none."""
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    ax = figure.subplots()
    left = torch.zeros(len(shares))
    for name in ("both", "category", "rating"):
        widths = torch.tensor([100 * getattr(each, name) for each in shares.values()])
        ax.barh(list(shares), widths.tolist(), left=left.tolist(), label=name)
        left += widths
    ax.invert_yaxis()
    ax.set(xlabel="reviews, %", xlim=(0, 100))
    ax.legend(ncols=3, loc="lower right", frameon=False)
    told = "; ".join(f"{name} {100 * each.weighted:.1f}" for name, each in shares.items())
    return Shown("shares", "What is right", f"Weighted scores: {told}.", figure)


def pairs(said: list[Meaning], true: list[Meaning]) -> Shown:
    """How often each pair of rating and category is answered for each true one."""
    names = sorted(set(true) | set(said))
    counts = Counter(zip(true, said, strict=True))
    table = torch.tensor([[counts[a, b] for b in names] for a in names]).double()
    table /= table.sum(1, keepdim=True).clamp(min=1)
    figure = Figure(figsize=(6, 5), layout="constrained")
    ax = figure.subplots()
    ax.imshow(table.numpy(), vmin=0, vmax=1, cmap="Blues")
    words = [", ".join(each) for each in names]
    ax.set_xticks(range(len(names)), words, rotation=60, ha="right")
    ax.set_yticks(range(len(names)), words)
    ax.set(xlabel="answered", ylabel="true")
    reading = "A row is a true pair of rating and category, a column what was answered; rows sum to 100 %."
    return Shown("pairs", "Pairs", reading, figure)
