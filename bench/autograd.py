"""The scalar engine against micrograd and microgpt: one training step of a demo net, 2-16-16-1 on 100 moons.

Both run the same program with the collector on, as it is by default, and take their own garbage out within
their time; what the benchmark itself imported (torch, which neither side uses) is hidden from the collector.
Work is counted in values of micrograd's graph; ours needs fewer for the same program. The engine of microgpt
is written anew in its style, see `bench/microgpt.py`.
"""

import gc
import random
import sys
from itertools import pairwise
from typing import Any

from micrograd.engine import Value as Peer
from sklearn.datasets import make_moons

from bench.common import compare, main
from bench.microgpt import PEER as MICROGPT
from bench.microgpt import Node
from gradschool.scratch.backpropagation.scalar import Value

SIZES = (2, 16, 16, 1)


def net(kind: type) -> list[list[list[Any]]]:
    """Layers of units of weights, the bias last; the same numbers for any kind of value."""
    rng = random.Random(0)
    return [
        [[kind(rng.uniform(-1, 1)) for _ in range(inputs)] + [kind(0.0)] for _ in range(outputs)]
        for inputs, outputs in pairwise(SIZES)
    ]


def loss_of(layers: list[list[list[Any]]], points: list[list[float]], signs: list[int]) -> Any:
    """Hinge loss and weight decay, as in micrograd's demo."""
    total = 0
    for point, sign in zip(points, signs, strict=True):
        h: list[Any] = point
        for layer in layers[:-1]:
            h = [sum((w * x for w, x in zip(u, h, strict=False)), u[-1]).relu() for u in layer]
        score = sum((w * x for w, x in zip(layers[-1][0], h, strict=False)), layers[-1][0][-1])
        total = total + (1 + -sign * score).relu()
    weights = [w for layer in layers for unit in layer for w in unit]
    return total * (1.0 / len(points)) + 1e-4 * sum(w * w for w in weights)


def values_in(root: Peer) -> int:
    """Values in a graph of micrograd's."""
    seen, stack = {root}, [root]
    while stack:
        new = stack.pop()._prev - seen
        seen |= new
        stack += new
    return len(seen)


def run(repeats: int = 5, steps: int = 2) -> dict[str, Any]:
    """Time a few training steps on both sides."""
    points, labels = make_moons(100, noise=0.1, random_state=0)
    data = points.tolist(), (2 * labels - 1).tolist()
    count = values_in(loss_of(net(Peer), *data))
    gc.collect()
    gc.freeze()
    sys.setrecursionlimit(100_000)  # microgpt's sort recurses as deep as the graph

    def train(kind: type) -> float:
        layers = net(kind)
        for _ in range(steps):
            loss = loss_of(layers, *data)
            loss.backward()
            for w in (w for layer in layers for unit in layer for w in unit):
                w.data, w.grad = w.data - 0.1 * w.grad, 0.0
        del loss, layers
        gc.collect()
        return count * steps

    peers = {"micrograd": lambda: train(Peer), MICROGPT: lambda: train(Node)}
    about = {"net": SIZES, "points": 100, "values_a_step": count, "steps": steps, "collector": "on"}
    return compare("autograd", "values/s", lambda: train(Value), peers, repeats, about)


if __name__ == "__main__":
    main(run)
