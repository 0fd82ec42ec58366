"""What a few runs tell about an agent: the interquartile mean of their scores, and how far it can be trusted.

Source: Agarwal et al. 2021. A mean of ten seeds hangs on one lucky or failed run, and a median ignores nearly
half of them; the interquartile mean (IQM) is the mean of the middle half. Its interval is a bootstrap: runs
are drawn again with replacement, in every environment by itself (stratified).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.errors import UserError

TRIM = 0.25  # share of the scores that is left out at either end


@dataclass(frozen=True)
class Estimate:
    """An interquartile mean and the interval around it.

    Args:
        iqm: of all scores.
        low: lower end of the interval.
        high: upper end.
        runs: in every environment.
    """

    iqm: float
    low: float
    high: float
    runs: int

    def __str__(self) -> str:
        return f"{self.iqm:.4g} [{self.low:.4g}, {self.high:.4g}] ({self.runs} runs)"


def interquartile_mean(scores: Float[Tensor, "*b n"]) -> Float[Tensor, "*b"]:
    """The mean of the middle half along the last axis.

    Of n scores, n / 4 (rounded down) are left out at either end, so three or fewer are simply averaged.
    """
    cut = int(TRIM * scores.shape[-1])
    ordered = scores.sort(-1).values
    return ordered[..., cut : scores.shape[-1] - cut].mean(-1)


def reliable(
    scores: Float[Tensor, "m n"], generator: torch.Generator, draws: int = 2_000, level: float = 0.95
) -> Estimate:
    """The interquartile mean over all runs and environments, with a stratified bootstrap interval.

    Args:
        scores: of n runs with different seeds in each of m environments, on a common scale.
        generator: of the draws.
        draws: how often runs are drawn again.
        level: of the interval, 0 to 1.

    Raises:
        UserError: there are fewer than two runs, or some scores are no finite numbers.
    """
    tasks, runs = scores.shape
    if runs < 2:
        raise UserError(f"{runs} run in each environment", "at least 2, better 10", "Train with more seeds.")
    if not scores.isfinite().all():
        count = int((~scores.isfinite()).sum())
        raise UserError(
            f"{count} of {scores.numel()} scores are NaN or infinite", "numbers", "Look at those runs."
        )
    # 1. In every environment n of its own runs, again and again.
    scores = scores.double()
    chosen = torch.randint(runs, (draws, tasks, runs), generator=generator)
    drawn = scores.expand(draws, tasks, runs).gather(-1, chosen)
    # 2. The middle of what they give.
    means = interquartile_mean(drawn.flatten(1))
    low, high = means.quantile(torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)).tolist()
    return Estimate(interquartile_mean(scores.flatten()).item(), low, high, runs)


def probability_of_improvement(ours: Float[Tensor, "m n"], theirs: Float[Tensor, "m k"]) -> float:
    """How likely a run of one agent is better than a run of another, in an environment drawn at random.

    Source: Agarwal et al. 2021, section 4.3; a tie counts half.
    """
    better = ours[:, :, None] > theirs[:, None, :]
    same = ours[:, :, None] == theirs[:, None, :]
    return (better.double() + same.double() / 2).mean().item()
