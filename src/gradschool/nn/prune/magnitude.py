"""Pruning by magnitude: the smallest weights of the whole network are 0 and stay 0 while it goes on learning.

Source: Han et al. 2015, section 3; one threshold for all layers (Frankle and Carbin 2019, appendix).
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class Masked(nn.Module):
    """A weight times its mask, so that gradients of what is 0 are 0 as well.

    Args:
        mask: 1 for a weight that stays, 0 for one that goes.
    """

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.mask


def matrices(model: nn.Module) -> dict[str, Any]:
    """The modules with a weight that multiplies: convolutions and linear layers, by name."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(getattr(module, "weight", None), nn.Parameter)
        and module.weight.dim() > 1
        and "embedding" not in type(module).__name__.lower()
    }


def masks(model: nn.Module, share: float) -> dict[str, Tensor]:
    """The mask of each weight: 0 for exactly so large a share of all, the smallest in magnitude.

    Args:
        model: any network.
        share: of the weights of its convolutions and linear layers, 0 to 1.
    """
    weights = {name: module.weight.detach() for name, module in matrices(model).items()}
    # 1. All magnitudes in one row; the smallest of them go.
    sizes = torch.cat([weight.abs().flatten() for weight in weights.values()])
    kept = torch.ones(len(sizes), dtype=sizes.dtype, device=sizes.device)
    kept[sizes.argsort(stable=True)[: round(share * len(sizes))]] = 0
    # 2. Back into the weights' shapes.
    parts = torch.split(kept, [weight.numel() for weight in weights.values()])
    return {name: part.view_as(weights[name]) for name, part in zip(weights, parts, strict=True)}


def mask(model: nn.Module, share: float) -> nn.Module:
    """The same model, in place, whose smallest weights are held at 0 through training."""
    found, modules = masks(model, share), matrices(model)
    for name, each in found.items():
        parametrize.register_parametrization(modules[name], "weight", Masked(each))
    return model


def settled(model: nn.Module) -> nn.Module:
    """A copy without masks, whose weights are what they were times their masks."""
    made = copy.deepcopy(model)
    for module in list(made.modules()):
        if parametrize.is_parametrized(module, "weight"):
            layer: Any = module
            weight = layer.weight.detach().clone()
            del module._modules["parametrizations"]
            # Torch's own removal would take the weight from the original as well: both share a class.
            layer.__class__ = type(module).__bases__[0]
            layer.weight = nn.Parameter(weight)
    return made


def zeros(model: nn.Module) -> float:
    """The share of the weights of convolutions and linear layers that are 0, of a model without masks."""
    weights = [module.weight.detach() for module in matrices(model).values()]
    return sum(int((each == 0).sum()) for each in weights) / sum(each.numel() for each in weights)
