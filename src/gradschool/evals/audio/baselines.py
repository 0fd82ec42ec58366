"""Classifiers without a network, to measure one by: they hear the mean spectrum of a word, or of parts of it,
or what the network hears, in as many parts.

Logistic regression and nearest class mean are scikit-learn's, on standardised features.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int64
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from gradschool.data.audio.features import Features, shortened, summaries
from gradschool.data.audio.recordings import Recordings

PIECES = 8  # equal pieces of time: enough to tell the beginning of a word from its end
NEAREST = "nearest class mean, mean spectrum"
MEAN = "logistic regression, mean spectrum"
COURSE = f"logistic regression, {PIECES} pieces of time"
SAME = f"logistic regression, the network's inputs in {PIECES} pieces"


def baselines(features: Features, train: Recordings, test: Recordings) -> dict[str, float]:
    """Accuracy on the test part of each, by name."""
    found = {}
    for name, row_of, pieces, model in (
        (NEAREST, summaries, 1, NearestCentroid()),
        (MEAN, summaries, 1, LogisticRegression(max_iter=2000)),
        (COURSE, summaries, PIECES, LogisticRegression(max_iter=2000)),
        (SAME, shortened, PIECES, LogisticRegression(max_iter=2000)),
    ):
        inputs, asked = (row_of(features, part, pieces).numpy() for part in (train, test))
        fitted = make_pipeline(StandardScaler(), model).fit(inputs, train.labels.numpy())
        found[name] = float(np.mean(fitted.predict(asked) == test.labels.numpy()))
    return found


def verdict(accuracy: float, found: Mapping[str, float]) -> str:
    """Whether the network beats the best of them, in a sentence."""
    best = max(found, key=lambda name: found[name])
    told = f"the best baseline ({best}): {100 * accuracy:.1f} % against {100 * found[best]:.1f} %"
    if accuracy > found[best]:
        return f"The network beats {told}."
    return f"The network does not beat {told}."


def by_speaker(part: Recordings, right: Int64[Tensor, " n"]) -> dict[str, tuple[int, int]]:
    """(recordings that are right, all of them) of each speaker; {} where nobody knows who speaks.

    Args:
        part: of the recordings.
        right: 1 where the answer is right, else 0.
    """
    found = dict[str, tuple[int, int]]()
    for who, hit in zip(part.speakers, right.tolist(), strict=False):
        hits, count = found.get(who, (0, 0))
        found[who] = hits + hit, count + 1
    return dict(sorted(found.items()))
