"""Optimisers by name, with weight decay only where it belongs and, if asked, a rate of its own for each part.

Biases and gains of normalisation layers are not decayed: they do not multiply inputs of many units, so
decay gains nothing there (He et al. 2019, "Bag of tricks", section 3.1).
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer

from gradschool.errors import UserError

Name = Literal[
    "sgd",
    "momentum",
    "nesterov",
    "rmsprop",
    "adam",
    "adamw",
    "adamw8bit",
    "adamax",
    "adadelta",
    "muon",
    "lion",
]


@dataclass(frozen=True)
class Optim:
    """Which optimiser and its numbers.

    Args:
        name: the method.
        learning_rate: base rate, > 0; the schedule multiplies it.
        weight_decay: >= 0; decoupled for both AdamW, Muon and Lion, added to the gradient for others.
        momentum: for momentum, nesterov, rmsprop, muon and lion, 0 to below 1.
        betas: for the Adam family.
        decay_all: also decay biases and normalisation gains.
        rates: (prefix of parameter names, multiplier of the learning rate), first match counts:
            discriminative rates.
    """

    name: Name = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    decay_all: bool = False
    rates: tuple[tuple[str, float], ...] = ()


def parameter_groups(module: nn.Module, optim: Optim) -> list[dict[str, Any]]:
    """Group trainable parameters by decay and rate.

    Raises:
        UserError: nothing to train, or a prefix in `rates` that no parameter has.
    """
    found: dict[tuple[float, float], list[nn.Parameter]] = {}
    used: set[str] = set()
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        prefix, rate = next(((p, r) for p, r in optim.rates if name.startswith(p)), ("", 1.0))
        used.add(prefix)
        decay = optim.weight_decay if optim.decay_all or parameter.dim() > 1 else 0.0
        found.setdefault((decay, rate), []).append(parameter)
    unused = [p for p, _ in optim.rates if p not in used]
    if unused:
        tops = sorted({name.split(".")[0] for name, _ in module.named_parameters()})
        raise UserError(
            f"rates names {unused[0]!r}, which no parameter starts with", f"one of {', '.join(tops)}", ""
        )
    if not found:
        raise UserError("the model has no trainable parameter", "at least one", "Unfreeze a layer.")
    return [
        {"params": parameters, "weight_decay": decay, "lr": optim.learning_rate * rate}
        for (decay, rate), parameters in found.items()
    ]


def make_optimizer(module: nn.Module, optim: Optim) -> Optimizer:
    """The optimiser for a module; each group remembers its base rate as "initial_lr" for the schedule."""
    return with_base_rates(torch_optimizer(parameter_groups(module, optim), optim))


def with_base_rates(optimizer: Optimizer) -> Optimizer:
    """Let each group remember its rate as the base that the schedule multiplies."""
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return optimizer


def torch_optimizer(groups: list[dict[str, Any]], optim: Optim) -> Optimizer:
    """One of torch.optim's, fused into one kernel where it offers that."""
    lr, kinds = optim.learning_rate, torch.optim
    match optim.name:
        case "sgd":
            return kinds.SGD(groups, lr=lr, fused=True)
        case "momentum":
            return kinds.SGD(groups, lr=lr, momentum=optim.momentum, fused=True)
        case "nesterov":
            return kinds.SGD(groups, lr=lr, momentum=optim.momentum, nesterov=True, fused=True)
        case "rmsprop":
            return kinds.RMSprop(groups, lr=lr, momentum=optim.momentum)
        case "adam":
            return kinds.Adam(groups, lr=lr, betas=optim.betas, fused=True)
        case "adamw":
            return kinds.AdamW(groups, lr=lr, betas=optim.betas, fused=True)
        case "adamax":
            return kinds.Adamax(groups, lr=lr, betas=optim.betas)
        case "adadelta":
            return kinds.Adadelta(groups, lr=lr)
    raise UserError(f"optimizer is {optim.name!r}", "one of torch's", "the others are in gradschool.nn")
