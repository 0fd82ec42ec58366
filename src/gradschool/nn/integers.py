"""A linear layer whose weights are small whole numbers: for drawing, not for training.

Source: Dettmers et al. 2022; Frantar et al. 2023. Deviation: weights are rounded without looking at data.
"""

import torch
from torch import Tensor, nn

from gradschool.nn.linear import Linear
from gradschool.ops.compress.integers import pack_int4, quantise_weight, quantised_linear, unpack_int4


class IntegerLinear(nn.Module):
    """x W^T + b with W as codes and scales; it has no parameters, only buffers.

    Args:
        layer: a trained linear layer, ours or torch's.
        bits: of a code, 8 or 4; two codes of 4 bits share a byte.
        group: weights of a row that share a scale, a divisor of the inputs; None: the row.

    Raises:
        ValueError: other bits, or a group that does not divide.
    """

    codes: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Module, bits: int = 8, group: int | None = None) -> None:
        super().__init__()
        if bits not in (4, 8):
            raise ValueError(f"bits is {bits}, 4 or 8 was wanted")
        codes, scale = quantise_weight(layer.get_parameter("weight").detach(), bits, group)
        bias = getattr(layer, "bias", None)
        self.bits = bits
        self.register_buffer("codes", pack_int4(codes) if bits == 4 else codes)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if bias is None else bias.detach().clone())

    def whole_numbers(self) -> Tensor:
        """The codes, one to a place."""
        return unpack_int4(self.codes) if self.bits == 4 else self.codes

    def forward(self, input: Tensor) -> Tensor:
        return quantised_linear(input, self.whole_numbers(), self.scale, self.bias)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"bits={self.bits}, groups={self.scale.shape[1]}"


@torch.no_grad()
def to_integers(model: nn.Module, bits: int = 8, group: int | None = None) -> nn.Module:
    """Replace every linear layer of a model, in place. A weight that two layers share is left as it is.

    Args:
        model: trained; all its linear layers have inputs that `group` divides.
        bits: 8 or 4.
        group: as in `IntegerLinear`.
    """
    # 1. Weights that something else uses too, such as an embedding, stay.
    uses: dict[int, int] = {}
    for module in model.modules():
        for p in module._parameters.values():
            uses[id(p)] = uses.get(id(p), 0) + 1
    # 2. The others are replaced where they are held.
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Linear | nn.Linear) and uses[id(layer.weight)] == 1:
                setattr(parent, name, IntegerLinear(layer, bits, group))
    return model


def bytes_of(model: nn.Module) -> int:
    """Bytes of all parameters and buffers, each counted once."""
    return sum(each.numel() * each.element_size() for each in {*model.parameters(), *model.buffers()})
