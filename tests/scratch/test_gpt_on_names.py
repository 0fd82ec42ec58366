"""A GPT learns names alike on the scalar engine, on the tensor engine and on another scalar engine."""

import sys

import pytest

from bench.microgpt import Node, agreement, corpus, scalar_steps, start, tensor_steps
from gradschool.scratch.backpropagation.scalar import Value


@pytest.fixture(autouse=True)
def deep_graphs():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(limit)


def test_all_engines_take_the_same_steps():
    names, tokens = corpus()
    assert tokens == 27 and sum(len(row) for rows in start(tokens).values() for row in rows) == 4192
    begins = {
        "tensor": lambda: tensor_steps(names, tokens),
        "scalar": lambda: scalar_steps(Value, names, tokens),
        "node": lambda: scalar_steps(Node, names, tokens),
    }
    assert agreement(begins, 2)["apart_at_most"] < 1e-9


def test_sides_that_differ_are_refused():
    with pytest.raises(RuntimeError, match=r"up to 1\.000 nats apart"):
        agreement({"one": lambda: iter([1.0]), "other": lambda: iter([2.0])}, 1)
