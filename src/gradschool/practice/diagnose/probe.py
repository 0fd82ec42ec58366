"""What can be learnt from features with simple means: linear models and neighbours, against chance."""

import warnings

import numpy as np
import torch
from jaxtyping import Float, Int64
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from gradschool.practice.diagnose.measures import balanced_accuracy, neighbour_accuracy

FOLDS = 3
SURE = 2.5  # standard errors above chance from which on something was learnt


def linear_labels(x: Float[Tensor, "n d"], y: Int64[Tensor, " n"]) -> Int64[Tensor, " n"]:
    """What a linear model says of every example after learning from the other folds.

    Args:
        x: features.
        y: labels; every class has `FOLDS` examples or more.
    """
    model = LogisticRegression(C=0.1, max_iter=100, class_weight="balanced")
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        said = cross_val_predict(make_pipeline(StandardScaler(), model), x.numpy(), y.numpy(), cv=folds)
    return torch.from_numpy(np.asarray(said))


def learnable(x: Float[Tensor, "n d"], y: Int64[Tensor, " n"]) -> tuple[bool, float, float]:
    """Whether a linear model or the nearest neighbours say more of labels than guessing does.

    Args:
        x: features, finite.
        y: labels.

    Returns:
        (is above chance, best balanced accuracy, chance). Classes with too few examples are left out.
    """
    kinds, counts = torch.unique(y, return_counts=True)
    keep = torch.isin(y, kinds[counts >= 2 * FOLDS])
    x, y = x[keep], y[keep]
    if len(torch.unique(y)) < 2:
        return True, 1.0, 1.0
    scores = [balanced_accuracy(said, y) for said in (linear_labels(x, y), neighbour_accuracy(x, y))]
    chance = 1 / len(torch.unique(y))
    best = max(score for score, _ in scores)
    return best > chance + SURE * scores[0][1], best, chance
