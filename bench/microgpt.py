"""A GPT on names, one name a step, on both scratch engines beside a scalar engine in the style of microgpt.

The algorithm and its numbers are those of Karpathy's microgpt (2026): 4,192 weights, one layer, four heads, RMS
normalisation, Adam with a falling rate, 1,000 steps. The original is not a package and is not copied here:
its engine's approach (a node keeps its operands and local gradients in tuples, a recursive topological sort) is written anew as
`Node`. Both scalar engines run the same program; the collector is on, as it is by default. Seconds are processor
seconds, rounds are interleaved, and losses of all sides are compared.

Usage: python -m bench.microgpt [REPEATS]
"""

import gc
import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import gradschool.data.sets.text as texts
from bench.common import compare, main
from gradschool.scratch.backpropagation.descent import Adam
from gradschool.scratch.backpropagation.functions import cross_entropy, softmax
from gradschool.scratch.backpropagation.scalar import Value
from gradschool.scratch.backpropagation.tensor import Tensor, result

WIDTH, HEADS, LONGEST, STEPS = 16, 4, 16, 1000
SIZE = WIDTH // HEADS
RATE, BETAS, EPS = 0.01, (0.85, 0.99), 1e-8
Matrix = list[list[Any]]


class Node:
    """A scalar in the style of microgpt's: operands and local gradients in tuples, depth-first order."""

    __slots__ = ("data", "grad", "operands", "slopes")

    def __init__(self, data: float, operands: tuple["Node", ...] = (), slopes: tuple[float, ...] = ()):
        self.data, self.grad, self.operands, self.slopes = data, 0.0, operands, slopes

    def __add__(self, other: Any) -> "Node":
        other = other if isinstance(other, Node) else Node(other)
        return Node(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other: Any) -> "Node":
        other = other if isinstance(other, Node) else Node(other)
        return Node(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> "Node":
        return Node(self.data**n, (self,), (n * self.data ** (n - 1),))

    def log(self) -> "Node":
        return Node(math.log(self.data), (self,), (1 / self.data,))

    def exp(self) -> "Node":
        return Node(math.exp(self.data), (self,), (math.exp(self.data),))

    def relu(self) -> "Node":
        return Node(max(0, self.data), (self,), (float(self.data > 0),))

    def __radd__(self, other: Any) -> "Node":
        return self + other

    def __rmul__(self, other: Any) -> "Node":
        return self * other

    def __neg__(self) -> "Node":
        return self * -1

    def __sub__(self, other: Any) -> "Node":
        return self + (-other)

    def __truediv__(self, other: Any) -> "Node":
        return self * other**-1

    def backward(self) -> None:
        order: list[Node] = []
        seen = set()

        def visit(node: "Node") -> None:
            if node not in seen:
                seen.add(node)
                for operand in node.operands:
                    visit(operand)
                order.append(node)

        visit(self)
        self.grad = 1
        for node in reversed(order):
            for operand, slope in zip(node.operands, node.slopes, strict=False):
                operand.grad += slope * node.grad


def corpus() -> tuple[list[list[int]], int]:
    """Names as tokens between two marks, shuffled once, and the number of tokens."""
    names = (Path(texts.__file__).parent / "names.txt").read_text(encoding="utf-8").split()
    random.Random(42).shuffle(names)
    letters = sorted(set("".join(names)))
    mark = len(letters)
    return [[mark, *map(letters.index, name), mark][: LONGEST + 1] for name in names], mark + 1


def start(tokens: int) -> dict[str, list[list[float]]]:
    """The same weights for every engine, (outputs, inputs) each, normal with deviation 0.08."""
    rng = random.Random(42)
    shapes = {"token": (tokens, WIDTH), "place": (LONGEST, WIDTH), "head": (tokens, WIDTH)}
    shapes |= {name: (WIDTH, WIDTH) for name in ("query", "key", "value", "out")}
    shapes |= {"up": (4 * WIDTH, WIDTH), "down": (WIDTH, 4 * WIDTH)}
    return {name: [[rng.gauss(0, 0.08) for _ in range(columns)] for _ in range(rows)]
            for name, (rows, columns) in shapes.items()}  # fmt: skip


# One program for both scalar engines.


def product(x: Sequence[Any], weight: Matrix) -> list[Any]:
    return [sum(w * v for w, v in zip(row, x, strict=True)) for row in weight]


def probabilities(logits: Sequence[Any]) -> list[Any]:
    most = max(each.data for each in logits)
    powers = [(each - most).exp() for each in logits]
    total = sum(powers)
    return [power / total for power in powers]


def normalised(x: Sequence[Any]) -> list[Any]:
    scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


def logits_of(w: dict[str, Matrix], token: int, place: int, keys: Matrix, values: Matrix) -> list[Any]:
    """Logits of the next token; `keys` and `values` grow by one."""
    x = normalised([a + b for a, b in zip(w["token"][token], w["place"][place], strict=True)])
    h = normalised(x)
    query = product(h, w["query"])
    keys.append(product(h, w["key"]))
    values.append(product(h, w["value"]))
    mixed = []
    for start in range(0, WIDTH, SIZE):
        part = range(start, start + SIZE)
        scores = [sum(query[j] * key[j] for j in part) / SIZE**0.5 for key in keys]
        shares = probabilities(scores)
        mixed += [sum(p * value[j] for p, value in zip(shares, values, strict=True)) for j in part]
    x = [a + b for a, b in zip(product(mixed, w["out"]), x, strict=True)]
    h = [v.relu() for v in product(normalised(x), w["up"])]
    x = [a + b for a, b in zip(product(h, w["down"]), x, strict=True)]
    return product(x, w["head"])


def scalar_steps(kind: type, names: list[list[int]], tokens: int) -> Iterator[float]:
    """The loss of step after step."""
    w = {name: [[kind(v) for v in row] for row in rows] for name, rows in start(tokens).items()}
    leaves = [v for rows in w.values() for row in rows for v in row]
    means, squares = [0.0] * len(leaves), [0.0] * len(leaves)
    for step in range(STEPS):
        name, losses = names[step % len(names)], []
        keys: Matrix = []
        values: Matrix = []
        for place, (token, target) in enumerate(zip(name, name[1:], strict=False)):
            p = probabilities(logits_of(w, token, place, keys, values))
            losses.append(-p[target].log())
        loss = sum(losses) * (1 / len(losses))
        loss.backward()
        rate, (b, c) = RATE * (1 - step / STEPS), BETAS
        for i, leaf in enumerate(leaves):
            means[i] = b * means[i] + (1 - b) * leaf.grad
            squares[i] = c * squares[i] + (1 - c) * leaf.grad**2
            root = (squares[i] / (1 - c ** (step + 1))) ** 0.5
            leaf.data -= rate * means[i] / (1 - b ** (step + 1)) / (root + EPS)
            leaf.grad = 0.0
        yield loss.data


# The same on the tensor engine: a name at once, and all weights in one array.


def rms_norm(x: Tensor) -> Tensor:
    """x over its root mean square; with y = s x the gradient is s (g - y mean(g y))."""
    a = x.data
    s = ((a * a).sum(-1, keepdims=True) / WIDTH + 1e-5) ** -0.5
    y = a * s
    return result(y, (x, lambda g: s * (g - y * ((g * y).sum(-1, keepdims=True) / WIDTH))))


def tensor_steps(names: list[list[int]], tokens: int) -> Iterator[float]:
    """The loss of step after step."""
    begun = {name: np.array(rows) for name, rows in start(tokens).items()}
    begun["read"] = np.concatenate([begun.pop(name) for name in ("query", "key", "value")])
    whole = np.concatenate([rows.T.ravel() if name not in ("token", "place") else rows.ravel() for name, rows in begun.items()])
    w, at = {}, 0
    for name, rows in begun.items():
        shape = rows.shape if name in ("token", "place") else rows.shape[::-1]
        w[name] = leaf = Tensor(rows, requires_grad=True)
        leaf.data = whole[at : (at := at + rows.size)].reshape(shape)  # a view: the optimiser moves them all
    masks = [np.triu(np.full((n, n), -np.inf), 1) for n in range(LONGEST + 1)]
    descent = Adam(RATE, BETAS, EPS)
    for step in range(STEPS):
        name = names[step % len(names)]
        n = len(name) - 1
        x = rms_norm(w["token"][np.array(name[:n])] + w["place"][:n])
        read = (rms_norm(x) @ w["read"]).reshape(n, 3, HEADS, SIZE).transpose(1, 2, 0, 3)
        query, key, value = read[0], read[1], read[2]
        shares = softmax(query @ key.transpose(0, 2, 1) * SIZE**-0.5 + masks[n])
        x = (shares @ value).transpose(1, 0, 2).reshape(n, WIDTH) @ w["out"] + x
        x = (rms_norm(x) @ w["up"]).relu() @ w["down"] + x
        loss = cross_entropy(x @ w["head"], np.array(name[1:]))
        loss.backward()
        descent.learning_rate = RATE * (1 - step / STEPS)
        descent.step([whole], [np.concatenate([leaf.grad.ravel() for leaf in w.values()])])  # type: ignore[union-attr]
        for leaf in w.values():
            leaf.grad = None
        yield loss.item()
