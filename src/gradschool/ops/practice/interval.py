"""Is one classifier better than another on the same examples? The paired bootstrap.

Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13 (percentile intervals).
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op


@op
def paired_interval(
    ours: Float[Tensor, " n"],
    theirs: Float[Tensor, " n"],
    drawn: Iterable[Int64[Tensor, "b n"]],
    level: float = 0.95,
) -> tuple[Tensor, Tensor, Tensor]:
    """The mean difference of two lists of numbers about the same examples, and its interval.

    Args:
        ours: a number for each of n examples, such as its loss.
        theirs: the same of the other, for the same examples in the same order.
        drawn: batches of resamples; each row holds the places of n examples, drawn with replacement.
        level: share of the resamples that the interval holds, above 0 and below 1.

    Returns:
        The mean of ours - theirs, and the interval's lower and upper end: the quantiles (1 - level) / 2 and
        (1 + level) / 2 of the mean difference over all resamples.

    Source: Efron and Tibshirani 1993, chapter 13.
    """
    # 1. One difference an example: what is hard for both cancels.
    gap = ours - theirs
    # 2. The mean difference in every resample.
    means = torch.cat([gap[places].mean(1) for places in drawn])
    # 3. The middle share of them.
    return gap.mean(), means.quantile((1 - level) / 2), means.quantile((1 + level) / 2)
