"""Optimisers by name, with weight decay only where it belongs and, if asked, a rate of its own for each part.

Biases and gains of normalisation layers are not decayed: they do not multiply inputs of many units, so
decay gains nothing there (He et al. 2019, "Bag of tricks", section 3.1).
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gradschool.errors import UserError

Name = Literal["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "adamax", "adadelta", "muon"]


@dataclass(frozen=True)
class Optim:
    """Which optimiser and its numbers.

    Args:
        name: the method.
        learning_rate: base rate, > 0; the schedule multiplies it.
        weight_decay: >= 0; decoupled for adamw and muon, added to the gradient for the others.
        momentum: for momentum, nesterov, rmsprop and muon, 0 to below 1.
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
    groups = parameter_groups(module, optim)
    if optim.name == "muon":
        made: Optimizer = Muon(groups, lr=optim.learning_rate, momentum=optim.momentum, betas=optim.betas)
    else:
        made = torch_optimizer(groups, optim)
    for group in made.param_groups:
        group["initial_lr"] = group["lr"]
    return made


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
    raise UserError(
        f"optimizer is {optim.name!r}", "sgd, momentum, nesterov, rmsprop, adam, adamw, adamax or muon", ""
    )


class Muon(Optimizer):
    """Momentum, orthogonalised: each weight matrix moves by the nearest orthogonal matrix to its momentum.

    Matrices (convolutions flattened to one row an output channel) take Muon's step, everything else takes
    AdamW's.
    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers", with the 0.2 sqrt(max(rows,
    columns)) scale of Liu et al. 2025 that makes its rates comparable to AdamW's.
    """

    def __init__(
        self, groups: list[dict[str, Any]], lr: float, momentum: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(
            groups, {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": 0.0, "eps": 1e-8}
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step for every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                p.mul_(1 - group["lr"] * group["weight_decay"])
                (self._muon if p.dim() > 1 else self._adam)(p, p.grad, group)

    def _muon(self, p: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[p]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(p)
        state["velocity"].lerp_(gradient, 1 - group["momentum"])
        matrix = torch.lerp(gradient, state["velocity"], group["momentum"]).flatten(1)
        scale = 0.2 * max(matrix.shape) ** 0.5
        p.add_(orthogonalised(matrix).view_as(p), alpha=-group["lr"] * scale)

    def _adam(self, p: nn.Parameter, gradient: Tensor, group: dict[str, Any]) -> None:
        state, (b1, b2) = self.state[p], group["betas"]
        if "step" not in state:
            state.update(step=torch.zeros(()), exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        state["exp_avg"].lerp_(gradient, 1 - b1)
        state["exp_avg_sq"].lerp_(gradient.square(), 1 - b2)
        t = state["step"].item()
        size = (state["exp_avg_sq"] / (1 - b2**t)).sqrt_().add_(group["eps"])
        p.addcdiv_(state["exp_avg"], size, value=-group["lr"] / (1 - b1**t))


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """Push all singular values of a matrix towards 1 by five Newton-Schulz steps of a quintic polynomial."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16() if matrix.is_cuda else matrix.float()
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.mT if tall else x
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).to(matrix.dtype)
