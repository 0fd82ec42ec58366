"""Neurons, perceptrons, logic, separability: truth tables, a traced example, linear programming."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from gradschool.scratch.neurons.logic import (
    and_weights,
    clause_weights,
    cnf_net,
    collapse,
    or_weights,
    run_net,
    truth_table,
    xor_hidden_layer,
    xor_shortcut,
)
from gradschool.scratch.neurons.neuron import mcculloch_pitts, step
from gradschool.scratch.neurons.perceptron import predict, train, update
from gradschool.scratch.neurons.separability import separability

POINTS, TARGETS, START = [(0, 1), (2, 0), (1, 1)], [0, 0, 1], (-1.5, 0, 2)


def test_the_traced_example_converges_at_step_12():
    trace = train(POINTS, TARGETS, START, learning_rate=1)
    assert trace.converged and len(trace.steps) == 12
    assert trace.weights.tolist() == [-2.5, 1, 2]
    assert [row.s for row in trace.steps] == [
        0.5,
        -2.5,
        -1.5,
        0.5,
        -0.5,
        -0.5,
        0.5,
        1.5,
        -2.5,
        -0.5,
        -0.5,
        0.5,
    ]
    actions = "subtract none add subtract none add subtract subtract add none none none"
    assert [row.action for row in trace.steps] == actions.split()
    first = trace.table().splitlines()[1]
    assert " ".join(first.split()) == "1 (0, 1) - +0.5 subtract (-2.5, 0, 1)"
    assert len(trace.table().splitlines()) == 13


def test_the_example_really_is_separated():
    assert predict(train(POINTS, TARGETS, START).weights, np.array(POINTS)).tolist() == TARGETS


def test_update_moves_by_the_input_only_where_wrong():
    w = np.array([-1.5, 0, 2])
    assert update(w, np.array([0, 1]), 0, 0.5).tolist() == [-2, 0, 1.5]
    assert update(w, np.array([0, 1]), 1, 0.5).tolist() == w.tolist() == [-1.5, 0, 2]
    assert update(np.zeros(2), np.array([3.0]), 1).tolist() == [0, 0]  # a sum of 0 fires


def test_training_on_xor_gives_up_and_says_so():
    trace = train(truth_table(2).tolist(), [0, 1, 1, 0], (0, 0, 0), max_steps=500)
    assert not trace.converged and len(trace.steps) == 500


@pytest.mark.parametrize(("points", "targets", "weights"), [([], [], (0,)), ([(1, 2)], [1], (0, 0))])
def test_training_refuses_what_does_not_fit(points, targets, weights):
    with pytest.raises(ValueError, match="one weight more"):
        train(points, targets, weights)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_novikoff_bounds_the_mistakes(seed):
    # On points of length at most R with margin at least g along a unit vector u: mistakes <= (R / g)^2.
    rng = np.random.default_rng(seed)
    u = rng.normal(size=3)
    u /= np.linalg.norm(u)
    points = rng.normal(size=(20, 2))
    extended = np.column_stack([np.ones(20), points])
    keep = np.abs(extended @ u) > 0.1
    if not keep.any():
        return
    points, extended = points[keep], extended[keep]
    targets = (extended @ u > 0).astype(int)
    trace = train(points.tolist(), targets.tolist(), (0, 0, 0), max_steps=100_000)
    mistakes = sum(row.action != "none" for row in trace.steps)
    radius, margin = np.linalg.norm(extended, axis=1).max(), np.abs(extended @ u).min()
    # One more: from zero weights a sum of 0 counts as firing.
    assert trace.converged and mistakes <= (radius / margin) ** 2 + 1


def test_mcculloch_pitts():
    assert [mcculloch_pitts(x, (), 3) for x in ((1, 1, 1), (1, 1, 0))] == [1, 0]
    assert [mcculloch_pitts(x, (), 1) for x in ((0, 0, 1), (0, 0, 0))] == [1, 0]
    assert mcculloch_pitts((1, 1, 1), (0, 1), 1) == 0 and mcculloch_pitts((), (0,), 0) == 1
    with pytest.raises(ValueError, match="0 or 1"):
        mcculloch_pitts((2,), (), 1)


def test_step_fires_at_zero():
    assert step(np.array([-1e-9, 0.0, 2.0])).tolist() == [0, 1, 1]


@pytest.mark.parametrize("n", range(1, 7))
def test_and_or_of_n_inputs(n):
    x = truth_table(n)
    assert x.shape == (2**n, n) and len({tuple(row) for row in x.tolist()}) == 2**n
    assert predict(and_weights(n), x).tolist() == x.all(1).tolist()
    assert predict(or_weights(n), x).tolist() == x.any(1).tolist()


def test_the_cnf_net_of_the_exercise():
    x = truth_table(5)
    a, b, c, d, e = x.T.astype(bool)
    expected = (a | b) & (~b | c | ~d) & (d | ~e)
    layers = cnf_net(((1, 2), (-2, 3, -4), (4, -5)), 5)
    assert [w.shape for w in layers] == [(3, 6), (1, 4)]
    assert run_net(layers, x)[:, 0].astype(bool).tolist() == expected.tolist()


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_cnf_net_is_right_on_every_row(data):
    n = data.draw(st.integers(1, 5))
    literal = st.integers(1, n).flatmap(lambda k: st.sampled_from((k, -k)))
    clause = st.lists(literal, min_size=1, max_size=n, unique_by=abs)
    clauses = data.draw(st.lists(clause, min_size=1, max_size=5))
    x = truth_table(n)
    got = run_net(cnf_net(clauses, n), x)[:, 0]
    for row, value in zip(x, got, strict=True):
        assert value == all(any((row[abs(k) - 1] == 1) == (k > 0) for k in c) for c in clauses)


@pytest.mark.parametrize("clause", [(0,), (1, 4), (1, -1)])
def test_bad_clauses_are_refused(clause):
    with pytest.raises(ValueError, match="each variable once"):
        clause_weights(clause, 3)


@pytest.mark.parametrize("xor", [xor_hidden_layer, xor_shortcut])
def test_xor_two_ways(xor):
    assert xor(truth_table(2)).tolist() == [0, 1, 1, 0]


def test_stacked_linear_layers_collapse():
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(i, o)), rng.normal(size=o)) for i, o in ((3, 5), (5, 4), (4, 2))]
    y = x = rng.normal(size=(7, 3))
    for w, b in layers:
        y = y @ w + b
    weight, bias = collapse(layers)
    np.testing.assert_allclose(x @ weight + bias, y, rtol=1e-12)  # float64, three products


def hulls_meet(points, targets):
    """Whether the convex hulls of both classes share a point, by linear programming."""
    x, t = np.asarray(points, float), np.asarray(targets)
    signs = np.where(t == 1, 1.0, -1.0)
    equal = np.vstack([(x * signs[:, None]).T, t == 1, t == 0])
    found = linprog(np.zeros(len(t)), A_eq=equal, b_eq=[0.0] * x.shape[1] + [1.0, 1.0], bounds=(0, None))
    return found.status == 0


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_separability_agrees_with_convex_hulls_and_proves_it(data):
    d, n = data.draw(st.integers(1, 3)), data.draw(st.integers(2, 9))
    point = st.tuples(*[st.integers(-4, 4).map(lambda v: v / 2)] * d)
    points = data.draw(st.lists(point, min_size=n, max_size=n))
    targets = data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    if len(set(targets)) < 2:
        return
    verdict = separability(points, targets)
    assert verdict.separable != hulls_meet(points, targets)
    if verdict.separable:
        for p, t in zip(points, targets, strict=True):
            s = verdict.weights[0] + sum(w * Fraction(v) for w, v in zip(verdict.weights[1:], p, strict=True))
            assert (s > 0) == (t == 1) and s != 0
    else:
        assert min(verdict.shares) >= 0
        rows = list(zip(verdict.shares, points, targets, strict=True))
        means = [[sum(a * Fraction(p[k]) for a, p, t in rows if t == c) for k in range(d)] for c in (0, 1)]
        totals = [sum(a for a, _, t in rows if t == c) for c in (0, 1)]
        assert means[0] == means[1] and totals == [1, 1]


def test_separability_takes_decimals_as_written_and_may_give_up():
    assert separability([(0.1,), (0.3,)], [0, 1]).separable
    assert not separability([(0.1, 0.2), (0.3, 0.6), (0.2, 0.4)], [0, 0, 1]).separable
    with pytest.raises(ValueError, match="undecided"):
        separability([(0.0,), (1.0,), (0.999,)], [0, 1, 0], max_passes=3)
