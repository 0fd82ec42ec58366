"""Low-rank adaptation: a trained layer stays as it is, and two thin matrices beside it learn the difference.

Source: Hu et al. 2022, section 4.1 (equation 3). A is drawn and B begins at 0, so training begins from the
layer as it was. Convolutions likewise, as in the authors' loralib, but for A: filters of the layer's own
size.
"""

import math
from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from gradschool.nn.linear import Linear
from gradschool.ops.conv import conv2d
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


class LoRAConv(nn.Module):
    """A convolution and, beside it, `rank` filters of its size whose answers a convolution of 1 by 1 mixes.

    Args:
        base: a convolution of torch in one group, zeros around its images; it is frozen.
        rank: how many filters.
        alpha: as in `LoRA`.

    Raises:
        ValueError: the rank is below 1 or above what the layer has.
    """

    def __init__(self, base: nn.Conv2d, rank: int = 8, alpha: float = 16.0) -> None:
        super().__init__()
        room = min(base.weight.shape[0], base.weight[0].numel())
        if not 1 <= rank <= room:
            raise ValueError(f"rank is {rank}, 1 to {room} was wanted")
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        self.down = nn.Parameter(base.weight.new_empty(rank, *base.weight.shape[1:]))
        self.up = nn.Parameter(base.weight.new_zeros(base.weight.shape[0], rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, input: Tensor) -> Tensor:
        base = self.base
        thin = conv2d(input, self.down, None, base.stride, base.padding, base.dilation)  # type: ignore[arg-type]
        return base(input) + self.scale * conv2d(thin, self.up[:, :, None, None])

    @torch.no_grad()
    def merged(self) -> nn.Conv2d:
        """One convolution that does the same."""
        layer = deepcopy(self.base)
        layer.weight += self.scale * torch.einsum("or,rihw->oihw", self.up, self.down)
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


def adapt_all(model: nn.Module, rank: int = 8, alpha: float = 16.0) -> nn.Module:
    """Put LoRA around every linear layer and every plain convolution with room for it, in place, and freeze
    everything else.

    Args:
        model: any network; its answers do not change by this.
        rank: of each difference.
        alpha: as in `LoRA`.

    Raises:
        ValueError: no layer has room for such a rank.
    """
    model.requires_grad_(False)
    count = 0
    for name, layer in list(model.named_modules()):
        if not name or not (is_plain(layer) or isinstance(layer, Linear | nn.Linear)):
            continue
        weight = layer.get_parameter("weight")
        if rank <= min(len(weight), weight[0].numel()):
            wrapped = (
                LoRAConv(layer, rank, alpha) if isinstance(layer, nn.Conv2d) else LoRA(layer, rank, alpha)
            )
            replace(model, name, wrapped)
            count += 1
    if not count:
        raise ValueError(f"rank is {rank}, and no layer has room for it")
    return model


def is_plain(layer: nn.Module) -> bool:
    """Whether it is a convolution of torch itself in one group with zeros around the image."""
    if type(layer) is not nn.Conv2d or isinstance(layer.padding, str):
        return False
    return layer.groups == 1 and layer.padding_mode == "zeros"


def merge(model: nn.Module) -> nn.Module:
    """Turn every LoRA of a model back into one layer that does the same, in place."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, LoRA | LoRAConv):
            replace(model, name, layer.merged())
    return model


def replace(model: nn.Module, name: str, layer: nn.Module) -> None:
    """Put a layer in the place of the one with a dotted name."""
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, layer)


def difference(model: nn.Module) -> dict[str, Tensor]:
    """What was learned, by name: the parameters of every LoRA, to be saved without the model."""
    return {f"{name}.{part}": value for name, layer in model.named_modules()
            if isinstance(layer, LoRA | LoRAConv)
            for part, value in (("down", layer.down.detach()), ("up", layer.up.detach()))}  # fmt: skip
