"""Activations: what a unit does with its sum, written from exp, tanh and comparisons.

Each is safe for inputs of any size (no overflow of exp) and has its derivative in DERIVATIVES, where its
form is short.
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
    """1 / (1 + exp(-x)), in (0, 1). Saturates beyond about |x| = 5: the derivative is below 0.007 there."""
    # exp of a negative number cannot overflow: each side is computed where it is safe.
    rise, fall = torch.exp(x.clamp(max=0)), torch.exp(-x.clamp(min=0))
    return torch.where(x >= 0, 1 / (1 + fall), rise / (1 + rise))


@op
def tanh(x: X) -> X:
    """2 sigmoid(2x) - 1, in (-1, 1). Saturates beyond about |x| = 3."""
    # expm1 keeps the digits that exp(2x) - 1 would lose near 0.
    rise, fall = torch.expm1(2 * x.clamp(max=0)), torch.expm1(-2 * x.clamp(min=0))
    return torch.where(x >= 0, -fall / (fall + 2), rise / (rise + 2))


@op
def relu(x: X) -> X:
    """max(x, 0). Never saturates above 0, and is dead below it."""
    return torch.where(x <= 0, torch.zeros_like(x), x)  # written so that NaN stays NaN


@op
def leaky_relu(x: X, slope: float = 0.01) -> X:
    """Keeps x above 0, slope * x below: no unit is ever dead."""
    return torch.where(x > 0, x, slope * x)


@op
def prelu(x: Float[Tensor, "b c ..."], slope: Float[Tensor, " s"]) -> Float[Tensor, "b c ..."]:
    """Leaky ReLU whose slopes are learned: one for all channels, or one each (axis 1)."""
    shape = [1] * x.dim()
    if x.dim() > 1:
        shape[1] = -1
    return torch.where(x > 0, x, slope.view(shape) * x)


@op
def elu(x: X, alpha: float = 1.0) -> X:
    """Keeps x above 0, alpha (exp(x) - 1) below: saturates at -alpha."""
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


@op
def selu(x: X) -> X:
    """Scaled ELU: keeps mean 0 and variance 1 from layer to layer, given LeCun's initialisation."""
    return SELU_SCALE * torch.where(x > 0, x, SELU_ALPHA * torch.expm1(x.clamp(max=0)))


@op
def softplus(x: X) -> X:
    """log(1 + exp(x)): a smooth ReLU; its derivative is the sigmoid."""
    high, low = x.clamp(min=0), x.clamp(max=0)
    return torch.where(x >= 0, high + torch.log1p(torch.exp(-high)), torch.log1p(torch.exp(low)))


@op
def silu(x: X) -> X:
    """The product x sigmoid(x), also called swish."""
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
    """The product x clamp(x + 3, 0, 6) / 6: swish without an exponential."""
    return x * (x + 3).clamp(0, 6) / 6


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


DERIVATIVES: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": torch.ones_like,
    "step": torch.zeros_like,
    "sigmoid": lambda x: sigmoid(x) * (1 - sigmoid(x)),
    "tanh": lambda x: 1 - tanh(x) ** 2,
    "relu": lambda x: (x > 0).to(x.dtype),
    "leaky_relu": lambda x: torch.where(x > 0, 1.0, 0.01).to(x.dtype),
    "elu": lambda x: torch.where(x > 0, torch.ones_like(x), torch.exp(x.clamp(max=0))),
    "softplus": lambda x: sigmoid(x),
    "silu": lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))),
    "gelu": lambda x: (
        0.5 * (1 + torch.erf(x / math.sqrt(2))) + x * torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    ),
}
"""The derivative of each activation that has a short one, by name; equal to what backpropagation gives."""
