"""torch-native normalisation, with the names and arguments of gradschool.ops.norm."""

import torch
import torch.nn.functional as F
from torch import Tensor


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """See ops.norm.batch_norm."""
    training = training or running_mean is None or running_var is None
    return F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)


def layer_norm(
    x: Tensor,
    normalized_shape: tuple[int, ...],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """See ops.norm.layer_norm."""
    return F.layer_norm(x, normalized_shape, weight, bias, eps)


def group_norm(
    x: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """See ops.norm.group_norm; half-precision maps with channels last take the way over the plain layout.

    torch's own kernel for them takes several times as long backwards on a CPU; two copies cost less.
    """
    if x.device.type != "cpu" or x.dtype.itemsize >= 4 or x.is_contiguous():
        return F.group_norm(x, num_groups, weight, bias, eps)
    y = F.group_norm(x.contiguous(), num_groups, weight, bias, eps)
    return y.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else y


def instance_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """See ops.norm.instance_norm."""
    return F.instance_norm(x, None, None, weight, bias, True, 0.1, eps)


def rms_norm(x: Tensor, gain: Tensor, eps: float | None = None) -> Tensor:
    """See ops.norm.rms_norm; in half precision on a processor a norm saves passes over x."""
    is_half = x.dtype.itemsize == 2 and gain.dim() == 1 and torch.is_grad_enabled()
    if x.device.type != "cpu" or not is_half:
        return F.rms_norm(x, gain.shape, gain, eps)
    eps = torch.finfo(torch.float32).eps if eps is None else eps
    size = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
    return x * (size.square() / x.shape[-1] + eps).rsqrt().to(x.dtype) * gain


def local_response_norm(
    x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """See ops.norm.local_response_norm."""
    return F.local_response_norm(x, size, alpha, beta, k)
