"""Normalisation layers with their gains, shifts and running statistics."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gradschool.nn.arguments import check_sizes
from gradschool.ops import norm as ops
from gradschool.ops.switch import mixed


def gain_and_shift(
    shape: tuple[int, ...], gain: bool, shift: bool, device: torch.device | str | None,
    dtype: torch.dtype | None,
) -> tuple[nn.Parameter | None, nn.Parameter | None]:  # fmt: skip
    """Ones to multiply with and zeros to add, to begin as the identity; None where there is none."""
    ones = nn.Parameter(torch.ones(shape, device=device, dtype=dtype)) if gain else None
    return ones, nn.Parameter(torch.zeros(shape, device=device, dtype=dtype)) if shift else None


def as_shape(normalized_shape: int | tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of the last axes, as a tuple.

    Raises:
        ValueError: one is no whole number >= 0.
    """
    check_sizes(normalized_shape=normalized_shape)
    return tuple(normalized_shape) if isinstance(normalized_shape, Sequence) else (normalized_shape,)


class BatchNorm2d(nn.Module):
    """Normalise each channel over the batch; with running statistics in eval mode. Arguments as in torch.nn.

    Args:
        num_features: channels, on axis 1.
        eps: added to the variance.
        momentum: how far running statistics move, 0 to 1; None takes the plain mean of all batches.
        affine: whether channels are scaled and shifted.
        track_running_stats: without them a batch is normalised by its own statistics in eval mode, too.
        bias: whether channels are shifted, if affine.
    """

    axes: tuple[int, ...] = (4,)

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        check_sizes(num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight, self.bias = gain_and_shift((num_features,), affine, affine and bias, device, dtype)
        self.running_mean: Tensor | None
        self.running_var: Tensor | None
        self.num_batches_tracked: Tensor | None
        zeros, ones = ((f(num_features, device=device, dtype=dtype)) for f in (torch.zeros, torch.ones))
        count = torch.tensor(0, device=device)
        for name, first in (("running_mean", zeros), ("running_var", ones), ("num_batches_tracked", count)):
            self.register_buffer(name, first if track_running_stats else None)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in self.axes or input.shape[1] != self.num_features:
            wanted = f"{' or '.join(map(str, self.axes))} axes with {self.num_features} channels on axis 1"
            raise ValueError(f"input has shape {tuple(input.shape)}, {wanted} were wanted")
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            # The n-th batch moves the mean of n batches by a share of 1 / n.
            momentum = 1 / float(self.num_batches_tracked) if momentum is None else momentum
        return ops.batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            0.0 if momentum is None else momentum,
            self.eps,
        )

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class BatchNorm1d(BatchNorm2d):
    """The same for (batch, channels) and (batch, channels, time)."""

    axes = (2, 3)


class LayerNorm(nn.Module):
    """Normalise each example over its last axes; arguments as in torch.nn."""

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape, self.eps = as_shape(normalized_shape), eps
        self.weight, self.bias = gain_and_shift(
            self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        return ops.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class GroupNorm(nn.Module):
    """Normalise each example over places and groups of channels; arguments as in torch.nn.

    Raises:
        ValueError: the channels do not divide into so many groups.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
        device: torch.device | str | None = None, dtype: torch.dtype | None = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        check_sizes(num_groups=num_groups, num_channels=num_channels)
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"{num_channels} channels do not divide into {num_groups} groups")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight, self.bias = gain_and_shift((num_channels,), affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() < 2 or input.shape[1] != self.num_channels:
            raise ValueError(
                f"input has shape {tuple(input.shape)}, {self.num_channels} channels on axis 1 were wanted"
            )
        return ops.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class RMSNorm(nn.Module):
    """Divide by the root mean square over the last axes; arguments as in torch.nn.

    Args:
        normalized_shape: sizes of the last axes.
        eps: added to the mean square; None takes the smallest step from 1 of the input's precision, of
            float32 for half precision.
        elementwise_affine: whether each number is scaled.
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float | None = None,
        elementwise_affine: bool = True, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape, self.eps = as_shape(normalized_shape), eps
        self.weight, _ = gain_and_shift(self.normalized_shape, elementwise_affine, False, device, dtype)

    def forward(self, x: Tensor) -> Tensor:  # not `input`, as in torch
        gain = x.new_ones(self.normalized_shape) if self.weight is None else self.weight
        # In mixed precision a norm takes bfloat16 as the product behind it will: half as much to move. Its
        # size is measured in float32 all the same.
        if mixed(x) == torch.bfloat16:
            x, gain = x.to(torch.bfloat16), gain.to(torch.bfloat16)
        return ops.rms_norm(x, gain, self.eps)


class LocalResponseNorm(nn.Module):
    """AlexNet's normalisation over neighbouring channels; arguments as in torch.nn."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return ops.local_response_norm(input, self.size, self.alpha, self.beta, self.k)
