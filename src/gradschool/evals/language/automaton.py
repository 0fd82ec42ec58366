"""Read a finite automaton out of a recurrent network: clusters of hidden states, and symbols between them.

Sources: Giles et al. 1992, section 4 (extraction); Moore 1956 (minimisation). Deviations: clusters by
complete linkage in place of a grid; where symbols lead to several clusters, most of the strings decide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.cluster.hierarchy import fcluster, linkage

NOWHERE = -1


@dataclass(frozen=True)
class Automaton:
    """A deterministic finite automaton whose transitions may be missing; it starts in state 0.

    Args:
        to: the state that a symbol leads to, (states, symbols); NOWHERE where it leads to none.
        accepting: states in which a string may end, (states,).
    """

    to: Int[np.ndarray, "s k"]
    accepting: Bool[np.ndarray, " s"]

    def __len__(self) -> int:
        return len(self.to)

    def accepts(self, string: Iterable[int]) -> bool:
        """Whether a string of symbols' numbers leads to a state in which it may end."""
        at = 0
        for symbol in string:
            at = self.to[at, symbol]
            if at == NOWHERE:
                return False
        return bool(self.accepting[at])


def clusters(points: Float[np.ndarray, "n d"], width: float) -> Int[np.ndarray, " n"]:
    """Number points so that no two of a cluster are further apart than `width`.

    Args:
        points: hidden states, at most a few thousand: the time grows with n squared.
        width: largest distance within a cluster, > 0.

    Returns:
        Numbers from 0, in the order in which clusters first appear.
    """
    if len(points) < 2:
        return np.zeros(len(points), int)
    found = fcluster(linkage(points, "complete"), width, "distance")
    _, first, number = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


@dataclass(frozen=True)
class Reading:
    """How a network read one string.

    Args:
        symbols: numbers of the symbols, (t,).
        clusters: of its hidden state after each symbol, (t,).
        possible: which symbols it takes for possible next, (t, symbols).
        accepting: whether it takes the string so far for a whole one, (t,).
    """

    symbols: Int[np.ndarray, " t"]
    clusters: Int[np.ndarray, " t"]
    possible: Bool[np.ndarray, "t k"]
    accepting: Bool[np.ndarray, " t"]


def extracted(readings: Sequence[Reading], is_start_accepting: bool) -> Automaton:
    """The automaton between clusters: state 0 is where strings start, cluster i is state i + 1.

    A symbol leads where it mostly led, if the network takes it for possible in more than half of the visits
    of the state, and NOWHERE otherwise or where it never came. A state is accepting if it was in more than
    half.
    Before a first symbol no hidden state tells what is possible: every symbol that began a string is.

    Args:
        readings: of strings, at least one, each of one symbol or more.
        is_start_accepting: whether the empty string is a whole one.

    Returns:
        As many states as the largest number of a cluster needs, 1 for the start included. Where two states
        were reached equally often, the one with the smaller number.
    """
    # 1. Count where symbols led, and what the network said of every cluster.
    states, symbols = 2 + max(int(one.clusters.max()) for one in readings), readings[0].possible.shape[1]
    led = np.zeros((states, symbols, states), int)
    votes, accepting, visits = np.zeros((states, symbols)), np.zeros(states), np.zeros(states)
    for one in readings:
        after = one.clusters + 1
        np.add.at(led, (np.append(0, after[:-1]), one.symbols, after), 1)
        np.add.at(votes, after, one.possible)
        np.add.at(accepting, after, one.accepting)
        np.add.at(visits, after, 1)
    # 2. Majorities; at the start all is possible that a string began with.
    possible, ends = votes > visits[:, None] / 2, accepting > visits / 2
    possible[0], ends[0] = True, is_start_accepting
    return Automaton(np.where(possible & led.any(2), led.argmax(2), NOWHERE), ends)


def minimal(automaton: Automaton) -> Automaton:
    """The smallest automaton of the same language, its states numbered as a search in breadth meets them.

    Two automata have the same language if and only if their minimal ones are equal.
    """
    # 1. Complete: what is missing leads to a state from which nothing is accepted.
    n, k = automaton.to.shape
    to = np.vstack([np.where(automaton.to == NOWHERE, n, automaton.to), np.full((1, k), n)])
    group = np.append(automaton.accepting, False).astype(int)
    # 2. Split groups whose states lead to different groups, until none is left.
    while True:
        keys = np.column_stack([group, group[to]])
        _, finer = np.unique(keys, axis=0, return_inverse=True)
        finer = finer.reshape(-1)
        if finer.max() == group.max():
            break
        group = finer
    # 3. Groups that can be reached and from which something is accepted, in order of a search in breadth.
    one_of = {g: int(np.flatnonzero(group == g)[0]) for g in set(group.tolist())}
    dead = group[n]
    order, i = [int(group[0])], 0
    while i < len(order):
        for each in group[to[one_of[order[i]]]].tolist():
            if each != dead and each not in order:
                order.append(each)
        i += 1
    number = {g: i for i, g in enumerate(order)}
    rows = [[number.get(g, NOWHERE) for g in group[to[one_of[g]]].tolist()] for g in order]
    accepting = np.append(automaton.accepting, False)
    return Automaton(np.array(rows), np.array([accepting[one_of[g]] for g in order]))


def same_language(a: Automaton, b: Automaton) -> bool:
    """Whether two automata accept the same strings."""
    first, second = minimal(a), minimal(b)
    return np.array_equal(first.to, second.to) and np.array_equal(first.accepting, second.accepting)


def alike(a: Automaton, b: Automaton, strings: Sequence[Sequence[int]]) -> float:
    """The share of strings that both accept or both reject."""
    return float(np.mean([a.accepts(string) == b.accepts(string) for string in strings]))
