"""Low-rank adaptation: a trained layer stays as it is, and two thin matrices beside it learn the difference.

Source: Hu et al. 2022, section 4.1 (equation 3). A is drawn and B begins at 0, so training begins from the
layer as it was.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gradschool.nn.linear import Linear
from gradschool.ops.linear import linear


class LoRA(nn.Module):
    """W x + b + (alpha / rank) B A x, of which A and B alone are trained.

    Args:
        base: a linear layer, ours or torch's; it is frozen.
        rank: r, rows of A and columns of B.
        alpha: how much the difference counts; with 2 rank it counts twice.

    Raises:
        ValueError: the rank is below 1 or above what the layer has.
    """

    def __init__(self, base: nn.Module, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__()
        weight = base.get_parameter("weight")
        outputs, inputs = weight.shape
        if not 1 <= rank <= min(outputs, inputs):
            raise ValueError(f"rank is {rank}, 1 to {min(outputs, inputs)} was wanted")
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        self.down = nn.Parameter(weight.new_empty(rank, inputs))
        self.up = nn.Parameter(weight.new_zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, input: Tensor) -> Tensor:
        return self.base(input) + self.scale * linear(linear(input, self.down), self.up)

    @torch.no_grad()
    def merged(self) -> Linear:
        """One linear layer that does the same, as fast as the one that was adapted."""
        weight, bias = self.base.get_parameter("weight"), self.base._parameters.get("bias")
        layer = Linear(weight.shape[1], len(weight), bias is not None).to(weight)
        layer.weight.copy_(weight + self.scale * self.up @ self.down)
        if layer.bias is not None and bias is not None:
            layer.bias.copy_(bias)
        return layer

    def extra_repr(self) -> str:
        """What print shows."""
        return f"rank={len(self.down)}, scale={self.scale:g}"


def adapt(
    model: nn.Module, rank: int = 8, alpha: float = 16.0, names: Sequence[str] = ("query", "value")
) -> nn.Module:
    """Put LoRA around a model's linear layers, in place, and freeze everything else.

    Args:
        model: any network; its answers do not change by this.
        rank: of each difference.
        alpha: as in `LoRA`.
        names: of the layers, the last parts of their dotted names; by default those of Hu et al. 2022.

    Raises:
        ValueError: no linear layer has such a name.
    """
    # 1. All is frozen; what is put in afterwards is not.
    model.requires_grad_(False)
    found = [(name, layer) for name, layer in model.named_modules()
             if name.rpartition(".")[2] in names and isinstance(layer, Linear | nn.Linear)]  # fmt: skip
    if not found:
        there = sorted({name.rpartition(".")[2] for name, layer in model.named_modules()
                        if isinstance(layer, Linear | nn.Linear)})  # fmt: skip
        wanted = f"some of {', '.join(there)} were wanted"
        raise ValueError(f"no linear layer is called {' or '.join(names)}; {wanted}")
    # 2. Each of the layers in its wrapper.
    for name, layer in found:
        replace(model, name, LoRA(layer, rank, alpha))
    return model


def merge(model: nn.Module) -> nn.Module:
    """Turn every LoRA of a model back into one linear layer that does the same, in place."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, LoRA):
            replace(model, name, layer.merged())
    return model


def replace(model: nn.Module, name: str, layer: nn.Module) -> None:
    """Put a layer in the place of the one with a dotted name."""
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, layer)


def difference(model: nn.Module) -> dict[str, Tensor]:
    """What was learned, by name: the parameters of every LoRA, to be saved without the model."""
    return {f"{name}.{part}": value for name, layer in model.named_modules() if isinstance(layer, LoRA)
            for part, value in (("down", layer.down.detach()), ("up", layer.up.detach()))}  # fmt: skip
