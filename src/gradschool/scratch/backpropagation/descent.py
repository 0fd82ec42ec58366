"""Gradient descent with momentum on anything that has a gradient, a line fit that shows it, and Adam.

Sources: Cauchy 1847; momentum: Polyak 1964; Adam: Kingma and Ba 2015, algorithm 1.
"""

from collections.abc import Callable, Sequence

import numpy as np

from gradschool.scratch.arrays import Array


def descend(
    gradient: Callable[[Array], Array],
    w: Array,
    learning_rate: float,
    steps: int,
    momentum: float = 0.0,
) -> Array:
    """Walk downhill and return the path.

    Args:
        gradient: of the loss, at any w.
        w: where to start, any shape.
        learning_rate: > 0. Too small crawls; on a bowl of curvature c, above 2/c flies apart.
        steps: how many, >= 0.
        momentum: share of the last step that is repeated, 0 to below 1.

    Returns:
        (steps + 1, *w.shape), the start first.
    """
    # 1. At rest at the start.
    w = np.array(w, float)
    path, velocity = [w], np.zeros_like(w)
    for _ in range(steps):
        # 2. Keep part of the speed and add the slope at this place.
        velocity = momentum * velocity + gradient(w)
        # 3. Step against it.
        w = w - learning_rate * velocity
        path.append(w)
    return np.stack(path)


def line_gradient(w: Array, x: Array, y: Array) -> Array:
    """Gradient of the mean of (w0 + w1 x - y)^2 / 2 in w = (w0, w1).

    Args:
        w: (2,), intercept and slope.
        x, y: the points, (n,) each.
    """
    # 1. Errors.
    error = w[0] + w[1] * x - y
    # 2. The intercept moves every prediction by 1, the slope by x.
    return np.array([error.mean(), (error * x).mean()])


def fit_line(x: Array, y: Array, learning_rate: float = 0.1, steps: int = 1000) -> Array:
    """Intercept and slope of a line through points by gradient descent from (0, 0), with the path.

    Returns:
        (steps + 1, 2); the last row is the fit.
    """
    # 1. The slope of the loss at any line.
    start = np.zeros(2)
    # 2. Downhill from the flat line.
    return descend(lambda w: line_gradient(w, x, y), start, learning_rate, steps)


class Adam:
    """Steps of about the learning rate's size in every coordinate, whatever the size of the gradient.

    Args:
        learning_rate: > 0.
        betas: memory of the mean gradient and of its mean square, each 0 to below 1.
        eps: keeps the quotient finite where gradients vanish.
    """

    def __init__(
        self, learning_rate: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        self.learning_rate, self.betas, self.eps = learning_rate, betas, eps
        self.steps = 0
        self.means: list[Array] = []
        self.squares: list[Array] = []

    def step(self, weights: Sequence[Array], gradients: Sequence[Array]) -> None:
        """Move each array of weights in place, against its gradient of the same shape."""
        # 1. Both moving means begin at 0.
        if not self.steps:
            self.means = [np.zeros_like(w) for w in weights]
            self.squares = [np.zeros_like(w) for w in weights]
        self.steps += 1
        beta1, beta2 = self.betas
        rate = self.learning_rate / (1 - beta1**self.steps)
        correction = (1 - beta2**self.steps) ** -0.5
        for w, g, m, v in zip(weights, gradients, self.means, self.squares, strict=True):
            # 2. Move the means a little towards the gradient and its square.
            m += (1 - beta1) * (g - m)
            v += (1 - beta2) * (g * g - v)
            # 3. Step by their quotient, both freed of their start at 0.
            w -= rate * m / (np.sqrt(v) * correction + self.eps)

    def keep(self, rows: Array) -> None:
        """Remember some rows of the first axis only (a mask): the weights have lost the others."""
        self.means = [m[rows] for m in self.means]
        self.squares = [v[rows] for v in self.squares]
