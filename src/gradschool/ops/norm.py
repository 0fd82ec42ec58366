"""Normalisation: subtract a mean, divide by a deviation, then scale and shift; the ops differ in what they
average over.

Sources: Ioffe and Szegedy 2015 (batch), Ba et al. 2016 (layer), Ulyanov et al. 2016 (instance), Wu and He
2018 (group), Zhang and Sennrich 2019 (root mean square), Krizhevsky et al. 2012, section 3.3 (local
response).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.ops.conv import pad
from gradschool.ops.switch import op

X = Float[Tensor, "..."]
PerChannel = Float[Tensor, " c"]


def wide(x: X) -> X:
    """At least float32: sums and squares of half-precision numbers lose too much."""
    return x if x.dtype.itemsize >= 4 else x.float()


def standardised(x: X, axes: tuple[int, ...], eps: float) -> X:
    """Zero mean and unit (biased) variance over `axes`."""
    x = wide(x)
    mean = x.mean(axes, keepdim=True)
    variance = ((x - mean) ** 2).mean(axes, keepdim=True)
    return (x - mean) * (variance + eps).rsqrt()


def scaled(x: X, gain: Tensor | None, shift: Tensor | None, shape: tuple[int, ...]) -> X:
    """The map gain x + shift, both viewed in `shape`."""
    x = x if gain is None else x * gain.view(shape)
    return x if shift is None else x + shift.view(shape)


@op
def batch_norm(
    x: Float[Tensor, "b c ..."],
    running_mean: PerChannel | None,
    running_var: PerChannel | None,
    weight: PerChannel | None = None,
    bias: PerChannel | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Float[Tensor, "b c ..."]:
    """Normalise each channel over the batch and all positions, then scale and shift it.

    Args:
        x: activations, channels on axis 1.
        running_mean: in training it is moved, in place, towards the mean of the batch; in evaluation it
            replaces the mean of the batch. None: the batch's statistics are always used.
        running_var: the same for the variance. It remembers the unbiased variance (divided by n - 1); the
            output is normalised with the biased one (divided by n).
        weight: gain of each channel; None for 1.
        bias: shift of each channel; None for 0.
        training: whether to use the statistics of the batch and to update the running ones.
        momentum: share of the batch in the updated running statistics, 0 to 1.
        eps: added to the variance, under the root.

    Returns:
        Shape and dtype of x.

    Raises:
        ValueError: the batch has only one value for each channel, so its variance is useless.
    """
    shape, axes = (1, -1, *[1] * (x.dim() - 2)), (0, *range(2, x.dim()))
    n = x.numel() // x.shape[1]
    if n == 1 and (training or running_mean is None):
        raise ValueError(f"input has shape {tuple(x.shape)}, more than 1 value a channel was wanted to train")
    # 1. Mean and biased variance of each channel: of the batch, or the running ones.
    if training or running_mean is None or running_var is None:
        mean = wide(x).mean(axes)
        variance = ((x - mean.view(shape)) ** 2).mean(axes)
    else:
        mean, variance = running_mean, running_var
    # 2. In training, move the running statistics towards the batch, without a gradient. The unbiased variance
    #    is n / (n - 1) times the biased one. An empty batch changes nothing.
    if training and n and running_mean is not None and running_var is not None:
        running_mean.lerp_(mean.detach().to(running_mean.dtype), momentum)
        running_var.lerp_((variance.detach() * n / (n - 1)).to(running_var.dtype), momentum)
    # 3. Normalise, scale, shift.
    y = (wide(x) - mean.view(shape)) * (variance.view(shape) + eps).rsqrt()
    return scaled(y, weight, bias, shape).to(x.dtype)


@op
def layer_norm(
    x: X, normalized_shape: tuple[int, ...], weight: X | None = None, bias: X | None = None, eps: float = 1e-5
) -> X:
    """Normalise each example over its last axes, whose sizes `normalized_shape` gives.

    Raises:
        ValueError: x ends in other sizes.
    """
    if tuple(x.shape[-len(normalized_shape) :]) != tuple(normalized_shape):
        raise ValueError(f"input has shape {tuple(x.shape)}, last axes {tuple(normalized_shape)} were wanted")
    axes = tuple(range(-len(normalized_shape), 0))
    return scaled(standardised(x, axes, eps), weight, bias, tuple(normalized_shape)).to(x.dtype)


@op
def group_norm(
    x: Float[Tensor, "b c ..."],
    num_groups: int,
    weight: PerChannel | None = None,
    bias: PerChannel | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "b c ..."]:
    """Normalise each example over places and over the channels of a group.

    Raises:
        ValueError: the channels do not divide into so many groups.
    """
    b, c = x.shape[:2]
    if c % num_groups:
        raise ValueError(f"{c} channels do not divide into {num_groups} groups")
    grouped = standardised(x.reshape(b, num_groups, c // num_groups, *x.shape[2:]).flatten(2), (2,), eps)
    return scaled(grouped.reshape(x.shape), weight, bias, (1, c, *[1] * (x.dim() - 2))).to(x.dtype)


@op
def instance_norm(
    x: Float[Tensor, "b c ..."],
    weight: PerChannel | None = None,
    bias: PerChannel | None = None,
    eps: float = 1e-5,
) -> Float[Tensor, "b c ..."]:
    """Normalise each channel of each image by itself: group normalisation with one channel a group."""
    return group_norm(x, x.shape[1], weight, bias, eps)


@op
def rms_norm(x: X, gain: X, eps: float | None = None) -> X:
    """Divide by root mean square over the axes of the gain, the last ones, then scale.

    Args:
        x: ends in the axes of the gain.
        gain: of one axis or more.
        eps: added to the mean square; None takes the smallest step from 1 of the precision that it is
            measured in, float32 for half precision, as torch does.

    Source: Zhang and Sennrich 2019, eq. 4.
    """
    axes = tuple(range(-gain.dim(), 0))
    eps = torch.finfo(wide(x).dtype).eps if eps is None else eps
    # 1. Measure size in float32: squares of half-precision values overflow above 255.
    size = (wide(x) ** 2).mean(axes, keepdim=True)
    # 2. Scale to unit size, back in the input's precision.
    return (wide(x) * (size + eps).rsqrt()).to(x.dtype) * gain


@op
def local_response_norm(
    x: Float[Tensor, "b c ..."], size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Float[Tensor, "b c ..."]:
    """Divide each unit by (k + alpha * mean square over `size` neighbouring channels)^beta."""
    # Channels become rows of an image: a window of `size` of them is a pooling window with zeros beyond.
    b, c = x.shape[:2]
    squares = pad((x * x).reshape(b, 1, c, x[:1, :1].numel()), (size // 2, 0))[:, 0]
    around = squares.unfold(1, size, 1)[:, :c].mean(-1).reshape(x.shape)
    return x / (k + alpha * around) ** beta
