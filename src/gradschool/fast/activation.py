"""torch-native activations, with the names and arguments of gradschool.ops.activation."""

import torch
import torch.nn.functional as F
from torch import Tensor


def sigmoid(x: Tensor) -> Tensor:
    """See ops.activation.sigmoid."""
    return torch.sigmoid(x)


def tanh(x: Tensor) -> Tensor:
    """See ops.activation.tanh."""
    return torch.tanh(x)


def relu(x: Tensor) -> Tensor:
    """See ops.activation.relu."""
    return torch.relu(x)


def relu_squared(x: Tensor) -> Tensor:
    """See ops.activation.relu_squared; a product, since mixed precision takes powers in float32."""
    positive = torch.relu(x)
    return positive * positive


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    """See ops.activation.leaky_relu."""
    return F.leaky_relu(x, slope)


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """See ops.activation.prelu."""
    return F.prelu(x, slope)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """See ops.activation.elu."""
    return F.elu(x, alpha)


def selu(x: Tensor) -> Tensor:
    """See ops.activation.selu."""
    return F.selu(x)


def softplus(x: Tensor) -> Tensor:
    """See ops.activation.softplus."""
    return F.softplus(x)


def silu(x: Tensor) -> Tensor:
    """See ops.activation.silu."""
    return F.silu(x)


def mish(x: Tensor) -> Tensor:
    """See ops.activation.mish."""
    return F.mish(x)


def gelu(x: Tensor) -> Tensor:
    """See ops.activation.gelu."""
    return F.gelu(x)


def gelu_tanh(x: Tensor) -> Tensor:
    """See ops.activation.gelu_tanh."""
    return F.gelu(x, approximate="tanh")


def hardswish(x: Tensor) -> Tensor:
    """See ops.activation.hardswish."""
    return F.hardswish(x)


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """See ops.activation.softmax."""
    return torch.softmax(x, dim)


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """See ops.activation.log_softmax."""
    return torch.log_softmax(x, dim)
