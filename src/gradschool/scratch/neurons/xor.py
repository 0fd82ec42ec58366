"""How often does a 2-2-1 net learn XOR? All runs at once, as one batch of nets.

After exercise 4 of COMP9444 (UNSW): tanh hidden units, sigmoid output, cross-entropy, full batch, success at
a loss below 0.01 within 10,000 epochs. Weights are normal of a chosen size; biases are uniform within
1/sqrt(2) as in torch.nn.Linear, and they matter: with small weights and zero biases nearly all runs stall.
"""

from dataclasses import dataclass

import numpy as np

from gradschool.scratch.arrays import Array
from gradschool.scratch.backpropagation.loss import sigmoid

INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TARGETS = np.array([0.0, 1.0, 1.0, 0.0])


@dataclass(frozen=True)
class XorRuns:
    """Settings of the experiment.

    Args:
        learning_rate: > 0.
        momentum: 0 to below 1.
        weight_size: standard deviation of the first weights, > 0.
        bias_size: biases begin uniform within plus or minus this.
        epochs: most epochs a run may take.
        solved_below: loss, in nats, that counts as solved.
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    weight_size: float = 1.0
    bias_size: float = 0.5**0.5
    epochs: int = 10_000
    solved_below: float = 0.01


def xor_losses_and_gradients(nets: list[Array]) -> tuple[Array, list[Array]]:
    """Loss and gradients of many 2-2-1 nets on the four points of XOR.

    Args:
        nets: W (runs, 2, 2), b (runs, 1, 2), V (runs, 2, 1), c (runs, 1, 1).

    Returns:
        Losses in nats, (runs,), and gradients in the shapes of `nets`.
    """
    W, b, V, c = nets
    # 1. Forward.
    h = np.tanh(INPUTS @ W + b)
    z = h @ V + c
    losses = (np.logaddexp(0, z[..., 0]) - TARGETS * z[..., 0]).mean(axis=1)
    # 2. Error at the output: sigmoid and cross-entropy together leave y - t.
    dz = (sigmoid(z) - TARGETS[:, None]) / len(TARGETS)
    # 3. Back to the hidden units, through the slope of tanh.
    dh = (dz @ V.swapaxes(1, 2)) * (1 - h * h)
    # 4. Inputs times errors, summed over the four points.
    gradients = [INPUTS.T @ dh, dh.sum(1, keepdims=True), h.swapaxes(1, 2) @ dz, dz.sum(1, keepdims=True)]
    return losses, gradients


def solved_at(settings: XorRuns, runs: int, rng: np.random.Generator) -> Array:
    """Epoch at which each of many independent runs had solved XOR, (runs,); -1 if it never did."""
    # 1. First weights and biases; every net begins at rest.
    size, bound = settings.weight_size, settings.bias_size
    nets = [
        rng.normal(0, size, (runs, 2, 2)),
        rng.uniform(-bound, bound, (runs, 1, 2)),
        rng.normal(0, size, (runs, 2, 1)),
        rng.uniform(-bound, bound, (runs, 1, 1)),
    ]
    velocities = [np.zeros_like(part) for part in nets]
    epochs = np.full(runs, -1)
    for epoch in range(settings.epochs):
        # 2. Note who has just solved it.
        losses, gradients = xor_losses_and_gradients(nets)
        epochs[(epochs < 0) & (losses < settings.solved_below)] = epoch
        if (epochs >= 0).all():
            break
        # 3. One step of momentum for every net.
        for part, velocity, gradient in zip(nets, velocities, gradients, strict=True):
            velocity *= settings.momentum
            velocity += gradient
            part -= settings.learning_rate * velocity
    return epochs


def success_rate(settings: XorRuns, runs: int, rng: np.random.Generator) -> float:
    """Share of runs that solve XOR, 0 to 1."""
    epochs = solved_at(settings, runs, rng)
    return float((epochs >= 0).mean())
