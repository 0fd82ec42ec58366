"""Logic with perceptrons: OR, AND, any formula in two layers, XOR two ways; linear layers collapse.

Source: Minsky and Papert 1969. A literal is k for variable k, counted from 1, or -k for its negation, as in
the DIMACS format; a clause is an OR of literals; a formula in conjunctive normal form is an AND of clauses.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.neurons.perceptron import predict

Clause = Sequence[int]


def truth_table(n: int) -> Array:
    """All 2^n rows of n logic values in counting order, (2^n, n)."""
    rows = list(product((0, 1), repeat=n))
    return np.array(rows)


def and_weights(n: int) -> Array:
    """Weights of a perceptron that answers 1 if all n inputs are 1, else 0.

    Args:
        n: number of inputs, >= 1, each 0 or 1.

    Returns:
        (n + 1,), bias first. The inputs have equal weights; the bias is half-way between what n and what
        n - 1 inputs of 1 need.
    """
    # 1. Every input counts the same.
    w = np.ones(n + 1)
    # 2. n inputs of 1 give a sum of at least 0, n - 1 a sum below 0: the bias is half-way.
    w[0] = -(n - 0.5)
    return w


def or_weights(n: int) -> Array:
    """Weights (n + 1,), bias first, of a perceptron that answers 1 if at least one of n inputs is 1."""
    # 1. Every input counts the same.
    w = np.ones(n + 1)
    # 2. One input of 1 gives a sum of at least 0, none a sum below 0: the bias is half-way.
    w[0] = -0.5
    return w


def clause_weights(clause: Clause, n: int) -> Array:
    """Weights of a perceptron that computes a clause, an OR of literals.

    Args:
        clause: literals, each k for variable k (counted from 1) or -k for its negation.
        n: number of variables, each 0 or 1.

    Returns:
        (n + 1,), bias first: weights +1, -1 or 0; the bias is half-way between the sum where the clause is
        false and the next larger sum.

    Raises:
        ValueError: a literal is 0, beyond n, or there twice.
    """
    # 1. Refuse what is not a clause.
    if any(not 1 <= abs(literal) <= n for literal in clause) or len({abs(v) for v in clause}) < len(clause):
        raise ValueError(
            f"clause {tuple(clause)}; wanted each variable once, from 1 to {n}, negative for NOT"
        )
    # 2. Weight 1 for a plain variable, -1 for a negated one, 0 for one that is not in the clause.
    w = np.zeros(n + 1)
    for literal in clause:
        w[abs(literal)] = np.sign(literal)
    # 3. Where the clause is false, the sum is -(number of negations); elsewhere it is at least 1 more.
    w[0] = sum(literal < 0 for literal in clause) - 0.5
    return w


def cnf_net(clauses: Sequence[Clause], n: int) -> list[Array]:
    """Two layers for a formula in conjunctive normal form: a hidden unit for each clause, then an AND.

    Args:
        clauses: m clauses, e.g. ((1, 2), (-2, 3, -4), (4, -5)) for (A or B) and (not B or C or not D) and
            (D or not E).
        n: number of variables.

    Returns:
        Weights of the hidden layer, (m, n + 1), and of the output, (1, m + 1), bias first.
    """
    # 1. The hidden layer: one OR for each clause.
    hidden = np.stack([clause_weights(clause, n) for clause in clauses])
    # 2. The output unit: all clauses must be true.
    output = and_weights(len(clauses))[None]
    return [hidden, output]


def run_net(layers: Sequence[Array], x: Array) -> Array:
    """Output of layers of perceptrons.

    Args:
        layers: weights of each layer, (units, inputs + 1), bias first.
        x: 0s and 1s, (rows, inputs).

    Returns:
        0s and 1s, (rows, units of the last layer).
    """
    # 1. The outputs of one layer are the inputs of the next.
    for weights in layers:
        x = np.stack([predict(w, x) for w in weights], axis=-1)
    return x


def xor_hidden_layer(x: Array) -> Array:
    """XOR of two inputs with a hidden layer: (A or B) and (not A or not B); x (rows, 2), returns (rows,)."""
    # 1. Two clauses, two hidden units.
    layers = cnf_net(((1, 2), (-1, -2)), 2)
    # 2. Run them.
    return run_net(layers, x)[:, 0]


def xor_shortcut(x: Array) -> Array:
    """XOR of two inputs with one hidden unit; the output unit sees both inputs and the hidden unit.

    Args:
        x: 0s and 1s, (rows, 2).

    Returns:
        1 where exactly one input is 1, else 0, (rows,), whole numbers.
    """
    # 1. The hidden unit computes the AND.
    both = predict(and_weights(2), x)
    # 2. The output: an OR, less 2 where the AND is 1: a + b - 2 (a and b) - 1/2.
    w = np.array([-0.5, 1, 1, -2])
    return predict(w, np.column_stack([x, both]))


def collapse(layers: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The one linear layer that equals a stack of linear layers without activation functions.

    Args:
        layers: (W, b) of each layer, first to last; a layer maps rows x to x W + b, with W (inputs, outputs)
            and b (outputs,).

    Returns:
        W (inputs of the first layer, outputs of the last) and b (outputs of the last,).
    """
    # 1. Begin with the first.
    weight, bias = layers[0]
    # 2. (x W + b) V + c = x (W V) + (b V + c): join it with one layer after the other.
    for v, c in layers[1:]:
        weight, bias = weight @ v, bias @ v + c
    return weight, bias
