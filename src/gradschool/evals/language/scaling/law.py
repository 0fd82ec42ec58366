"""The loss of a language model from its size and its data: L = E + A / N^alpha + B / D^beta.

Sources: Hoffmann et al. 2022, section 3.3 and appendix D.4 (approach 3: Huber loss of logarithms); Besiroglu
et al. 2024 (the published constants came from an optimiser that stopped early, for a loss of too small a
scale). Deviation: N and D are measured in units of their geometric means, which saves steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from gradschool.errors import UserError
from gradschool.evals.language.scaling.isoflop import FLOPS, Column, PowerLaw, Runs

Theta = Float[np.ndarray, " 5"]  # log A, log B, log E, alpha, beta
DELTA = 1e-3  # where Huber's loss turns from a parabola into a line
LIMITS = {"maxiter": 5000, "maxfun": 20_000, "ftol": 1e-12, "gtol": 1e-6}  # of L-BFGS
STARTS: tuple[tuple[float, ...], ...] = tuple(
    (a, b, e, alpha, alpha) for a, b, e, alpha in product((0, 10, 20), (0, 10, 20), (-1, 1), (0.3, 1))
)


@dataclass(frozen=True)
class Law:
    """The five constants: E is the loss that no size and no amount of data removes."""

    E: float
    A: float
    B: float
    alpha: float
    beta: float

    def loss(self, parameters: Column | float, tokens: Column | float) -> Column | float:
        """In nats of a token."""
        return self.E + self.A / parameters**self.alpha + self.B / tokens**self.beta

    @property
    def size(self) -> PowerLaw:
        """The best number of parameters for a compute budget. Source: Hoffmann et al. 2022, eq. 4."""
        exponent = self.beta / (self.alpha + self.beta)
        balance = (self.alpha * self.A / (self.beta * self.B)) ** (1 / (self.alpha + self.beta))
        return PowerLaw(balance * FLOPS**-exponent, exponent)

    @classmethod
    def of(cls, theta: Theta) -> "Law":
        """From logarithms."""
        a, b, e, alpha, beta = map(float, theta)
        return cls(np.exp(e), np.exp(a), np.exp(b), alpha, beta)

    @property
    def theta(self) -> Theta:
        """As logarithms."""
        return np.array([np.log(self.A), np.log(self.B), np.log(self.E), self.alpha, self.beta])


@dataclass(frozen=True)
class Fit:
    """A law and how well it fits.

    Args:
        law: the best of all starts.
        error: sum over runs of the Huber loss of log L.
        converged: how many starts ended within 1 % of that error.
    """

    law: Law
    error: float
    converged: int


def huber_of_logs(theta: Theta, runs: Runs) -> tuple[float, Theta]:
    """Sum over runs of the Huber loss of predicted less true log L, and its gradient.

    Source: Hoffmann et al. 2022, eq. 3.
    """
    # 1. The logarithm of a sum of three terms, each of which is linear in theta.
    log_n, log_d = np.log(runs.parameters), np.log(runs.tokens)
    terms = np.stack(
        [theta[0] - theta[3] * log_n, theta[1] - theta[4] * log_d, np.full_like(log_n, theta[2])]
    )
    off = logsumexp(terms, 0) - np.log(runs.loss)
    # 2. Small residuals count squared, large ones by their size.
    small = np.abs(off) <= DELTA
    error = np.where(small, off**2 / 2, DELTA * (np.abs(off) - DELTA / 2)).sum()
    # 3. The chain rule: the share of each term in the sum, times what it depends on.
    share = softmax(terms, 0) * np.clip(off, -DELTA, DELTA)
    return float(error), np.array([*share.sum(1), -(share[0] * log_n).sum(), -(share[1] * log_d).sum()])


def fit(runs: Runs, starts: tuple[tuple[float, ...], ...] = STARTS, scale: float = DELTA**-2) -> Fit:
    """The law with the smallest Huber loss, from several starts.

    Args:
        runs: five or more, of different sizes and amounts of data.
        starts: values of log A, log B, log E, alpha and beta.
        scale: what the objective is multiplied by. L-BFGS stops when a step changes it by less than a fixed
            number, so one of a millionth, as the mean of Huber losses is (scale 1 / n), stops at once.

    Raises:
        UserError: there are too few runs.
    """
    if len(runs.loss) < len(starts[0]):
        raise UserError(f"{len(runs.loss)} runs came", "five or more for five constants")

    # 1. In units of the means, log A and alpha hardly depend on each other.
    n, d = (np.exp(np.log(x).mean()) for x in (runs.parameters, runs.tokens))
    centred = Runs(runs.parameters / n, runs.compute / (n * d), runs.loss)
    shift = np.outer([1, 0, 0, 0, 0], [0, 0, 0, np.log(n), 0]) + np.outer(
        [0, 1, 0, 0, 0], [0, 0, 0, 0, np.log(d)]
    )

    def objective(theta: Theta) -> tuple[float, Theta]:
        error, slope = huber_of_logs(theta, centred)
        return scale * error, scale * slope

    # 2. Every start, and the best of all ends.
    found = []
    for start in np.array(starts, float):
        with np.errstate(over="ignore", invalid="ignore"):  # a line search may try what overflows
            found.append(
                minimize(objective, start - shift @ start, jac=True, method="L-BFGS-B", options=LIMITS)
            )
    best = min(found, key=lambda each: each.fun)
    near = sum(each.fun <= 1.01 * best.fun + 1e-12 for each in found)
    return Fit(Law.of(best.x + shift @ best.x), float(best.fun / scale), near)


def bootstrapped(
    runs: Runs, estimate: Callable[[Runs], Float[np.ndarray, " k"]], times: int, seed: int
) -> Float[np.ndarray, "times k"]:
    """Estimates from resampled runs: as many, drawn with replacement. Draws without an estimate are left out.

    Args:
        runs: the runs.
        estimate: numbers from runs, such as `lambda runs: fit(runs, (theta,)).law.theta`.
        times: draws.
        seed: of the draws.

    Source: Efron 1979.
    """
    rng, found = np.random.default_rng(seed), []
    for _ in range(times):
        try:
            found.append(estimate(runs.take(rng.integers(0, len(runs.loss), len(runs.loss)))))
        except UserError:
            continue
    return np.array(found)


def interval(estimates: Float[np.ndarray, "n k"], level: float = 0.8) -> Float[np.ndarray, "2 k"]:
    """The range that holds the middle share of the estimates (percentile bootstrap).

    Args:
        estimates: from `bootstrapped`.
        level: 0 to 1; Hoffmann et al. use 0.8.
    """
    return np.quantile(estimates, [(1 - level) / 2, (1 + level) / 2], axis=0)
