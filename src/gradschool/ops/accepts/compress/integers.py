"""What the quantisation of weights refuses; see gradschool.ops.compress.integers."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, looks_at_numbers, shaped, within


def quantise_weight(w: Tensor, bits: int = 8, group: int | None = None) -> None:
    """2 to 8 bits, and groups that fill a row."""
    floating(w=w)
    axes("w", w, "(outputs, inputs)", 2, 2)
    if not 2 <= bits <= 8:
        raise ValueError(f"bits is {bits}, a whole number from 2 to 8 was wanted")
    if w.shape[1] < 1 or (group is not None and (group < 1 or w.shape[1] % group)):
        raise ValueError(f"group is {group}, a divisor of the {w.shape[1]} inputs was wanted")


def dequantise_weight(codes: Tensor, scale: Tensor) -> None:
    """Codes of one byte, and scales that divide their rows."""
    floating(scale=scale)
    axes("codes", codes, "(outputs, inputs)", 2, 2)
    if codes.dtype != torch.int8:
        raise ValueError(f"codes are of type {codes.dtype}, int8 was wanted")
    if scale.dim() != 2 or len(scale) != len(codes) or codes.shape[1] % max(1, scale.shape[1]):
        raise ValueError(
            f"codes have shape {tuple(codes.shape)} and scales {tuple(scale.shape)}; a scale for each group "
            "of a row was wanted"
        )


def quantised_linear(x: Tensor, codes: Tensor, scale: Tensor, bias: Tensor | None = None) -> None:
    """Inputs of the codes' length."""
    floating(x=x)
    dequantise_weight(codes, scale)
    if x.dim() < 1 or x.shape[-1] != codes.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)}, {codes.shape[1]} numbers on the last axis were wanted"
        )
    shaped("bias", bias, codes.shape[:1])


@looks_at_numbers
def pack_int4(codes: Tensor) -> None:
    """Codes that fit into 4 bits, two for each byte."""
    axes("codes", codes, "(outputs, inputs)", 2, 2)
    if codes.dtype != torch.int8 or codes.shape[1] % 2:
        raise ValueError(
            f"codes are {codes.dtype} of shape {tuple(codes.shape)}, int8 and an even number of them in each "
            "row were wanted"
        )
    within("codes", codes, -8, 7)
