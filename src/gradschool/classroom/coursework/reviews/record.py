"""What a class of the network means, the weighted score, and the answer that has the highest expected score.

Score: 1 for a review whose rating and category are both right, 0.5 for the category alone, 0.1 for the rating
alone. The mean over the test reviews is the weighted score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.data.text.labelled.columns import JOINT

BOTH, CATEGORY, RATING = 1.0, 0.5, 0.1
STRENGTHS = {"1": "strongest", "10": "strongest", "2": "strong", "9": "strong", "3": "mild", "8": "mild",
             "4": "weak", "7": "weak"}  # fmt: skip
Meaning = tuple[str, str]  # rating, category


def meaning(name: str) -> Meaning:
    """Rating and category of a class: of stars whether they are many and how far from the middle, else the
    two values that were joined.
    """
    if JOINT in name:
        rating, _, category = name.partition(JOINT)
        return rating, category
    return ("positive" if int(name) > 5 else "negative"), STRENGTHS[name]


@dataclass(frozen=True)
class Share:
    """How many answers are right in both parts, in the category alone, in the rating alone; shares of n."""

    both: float
    category: float
    rating: float
    n: int

    @property
    def weighted(self) -> float:
        """The weighted score, 0 to 1."""
        return BOTH * self.both + CATEGORY * self.category + RATING * self.rating


def share(said: Sequence[Meaning], true: Sequence[Meaning]) -> Share:
    """Compare answers with the truth.

    Args:
        said: rating and category of each review.
        true: as many.
    """
    same = [(a[0] == b[0], a[1] == b[1]) for a, b in zip(said, true, strict=True)]
    n = len(same)
    return Share(
        sum(r and c for r, c in same) / n, sum(c and not r for r, c in same) / n,
        sum(r and not c for r, c in same) / n, n,
    )  # fmt: skip


def decided(p: Float[Tensor, "n k"], meanings: Sequence[Meaning]) -> list[Meaning]:
    """For each review the rating and category with the highest expected score.

    Args:
        p: probabilities of the classes.
        meanings: rating and category of each class.

    Returns:
        Not always those of the most probable class: a category that several classes share may be worth more.
    """
    # 1. Probabilities of each pair, and of each rating and category by itself.
    ratings, categories = (list(dict.fromkeys(each)) for each in zip(*meanings, strict=True))
    pair = p.new_zeros(len(p), len(ratings), len(categories))
    for k, (rating, category) in enumerate(meanings):
        pair[:, ratings.index(rating), categories.index(category)] += p[:, k]
    of_rating, of_category = pair.sum(2, keepdim=True), pair.sum(1, keepdim=True)
    # 2. The expected score of answering each pair, and the best of them.
    expected = BOTH * pair + CATEGORY * (of_category - pair) + RATING * (of_rating - pair)
    best = expected.flatten(1).argmax(1).tolist()
    return [(ratings[i // len(categories)], categories[i % len(categories)]) for i in best]


def most_probable(p: Float[Tensor, "n k"], meanings: Sequence[Meaning]) -> list[Meaning]:
    """For each review the rating and category of its most probable class."""
    return [meanings[k] for k in torch.as_tensor(p).argmax(1).tolist()]
