"""AdamW whose two moving means are bytes: a quarter of its state, for a little rounding.

A block of 256 numbers has a scale, its largest magnitude; each number is the nearest of 256 levels that lie
close together near 0, since moving means differ by orders of magnitude. Source: Dettmers et al. 2022, 8-bit
Optimizers via Block-wise Quantization, sections 2.1 and 2.2. Deviation: blocks of 256 in place of 2,048, as
the authors' own library has them today. Small tensors keep their state in float32, as there.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from gradschool.nn.optim import Plain
from gradschool.ops.optim import adamw

BLOCK = 256  # numbers that share a scale
SMALL = 4096  # numbers of a tensor below which its state stays in float32
EXPONENTS = 7  # powers of ten that the levels reach down: 1e-7 to 1


@cache
def numbers(signed: bool) -> tuple[float, ...]:
    """The 256 numbers that a byte stands for, ascending, from -1 (or 0) to 1.

    Powers of ten from 1e-6 to 1, each cut into twice as many levels as the one below it; 0 and 1 besides.
    """
    found = [0.0, 1.0]
    for power in range(EXPONENTS):
        count = 2 ** (power + (0 if signed else 1))
        width = 0.9 / count
        middles = [10.0 ** (power + 1 - EXPONENTS) * (0.1 + width * (i + 0.5)) for i in range(count)]
        found += [*middles, *((-each for each in middles) if signed else ())]
    return tuple(sorted(found))


def levels(signed: bool, device: torch.device | None = None) -> Float[Tensor, " 256"]:
    """`numbers` as a tensor."""
    return torch.tensor(numbers(signed), dtype=torch.float32, device=device)


def packed(x: Tensor, signed: bool) -> tuple[UInt8[Tensor, "blocks 256"], Float[Tensor, "blocks 1"]]:
    """A tensor as bytes and the scale of each block; the last block is filled with zeros.

    Args:
        x: any shape.
        signed: whether it may be negative. Where not, what is above 0 stays above 0: a mean square that
            was rounded to 0 would make a step as large as 1 / eps.
    """
    rows = torch.nn.functional.pad(x.flatten(), (0, -x.numel() % BLOCK)).view(-1, BLOCK)
    scale = rows.abs().amax(1, keepdim=True)
    known = levels(signed, x.device)
    between = (known[1:] + known[:-1]) / 2
    codes = torch.bucketize(rows / scale.clamp(min=1e-30), between, out_int32=True)
    if not signed:
        codes = torch.where(rows > 0, codes.clamp(min=1), codes)
    return codes.to(torch.uint8), scale


def unpacked(codes: Tensor, scale: Tensor, like: Tensor, signed: bool) -> Tensor:
    """The numbers of `packed`, in the shape of another tensor, float32."""
    rows = levels(signed, codes.device)[codes.int()] * scale
    return rows.flatten()[: like.numel()].view(like.shape)


class AdamW8bit(Plain):
    """AdamW with decoupled weight decay and bytes for state.

    Args:
        groups: parameters, or dictionaries of parameters and numbers of their own, as for torch's.
        lr: > 0.
        betas: of the mean and of the mean square, 0 to below 1.
        eps: added to the root of the mean square.
        weight_decay: >= 0.
    """

    def __init__(
        self,
        groups: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(groups, adamw, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def step_one(self, parameter: Tensor, group: dict[str, Any]) -> None:
        """Step one parameter with the numbers of its group."""
        state, g, (beta1, beta2) = self.state[parameter], parameter.grad, group["betas"]
        assert g is not None, "asked only where there is a gradient"
        g = g.float()
        # 1. The moving means, as numbers.
        m, v = self.means(parameter)
        m = m.lerp(g, 1 - beta1)
        v = v * beta2 + (1 - beta2) * g * g
        state["step"] += 1
        # 2. AdamW's step.
        count = state["step"]
        size = (v / (1 - beta2**count)).sqrt() + group["eps"]
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_((group["lr"] * (m / (1 - beta1**count)) / size).to(parameter.dtype))
        # 3. The moving means, as bytes.
        if parameter.numel() < SMALL:
            state["m"], state["v"] = m, v
        else:
            state["m"], state["m_scale"] = packed(m, signed=True)
            state["v"], state["v_scale"] = packed(v, signed=False)

    def means(self, parameter: Tensor) -> tuple[Tensor, Tensor]:
        """The moving means of a parameter in float32; zeros at the first step."""
        state = self.state[parameter]
        if "m" not in state:
            state["step"] = torch.zeros((), device=parameter.device)
            zeros = torch.zeros_like(parameter, dtype=torch.float32)
            return zeros, zeros
        if "m_scale" not in state:
            return state["m"], state["v"]
        m = unpacked(state["m"], state["m_scale"], parameter, signed=True)
        return m, unpacked(state["v"], state["v_scale"], parameter, signed=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up a saved state; torch makes floats of all state, and bytes become bytes again."""
        super().load_state_dict(state_dict)
        for state in self.state.values():
            for name in ("m", "v"):
                if f"{name}_scale" in state:
                    state[name] = state[name].to(torch.uint8)
                    state[f"{name}_scale"] = state[f"{name}_scale"].float()
