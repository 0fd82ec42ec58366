"""What the activations refuse; see gradschool.ops.activation."""

from torch import Tensor

from gradschool.ops.accepts.common import floating, one_type


def sigmoid(x: Tensor) -> None:
    """Only floats have an activation."""
    floating(x=x)


tanh = relu = relu_squared = selu = softplus = silu = mish = gelu = gelu_tanh = hardswish = sigmoid


def leaky_relu(x: Tensor, slope: float = 0.01) -> None:
    """Any slope will do."""
    floating(x=x)


def elu(x: Tensor, alpha: float = 1.0) -> None:
    """Any alpha will do."""
    floating(x=x)


def prelu(x: Tensor, slope: Tensor) -> None:
    """One slope for all, or one for each entry of axis 1."""
    one_type(x, slope=slope)
    channels = x.shape[1] if x.dim() > 1 else 1
    if slope.dim() > 1 or slope.numel() not in (1, channels):
        raise ValueError(
            f"slope has shape {tuple(slope.shape)} for input {tuple(x.shape)}, one number or one for each of "
            f"the {channels} channels on axis 1 was wanted"
        )


def softmax(x: Tensor, dim: int = -1) -> None:
    """The axis must be there and have entries."""
    floating(x=x)
    rank = max(x.dim(), 1)  # a single number counts as an axis of one
    if not -rank <= dim < rank:
        raise ValueError(f"dim is {dim}, an axis from {-rank} to {rank - 1} was wanted")
    if x.dim() and x.shape[dim] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}, one or more entries along axis {dim} were wanted")


log_softmax = softmax
