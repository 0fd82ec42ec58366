"""Automata: minimised and compared by hand-made cases, extracted from hidden states that are known."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gradschool.data.text.formal.languages import find_language
from gradschool.evals.language.automaton import (
    Automaton,
    Reading,
    alike,
    clusters,
    extracted,
    minimal,
    same_language,
)
from gradschool.evals.language.dynamics import cloud, damaged, extract, projected, true_automaton

# Words with an even number of ones, written with four states in place of two.
EVEN = Automaton(np.array([[2, 1], [1, 2], [0, 3], [3, 0]]), np.array([True, False, True, False]))
ODD_ENDS = Automaton(np.array([[0, 1], [1, 0]]), np.array([False, True]))


def automata(states, symbols):
    tables = st.lists(
        st.lists(st.integers(-1, states - 1), min_size=symbols, max_size=symbols),
        min_size=states,
        max_size=states,
    )
    ends = st.lists(st.booleans(), min_size=states, max_size=states)
    return st.builds(lambda to, end: Automaton(np.array(to), np.array(end)), tables, ends)


def words(symbols, longest):
    return [word for n in range(longest + 1) for word in itertools.product(range(symbols), repeat=n)]


def test_minimal_by_hand():
    small = minimal(EVEN)
    assert small.to.tolist() == [[0, 1], [1, 0]] and small.accepting.tolist() == [True, False]
    assert same_language(EVEN, small) and not same_language(EVEN, ODD_ENDS)
    assert alike(EVEN, ODD_ENDS, words(2, 4)) == 0 and alike(EVEN, small, words(2, 4)) == 1


def test_states_from_which_nothing_is_accepted_are_left_out():
    trap = Automaton(np.array([[1, 2], [-1, -1], [2, 2]]), np.array([False, True, False]))
    assert minimal(trap).to.tolist() == [[1, -1], [-1, -1]]
    assert len(minimal(Automaton(np.array([[0, 0]]), np.array([False])))) == 1


@settings(max_examples=60, deadline=None)
@given(automata(4, 2))
def test_the_minimal_automaton_accepts_the_same_words_and_is_the_smallest(automaton):
    small, all_words = minimal(automaton), words(2, 6)
    assert [small.accepts(word) for word in all_words] == [automaton.accepts(word) for word in all_words]
    assert np.array_equal(minimal(small).to, small.to)
    # Any two states of it are told apart by some word (Myhill and Nerode).
    behaviours = {behaviour(small, state, all_words) for state in range(len(small))}
    assert len(behaviours) == len(small)


def behaviour(automaton, state, all_words):
    """What is accepted from a state on."""
    found = []
    for word in all_words:
        at = state
        for symbol in word:
            at = automaton.to[at, symbol] if at >= 0 else -1
        found.append(at >= 0 and bool(automaton.accepting[at]))
    return tuple(found)


@settings(max_examples=60, deadline=None)
@given(automata(3, 2), automata(3, 2))
def test_same_language_is_what_all_short_words_say(a, b):
    """Two automata of n and m states differ, if at all, on a word shorter than n + m (with the trap)."""
    assert same_language(a, b) == all(a.accepts(word) == b.accepts(word) for word in words(2, 7))


def test_clusters_are_no_wider_than_asked():
    points = np.array([[0.0], [0.01], [1.0], [0.02], [1.01]])
    assert clusters(points, 0.1).tolist() == [0, 0, 1, 0, 1]
    assert clusters(points, 5.0).tolist() == [0] * 5
    assert clusters(points[:1], 0.1).tolist() == [0] and clusters(points[:0], 0.1).tolist() == []


def test_extracted_by_hand():
    """Two strings of the language (01)* and one stray step; most decide."""
    yes = np.array([[False, True], [True, False]])
    one = Reading(
        np.array([0, 1, 0, 1]), np.array([0, 1, 0, 1]), np.tile(yes, (2, 1)), np.array([0, 1, 0, 1]) > 0
    )
    stray = Reading(np.array([0, 1]), np.array([0, 0]), yes, np.array([False, True]))
    found = extracted([one, one, stray], is_start_accepting=True)
    assert minimal(found).to.tolist() == [[1, -1], [-1, 0]]
    assert [minimal(found).accepts(word) for word in ([], [0], [0, 1], [1], [0, 1, 0, 1])] == [1, 0, 1, 0, 1]


class Exact(nn.Module):
    """A network that has learnt a language exactly: its hidden units are one-hot states, with some noise."""

    def __init__(self, machine, answers):
        super().__init__()
        self.machine, self.answers = machine, answers

    def forward(self, x):
        at, states = torch.zeros(len(x), dtype=torch.int64), []
        for symbols in x.T:
            at = torch.where(at >= 0, self.machine.to[at, symbols], -1)
            states.append(at)
        states = torch.stack(states, 1).clamp(min=0)
        one_hot = nn.functional.one_hot(states, len(self.machine.names)).float()
        p = self.machine.chance[states] if self.answers is None else one_hot
        noise = 0.02 * torch.rand(one_hot.shape, generator=torch.Generator().manual_seed(0))
        return (p + 1e-9).log(), one_hot + noise


@pytest.mark.parametrize("name", ["reber", "embedded_reber", "parity"])
def test_what_is_extracted_from_an_exact_network_is_the_language(name):
    language = find_language(name)
    model = Exact(language.machine, None if "reber" in name else language.answers)
    found = extract(model, language, n=100)
    truth = minimal(true_automaton(language))
    assert found[0].alike == 1 and same_language(found[0].automaton, truth)
    assert len(truth) == {"reber": 8, "embedded_reber": 20, "parity": 2}[name]
    assert found[-1].tested == 100


def test_a_damaged_string_differs_in_one_symbol():
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        string = [0, 1, 2, 1]
        other = damaged(string, 3, generator)
        assert sum(a != b for a, b in zip(string, other, strict=True)) == 1 and set(other) <= {0, 1, 2}


def test_a_cloud_leaves_out_the_padding_and_knows_what_came_before():
    language = find_language("reber")
    strings = language.draw(5, torch.Generator().manual_seed(0))
    hidden = torch.rand(*strings.inputs.shape, 3)
    found = cloud(hidden, strings)
    assert len(found.points) == int((strings.states >= 0).sum())
    assert (found.before >= 0).sum() == len(found.points) - 5
    assert found.symbols[found.before < 0].tolist() == [0] * 5  # every string begins with B
    assert projected(found.points, 3)[1] == 1.0 and projected(found.points, 2)[0].shape[1] == 2
    turned, kept = projected(np.c_[found.points[:, :1], 2 * found.points[:, :1], 0 * found.points[:, :1]], 2)
    assert kept == pytest.approx(1) and abs(turned[:, 1]).max() < 1e-12
