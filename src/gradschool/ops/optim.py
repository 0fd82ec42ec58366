"""One step of each optimiser as its paper states it, from (parameter, gradient, state) to (parameter, state).

Symbols: theta parameter, g gradient, lr learning rate, t number of the step from 1, m and v moving means of g
and of its square. A state is empty before the first step; "step" holds t. An L2 penalty, g + lambda theta, is
left to the caller; decoupled weight decay is part of adamw and muon.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

State = dict[str, Tensor]
Stepped = tuple[Tensor, State]
EPS = 1e-8


def next_step(state: State) -> int:
    """Number of the step that is about to be taken, from 1."""
    done = state.get("step")
    return 1 if done is None else int(done) + 1


@op
def sgd(theta: Float[Tensor, "*n"], g: Float[Tensor, "*n"], state: State, lr: float) -> Stepped:
    """Gradient descent: theta - lr g. Source: Robbins and Monro 1951.

    Args:
        theta, g: any one shape.
        state: not used.
        lr: > 0.
    """
    # 1. Against the gradient.
    theta = theta - lr * g
    return theta, state


@op
def momentum(
    theta: Float[Tensor, "*n"], g: Float[Tensor, "*n"], state: State, lr: float, momentum: float = 0.9
) -> Stepped:
    """Momentum (heavy ball): step along a decaying sum of gradients.

    Source: Polyak 1964; Sutskever et al. 2013, eq. 1-2.

    Args:
        theta, g: parameter and its gradient, of one shape.
        state: "velocity".
        lr: learning rate, > 0. With a constant gradient g the steps grow to lr g / (1 - momentum).
        momentum: share of the velocity that is kept, 0 to below 1.
    """
    # 1. New velocity: momentum times the old one, plus the gradient.
    velocity = momentum * state.get("velocity", torch.zeros_like(g)) + g
    # 2. Step against it.
    return theta - lr * velocity, {"velocity": velocity}


@op
def nesterov(
    theta: Float[Tensor, "*n"], g: Float[Tensor, "*n"], state: State, lr: float, momentum: float = 0.9
) -> Stepped:
    """Nesterov momentum: the step is lr (g + momentum velocity), with the new velocity.

    Source: Nesterov 1983; Sutskever et al. 2013, eq. 3-4, in the form of Bengio et al. 2013: theta is the
    look-ahead point, and g is the gradient there.

    Args:
        theta, g: parameter and its gradient, of one shape.
        state: "velocity", a sum of past gradients; empty before the first step, when the velocity is 0.
        lr: learning rate, > 0.
        momentum: share of the velocity that is kept, 0 to below 1.

    Returns:
        The new theta, and a state with the new velocity; no argument changes.
    """
    # 1. New velocity: momentum times the old one, plus the gradient.
    velocity = momentum * state.get("velocity", torch.zeros_like(g)) + g
    # 2. Step against the gradient plus momentum times the new velocity.
    return theta - lr * (g + momentum * velocity), {"velocity": velocity}


@op
def rmsprop(
    theta: Float[Tensor, "*n"],
    g: Float[Tensor, "*n"],
    state: State,
    lr: float,
    alpha: float = 0.99,
    momentum: float = 0.0,
) -> Stepped:
    """RMSprop: each gradient is divided by its recent root mean square.

    Source: Hinton 2012, Coursera lecture 6e (alpha 0.9 there).

    Args:
        theta, g: parameter and its gradient, of one shape.
        state: "v", a moving mean of g^2, and "velocity"; empty before the first step, when both are 0.
        lr: learning rate, > 0; about the size of a step in every coordinate.
        alpha: share of the old mean that is kept, 0 to below 1.
        momentum: share of the velocity that is kept, 0 to below 1.

    Returns:
        The new theta, and a state with the new v and velocity; no argument changes. If g is always 0, theta
        stays.
    """
    # 1. Moving mean of the squared gradient.
    v = alpha * state.get("v", torch.zeros_like(g)) + (1 - alpha) * g**2
    # 2. Velocity: momentum times the old one, plus g / (sqrt(v) + EPS).
    velocity = momentum * state.get("velocity", torch.zeros_like(g)) + g / (v.sqrt() + EPS)
    # 3. Step against it.
    return theta - lr * velocity, {"v": v, "velocity": velocity}


@op
def adam(
    theta: Float[Tensor, "*n"],
    g: Float[Tensor, "*n"],
    state: State,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = EPS,
) -> Stepped:
    """Adam: a moving mean of the gradient over its root mean square, both with bias correction.

    Source: Kingma and Ba 2015, algorithm 1.

    Args:
        theta, g: parameter and its gradient, of one shape.
        state: "step", the number t of steps taken, "m" and "v", the uncorrected moving means of g and g^2;
            empty before the first step, when both are 0.
        lr: learning rate, > 0; about the largest step in any coordinate.
        betas: shares of the old m and of the old v that are kept, each 0 to below 1.
        eps: added to the root, so that the quotient stays finite where gradients are 0.

    Returns:
        The new theta and state: "step" a 0-d tensor, "m" and "v" not bias-corrected; no argument changes.
    """
    t, (beta1, beta2) = next_step(state), betas
    # 1. Moving means of the gradient and of its square.
    m = beta1 * state.get("m", torch.zeros_like(g)) + (1 - beta1) * g
    v = beta2 * state.get("v", torch.zeros_like(g)) + (1 - beta2) * g**2
    # 2. Bias correction: both started at 0 and are too small by the factor 1 - beta^t.
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    # 3. Step against the corrected mean over the root of the corrected mean square.
    theta = theta - lr * m_hat / (v_hat.sqrt() + eps)
    return theta, {"step": torch.tensor(float(t)), "m": m, "v": v}


@op
def adamw(
    theta: Float[Tensor, "*n"],
    g: Float[Tensor, "*n"],
    state: State,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    weight_decay: float = 0.01,
    eps: float = EPS,
) -> Stepped:
    """Adam with decoupled weight decay, which shrinks the weights themselves.

    Source: Loshchilov and Hutter 2019, alg. 2. An L2 penalty in the gradient would be divided by the
    root mean square like any gradient, so weights with large gradients would hardly decay.

    Args:
        theta, g: parameter and its gradient, of one shape.
        state, lr, betas, eps: as for adam.
        weight_decay: each step multiplies theta by 1 - lr weight_decay, >= 0.
    """
    # 1. Shrink the weights.
    theta = theta * (1 - lr * weight_decay)
    # 2. Adam's step with the bare gradient.
    return adam(theta, g, state, lr, betas, eps)


@op
def adamax(
    theta: Float[Tensor, "*n"],
    g: Float[Tensor, "*n"],
    state: State,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = EPS,
) -> Stepped:
    """Adamax: Adam with the largest recent gradient in place of the root mean square.

    Source: Kingma and Ba 2015, alg. 2.

    Args:
        theta, g: any one shape.
        state: "step", "m", "u".
        lr: > 0; no step is larger.
        betas: memory of m and of u, each 0 to below 1.
        eps: keeps the quotient finite where all gradients were 0 (as torch; the paper has none).
    """
    t, (beta1, beta2) = next_step(state), betas
    # 1. Moving mean of the gradient.
    m = beta1 * state.get("m", torch.zeros_like(g)) + (1 - beta1) * g
    # 2. The largest gradient, slowly forgotten.
    u = torch.maximum(beta2 * state.get("u", torch.zeros_like(g)), g.abs() + eps)
    # 3. Step; only m needs a bias correction.
    theta = theta - lr / (1 - beta1**t) * m / u
    return theta, {"step": torch.tensor(float(t)), "m": m, "u": u}


@op
def orthogonalise(matrix: Float[Tensor, "n m"], steps: int = 5) -> Float[Tensor, "n m"]:
    """Push the singular values of a matrix to about 1 without computing them.

    The odd polynomial a s + b s^3 + c s^5, written a X + b (X X^T) X + c (X X^T)^2 X for a matrix, acts on
    its singular values alone. Five times takes all above 1/300 of the norm to between 0.68 and 1.2.

    Args:
        matrix: any size; computed in its own precision.
        steps: applications of the polynomial, >= 0.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks" (Newton-Schulz).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    # 1. The smaller product X X^T is that of the wide form.
    tall = matrix.shape[0] > matrix.shape[1]
    X = matrix.mT if tall else matrix
    # 2. No singular value is larger than the Frobenius norm: divided by it, all lie in 0 to 1.
    X = X / X.norm().clamp(min=1e-7)
    # 3. The polynomial.
    for _ in range(steps):
        A = X @ X.mT
        X = a * X + (b * A + c * A @ A) @ X
    back: Tensor = X.mT if tall else X
    return back


