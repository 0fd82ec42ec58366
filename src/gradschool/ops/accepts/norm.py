"""What the normalisations refuse; see gradschool.ops.norm."""

from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, shaped


def per_channel(x: Tensor, weight: Tensor | None, bias: Tensor | None, least: int = 2) -> None:
    """Channels on axis 1, with a gain and a shift each."""
    floating(x=x, weight=weight, bias=bias)
    axes("input", x, "(batch, channels, ...)" if least == 2 else "(batch, channels, places ...)", least)
    if 0 in x.shape[1:]:
        raise ValueError(f"input has shape {tuple(x.shape)}, one channel and one place or more were wanted")
    shaped("weight", weight, x.shape[1:2])
    shaped("bias", bias, x.shape[1:2])


def more_than_one(x: Tensor, values: int, what: str) -> None:
    """Refuse a single value, which has no deviation."""
    if values == 1:
        raise ValueError(f"input has shape {tuple(x.shape)}, more than 1 value {what} was wanted")


def batch_norm(
    x: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> None:  # fmt: skip
    """Both running statistics or none, and more than one value a channel to train."""
    per_channel(x, weight, bias)
    if (running_mean is None) != (running_var is None):
        raise ValueError("one of running_mean and running_var is None, both or none were wanted")
    floating(running_mean=running_mean, running_var=running_var)
    shaped("running_mean", running_mean, x.shape[1:2])
    shaped("running_var", running_var, x.shape[1:2])
    if training or running_mean is None:
        more_than_one(x, x.numel() // x.shape[1], "a channel")


def layer_norm(
    x: Tensor, normalized_shape: tuple[int, ...], weight: Tensor | None = None, bias: Tensor | None = None,
    eps: float = 1e-5,
) -> None:  # fmt: skip
    """The last axes must have these sizes, as gain and shift have."""
    floating(x=x, weight=weight, bias=bias)
    shape = tuple(normalized_shape)
    if not shape or tuple(x.shape[-len(shape) :]) != shape:
        raise ValueError(f"input has shape {tuple(x.shape)}, last axes {shape} were wanted")
    shaped("weight", weight, shape)
    shaped("bias", bias, shape)


def group_norm(
    x: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> None:
    """Groups must divide the channels, and hold more than one value."""
    per_channel(x, weight, bias)
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(f"{x.shape[1]} channels do not divide into {num_groups} groups")
    more_than_one(x, x.numel() // num_groups, "a group")


def instance_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> None:
    """More than one place."""
    per_channel(x, weight, bias, 3)
    more_than_one(x, x[0, 0].numel() if len(x) else 0, "a channel of each image")


def rms_norm(x: Tensor, gain: Tensor, eps: float | None = None) -> None:
    """The gain has the shape of the last axes."""
    floating(x=x, gain=gain)
    if gain.dim() == 0 or tuple(x.shape[-gain.dim() :]) != tuple(gain.shape):
        raise ValueError(
            f"input has shape {tuple(x.shape)}, last axes {tuple(gain.shape)} were wanted, the gain's"
        )


def local_response_norm(
    x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> None:
    """One channel or more in the window, and places beside the channels."""
    floating(x=x)
    axes("x", x, "(batch, channels, places ...)", 3)
    if size < 1:
        raise ValueError(f"size is {size}, one channel or more was wanted")
