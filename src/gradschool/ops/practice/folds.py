"""Predictions for examples that a model has not seen, and a score that is honest about a choice.

Sources: Stone 1974 (cross-validation); Wolpert 1992, Stacked Generalization; Varma and Simon 2006, Bias in
Error Estimation when Using Cross-Validation for Model Selection (nested folds).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op


@op
def out_of_fold(
    learn: Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]],
    x: Tensor,
    y: Tensor,
    fold: Int64[Tensor, " n"],
) -> Tensor:
    """Predict every example by a model that was learned from the other folds.

    Args:
        learn: from examples and their targets to a function that predicts examples. All that is fitted to
            data is fitted in it: scaling, choice of features, settings, weights.
        x: n examples, (n, ...).
        y: their targets, (n, ...).
        fold: the fold of each example; any whole numbers.

    Returns:
        (n, ...) predictions, in the order of x.

    Source: Wolpert 1992.
    """
    # 1. Learn from the other folds, predict this one, and put what comes into its places; fold by fold.
    found = None
    for number in torch.unique(fold).tolist():
        held = fold == number
        said = learn(x[~held], y[~held])(x[held])
        if found is None:
            found = torch.zeros(len(x), *said.shape[1:], dtype=said.dtype)
        found[held] = said
    assert found is not None, "there are examples"
    return found


@op
def nested_choice(
    inner: Float[Tensor, "k s"], outer: Float[Tensor, "k s"]
) -> tuple[Int64[Tensor, " k"], Float[Tensor, ""]]:
    """Choose a setting for every outer fold without looking at it, and judge the choice on that fold.

    Args:
        inner: validation loss of each of s settings, computed inside the other folds, for each of k outer
            folds.
        outer: loss of each setting on the outer fold itself.

    Returns:
        The setting that is chosen for each outer fold (of equal ones the first), and the mean outer loss
        of the k choices.

    Source: Varma and Simon 2006.
    """
    # 1. Choose by the inner losses alone, fold by fold.
    chosen = inner.argmin(1)
    # 2. Judge each choice on its own outer fold.
    return chosen, outer.gather(1, chosen[:, None]).mean()
