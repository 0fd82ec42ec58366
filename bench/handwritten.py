"""A training step of a 784-512-512-10 net, batch 128, float32, one thread: our engine against NumPy by hand.

The hand-written step is the limit that any engine on NumPy has; a ratio of 0.77 means 1.3 times its time.
The package `autograd` runs the same step for comparison.
"""

from itertools import pairwise
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import grad
from threadpoolctl import threadpool_limits

from bench.common import compare, main
from gradschool.scratch.backpropagation.functions import cross_entropy, linear
from gradschool.scratch.backpropagation.tensor import Tensor

SIZES, BATCH, RATE = (784, 512, 512, 10), 128, np.float32(0.1)
Parameters = list[np.ndarray]


def start() -> Parameters:
    """Weights and biases in turn."""
    rng, parameters = np.random.default_rng(0), []
    for inputs, outputs in pairwise(SIZES):
        parameters.append((rng.normal(size=(inputs, outputs)) / inputs**0.5).astype(np.float32))
        parameters.append(np.zeros(outputs, np.float32))
    return parameters


def by_hand(p: Parameters, x: np.ndarray, labels: np.ndarray) -> float:
    """One step, derived and written by hand."""
    rows = np.arange(BATCH)
    h = np.maximum(x @ p[0] + p[1], 0)
    k = np.maximum(h @ p[2] + p[3], 0)
    z = k @ p[4] + p[5]
    z -= z.max(axis=1, keepdims=True)
    e = np.exp(z)
    d = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(d[rows, labels]).mean()
    d[rows, labels] -= 1
    d /= BATCH
    dk = (d @ p[4].T) * (k > 0)
    dh = (dk @ p[2].T) * (h > 0)
    gradients = (x.T @ dh, dh.sum(0), h.T @ dk, dk.sum(0), k.T @ d, d.sum(0))
    for parameter, gradient in zip(p, gradients, strict=True):
        parameter -= RATE * gradient
    return float(loss)


def by_engine(p: list[Tensor], x: np.ndarray, labels: np.ndarray) -> float:
    """One step with our engine."""
    h = linear(x, p[0], p[1]).relu()
    h = linear(h, p[2], p[3]).relu()
    loss = cross_entropy(linear(h, p[4], p[5]), labels)
    loss.backward()
    for parameter in p:
        assert parameter.grad is not None
        parameter.data -= RATE * parameter.grad
        parameter.grad = None
    return loss.item()


def peer_loss(p: Parameters, x: np.ndarray, labels: np.ndarray) -> Any:
    """The loss in autograd's NumPy."""
    h = anp.maximum(anp.dot(x, p[0]) + p[1], 0)
    h = anp.maximum(anp.dot(h, p[2]) + p[3], 0)
    z = anp.dot(h, p[4]) + p[5]
    z = z - anp.max(z, axis=1, keepdims=True)
    log_p = z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True))
    return -anp.mean(log_p[np.arange(BATCH), labels])


def run(repeats: int = 5, steps: int = 40) -> dict[str, Any]:
    """Time steps on all sides; the first step's losses must agree."""
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(BATCH, SIZES[0])).astype(np.float32), rng.integers(0, 10, BATCH)
    hand, ours, peer = start(), [Tensor(p, requires_grad=True) for p in start()], start()
    gradient = grad(peer_loss)
    losses = by_hand(hand, x, labels), by_engine(ours, x, labels), float(peer_loss(peer, x, labels))
    if max(losses) - min(losses) > 1e-4:
        raise RuntimeError(f"the sides compute different losses: {losses}")

    def peer_step() -> None:
        for parameter, change in zip(peer, gradient(peer, x, labels), strict=True):
            parameter -= RATE * change

    def many(step: Any) -> float:
        for _ in range(steps):
            step()
        return steps

    sides = {
        "NumPy by hand": lambda: many(lambda: by_hand(hand, x, labels)),
        "autograd": lambda: many(peer_step),
    }
    about = {"net": SIZES, "batch": BATCH, "dtype": "float32", "threads": 1}
    with threadpool_limits(1):
        return compare(
            "handwritten", "steps/s", lambda: many(lambda: by_engine(ours, x, labels)), sides, repeats, about
        )


if __name__ == "__main__":
    main(run)
