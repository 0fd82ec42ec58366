"""The step functions of `ops/optim.py` as a `torch.optim.Optimizer`, so that a run can train with them.

`plain_optimizer` takes the names and numbers of the engine's optimisers and computes the same steps.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.optim import Optimizer

from gradschool.ops import optim as ops

DECOUPLED = (ops.adamw, ops.muon)


class Plain(Optimizer):
    """Any step function of `ops.optim`, one call a parameter.

    Args:
        groups: parameters, or dictionaries of parameters and numbers of their own, as for torch's.
        step: the step function.
        numbers: its keyword arguments after the state, e.g. lr and betas. `weight_decay` may always be
            among them: where the function does not know it, it is added to the gradient (L2).
    """

    def __init__(self, groups: Iterable[Any], step: Callable[..., ops.Stepped], **numbers: Any) -> None:
        self.step_of = step
        super().__init__(groups, {"weight_decay": 0.0, **numbers})
        self.known = tuple(numbers)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step for every parameter that has a gradient; the closure's loss is returned, if given."""
        # 1. The loss, if someone wants it.
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        # 2. One call a parameter.
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.step_one(parameter, group)
        return loss

    def step_one(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        """Step one parameter with the numbers of its group."""
        # 1. Muon moves matrices; everything else goes AdamW's way.
        step, names = self.step_of, {name for name in self.known if name != "weight_decay"}
        if step is ops.muon:
            step, names = (step, {"lr", "momentum"}) if parameter.dim() > 1 else (ops.adamw, {"lr", "betas"})
        numbers = {name: group[name] for name in names if name in group}
        # 2. Weight decay, decoupled or through the gradient.
        g, decay = parameter.grad, group["weight_decay"]
        if step in DECOUPLED:
            numbers["weight_decay"] = decay
        elif decay:
            g = g + decay * parameter
        # 3. The step.
        new, state = step(parameter.detach(), g, self.state[parameter], **numbers)
        parameter.copy_(new)
        self.state[parameter] = state


def plain_optimizer(
    groups: Iterable[Any],
    name: str,
    lr: float,
    momentum: float = 0.9,
    betas: tuple[float, float] = (0.9, 0.999),
) -> Plain:
    """The plain optimiser of a name the engine knows, with the numbers that it uses.

    Args:
        groups: parameters or groups, as for torch's optimisers; a group may hold lr and weight_decay.
        name: sgd, momentum, nesterov, rmsprop, adam, adamw, adamax, adadelta or muon.
        lr: > 0.
        momentum: for momentum, nesterov, rmsprop and muon.
        betas: for adam, adamw, adamax, and for muon's vectors.

    Raises:
        ValueError: no such name.
    """
    match name:
        case "sgd" | "adadelta":
            return Plain(groups, getattr(ops, name), lr=lr)
        case "momentum" | "nesterov" | "rmsprop":
            return Plain(groups, getattr(ops, name), lr=lr, momentum=momentum)
        case "adam" | "adamw" | "adamax":
            return Plain(groups, getattr(ops, name), lr=lr, betas=betas)
        case "muon":
            return Plain(groups, ops.muon, lr=lr, momentum=momentum, betas=betas)
    raise ValueError(
        f"optimiser is {name!r}; wanted sgd, momentum, nesterov, rmsprop, adam, adamw, adamax, adadelta "
        "or muon"
    )
