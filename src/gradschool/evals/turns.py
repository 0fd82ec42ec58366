"""Latency of several things that do the same, call by call in turn, so that a busy machine hits all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

ROUNDS, WARM = 100, 5  # calls of each that are timed, and calls before them


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a call: the median and the quartiles."""

    median: float
    low: float
    high: float


def in_turn(calls: Sequence[Callable[[], object]], rounds: int | None = None) -> list[Latency]:
    """Time calls in rounds, each once a round; every second round goes backwards.

    Args:
        calls: what is timed.
        rounds: that count, >= 2, after some that warm up; None for the usual number.
    """
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(WARM + (rounds or ROUNDS)):
        order = range(len(calls))
        for which in order if number % 2 else reversed(order):
            start = time.perf_counter()
            calls[which]()
            if number >= WARM:
                taken[which].append(1000 * (time.perf_counter() - start))
    return [Latency(median(each), *quantiles(each, n=4)[::2]) for each in taken]