@op
def muon(
    theta: Float[Tensor, "n *m"],
    g: Float[Tensor, "n *m"],
    state: State,
    lr: float = 1e-3,
    momentum: float = 0.95,
    weight_decay: float = 0.0,
) -> Stepped:
    """Muon: momentum, made orthogonal, so that every direction of a weight matrix moves equally far.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks". The scale
    0.2 sqrt(max(n, m)) is that of Liu et al. 2025, "Muon is scalable for LLM training": steps are as large as
    AdamW's, so its learning rates can be used.

    Args:
        theta, g: weight of a hidden layer, 2 axes or more; a convolution is one row an output channel.
        state: "velocity".
        lr: > 0.
        momentum: memory of the velocity, 0 to below 1.
        weight_decay: decoupled, >= 0.

    Raises:
        ValueError: theta is a vector or a number: use adamw for those.
    """
    # 1. Refuse what is no matrix.
    if theta.dim() < 2:
        raise ValueError(
            f"parameter has shape {tuple(theta.shape)}; wanted 2 axes or more. Use adamw for it."
        )
    # 2. Moving mean of the gradient, with Nesterov's look-ahead.
    velocity = momentum * state.get("velocity", torch.zeros_like(g)) + (1 - momentum) * g
    ahead = (1 - momentum) * g + momentum * velocity
    # 3. Approximately the nearest orthogonal matrix.
    direction = orthogonalise(ahead.flatten(1))
    # 4. Decay, then step.
    scale = 0.2 * max(direction.shape) ** 0.5
    theta = theta * (1 - lr * weight_decay) - lr * scale * direction.view_as(theta)
    return theta, {"velocity": velocity}


@op
def adadelta(
    theta: Float[Tensor, "*n"],
    g: Float[Tensor, "*n"],
    state: State,
    lr: float = 1.0,
    rho: float = 0.9, eps: float = 1e-6,
) -> Stepped:  # fmt: skip
    """Adadelta: the gradient times the ratio of recent steps to recent gradients, so that no rate is chosen.

    Source: Zeiler 2012, algorithm 1.

    Args:
        theta, g: any one shape.
        state: "v", mean square of gradients; "d", of steps.
        lr, rho: factor on every step, 1 in the paper; memory of both, 0 to below 1.
        eps: sets the size of the first steps.
    """
    # 1. Moving mean of the squared gradient.
    v = rho * state.get("v", torch.zeros_like(g)) + (1 - rho) * g**2
    # 2. A step in the unit of theta.
    d = state.get("d", torch.zeros_like(g))
    step = (d + eps).sqrt() / (v + eps).sqrt() * g
    # 3. Moving mean of the squared step.
    return theta - lr * step, {"v": v, "d": rho * d + (1 - rho) * step**2}
