"""Activations: what a unit does with its sum, written from exp, tanh and comparisons.

Each is safe for inputs of any size (no overflow of exp), has its right slope at 0 (where `abs`, `sign` and
`clamp` have slope 0) and its derivative in DERIVATIVES.
Sources: Maas 2013 (leaky), He 2015 (PReLU), Clevert 2016 (ELU), Klambauer 2017 (SELU), Hendrycks 2016 (GELU),
Ramachandran 2017 (swish), Misra 2019 (mish), Howard 2019 (hard swish).
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.switch import op

X = Float[Tensor, "..."]
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017, eq. 14


def magnitude(x: X) -> X:
    """|x|, but with slope 1 at 0: what is smooth there stays so when written with it."""
    return torch.where(x >= 0, x, -x)


@op
def linear(x: X) -> X:
    """The identity: a layer without a non-linearity collapses with the next one."""
    return x


@op
def step(x: X) -> X:
    """1 where x > 0, else 0. Its derivative is 0 wherever it exists: nothing can be learned through it."""
    return (x > 0).to(x.dtype)


@op
def sigmoid(x: X) -> X:
    """1 / (1 + exp(-x)), elementwise, in 0 to 1; value and gradient are finite for every finite x.

    Args:
        x: any shape and floating dtype.

    Returns:
        The same shape and dtype, with all digits also where it is tiny: 2.1e-9 at x = -20. Beyond about
        |x| = 5 the derivative is below 0.007 (saturation).
    """
    # 1. exp of a number <= 0 cannot overflow: small = exp(-|x|), with magnitude(x) for |x|. (The derivative
    #    of abs at 0 is 0, that of magnitude is 1.)
    small = torch.exp(-magnitude(x))
    # 2. From 0 on, small is exp(-x). Below 0 it is exp(x): multiply both parts of the fraction by it.
    return torch.where(x >= 0, 1 / (1 + small), small / (1 + small))


@op
def tanh(x: X) -> X:
    """(1 - exp(-2x)) / (1 + exp(-2x)), in (-1, 1). Saturates beyond about |x| = 3: slope below 0.01."""
    # expm1(z) = exp(z) - 1 keeps the digits that the difference would lose near 0.
    less = torch.expm1(-2 * magnitude(x))
    size = -less / (2 + less)
    return torch.where(x >= 0, size, -size)


@op
def relu(x: X) -> X:
    """max(x, 0). Never saturates above 0, and is dead below it."""
    return torch.where(x <= 0, torch.zeros_like(x), x)  # written so that NaN stays NaN


@op
def relu_squared(x: X) -> X:
    """max(x, 0)²: smooth at 0, and as sparse as relu. Source: So et al. 2021 (Primer), section 4.1."""
    return relu(x) ** 2


@op
def leaky_relu(x: X, slope: float = 0.01) -> X:
    """Keeps x above 0, slope * x below: no unit is ever dead."""
    return torch.where(x > 0, x, slope * x)


@op
def prelu(x: X, slope: X) -> X:
    """Leaky ReLU whose slopes are learned: one for all channels, or one each (axis 1)."""
    return torch.where(x > 0, x, along_channels(slope, x) * x)


def along_channels(value: X, x: X) -> X:
    """View one number so that it meets all of x, or one a channel so that they meet axis 1."""
    return value.reshape(()) if value.numel() == 1 else value.view(1, -1, *[1] * (x.dim() - 2))


@op
def elu(x: X, alpha: float = 1.0) -> X:
    """Keeps x above 0, alpha (exp(x) - 1) below: saturates at -alpha."""
    # The inner `where` keeps an overflow of the side that is not taken out of the gradient.
    return torch.where(x > 0, x, alpha * torch.expm1(torch.where(x > 0, 0, x)))


@op
def selu(x: X) -> X:
    """Scaled ELU: keeps mean 0 and variance 1 from layer to layer, given LeCun's initialisation."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


@op
def softplus(x: X) -> X:
    """log(1 + exp(x)): a smooth ReLU; its derivative is the sigmoid."""
    return torch.where(x >= 0, x, 0) + torch.log1p(torch.exp(-magnitude(x)))


@op
def silu(x: X) -> X:
    """The product x sigmoid(x), also called swish: smooth, with one shallow dip to -0.28."""
    return x * sigmoid(x)


@op
def mish(x: X) -> X:
    """The product x tanh(softplus(x))."""
    return x * tanh(softplus(x))


@op
def gelu(x: X) -> X:
    """The product x Phi(x), with Phi the normal distribution function: x times the chance that noise is
    smaller.
    """
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


@op
def gelu_tanh(x: X) -> X:
    """The approximation of GELU by a tanh; within 0.0005 of it.

    Source: Hendrycks and Gimpel 2016, section 2.
    """
    return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


@op
def hardswish(x: X) -> X:
    """The product x (x + 3) / 6 between -3 and 3, 0 below and x above: swish without an exponential."""
    return torch.where(x <= -3, 0, torch.where(x >= 3, x, x * (x + 3) / 6))


@op
def softmax(x: X, dim: int = -1) -> X:
    """exp(x) scaled to sum to 1 along `dim`; subtracting the largest changes nothing and cannot overflow."""
    size = torch.exp(x - x.amax(dim, keepdim=True))
    return size / size.sum(dim, keepdim=True)


@op
def log_softmax(x: X, dim: int = -1) -> X:
    """The log of softmax, without ever taking the log of a number that was rounded to 0."""
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - torch.log(torch.exp(shifted).sum(dim, keepdim=True))


def mish_slope(x: X) -> X:
    """Product rule over x and tanh(softplus(x)), whose inner slopes are 1 - tanh^2 and the sigmoid."""
    gate = tanh(softplus(x))
    return gate + x * (1 - gate**2) * sigmoid(x)


def gelu_slope(x: X) -> X:
    """Product rule over x and Phi, whose slope is the normal density."""
    density = torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    return 0.5 * (1 + torch.erf(x / math.sqrt(2))) + x * density


def gelu_tanh_slope(x: X) -> X:
    """Product rule over x and the tanh, whose argument is a cubic."""
    scale = math.sqrt(2 / math.pi)
    gate = tanh(scale * (x + 0.044715 * x**3))
    return 0.5 * (1 + gate) + 0.5 * x * (1 - gate**2) * scale * (1 + 3 * 0.044715 * x**2)


DERIVATIVES: dict[str, Callable[..., Tensor]] = {
    "linear": torch.ones_like,
    "step": torch.zeros_like,
    "sigmoid": lambda x: sigmoid(x) * (1 - sigmoid(x)),
    "tanh": lambda x: 1 - tanh(x) ** 2,
    "relu": lambda x: (x > 0).to(x.dtype),
    "relu_squared": lambda x: 2 * relu(x),
    "leaky_relu": lambda x, slope=0.01: torch.where(x > 0, 1.0, slope).to(x.dtype),
    "prelu": lambda x, slope: torch.where(x > 0, 1, along_channels(slope, x)),
    "elu": lambda x, alpha=1.0: torch.where(x > 0, 1, alpha * torch.exp(x.clamp(max=0))),
    "selu": lambda x: SELU_SCALE * torch.where(x > 0, 1, SELU_ALPHA * torch.exp(x.clamp(max=0))),
    "softplus": lambda x: sigmoid(x),
    "silu": lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    "mish": mish_slope,
    "gelu": gelu_slope,
    "gelu_tanh": gelu_tanh_slope,
    "hardswish": lambda x: torch.where(x <= -3, 0, torch.where(x >= 3, 1, (2 * x + 3) / 6)),
}
"""The derivative of each activation by x, by name, with the activation's own arguments."""
