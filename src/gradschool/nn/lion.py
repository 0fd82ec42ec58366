"""Lion for whole networks: the step of `ops/descent/lion.py`, one call a parameter."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from gradschool.nn.optim import Plain
from gradschool.ops.descent.lion import lion

KEPT = 0.99  # of the moving mean at each step


class Lion(Plain):
    """`Plain` with Lion's step and its decoupled weight decay.

    Args:
        groups: parameters, or dictionaries of parameters and numbers of their own, as for torch's.
        lr: > 0.
        momentum: share of the moving mean in a step, 0 to below 1.
    """

    def __init__(self, groups: Iterable[Any], lr: float, momentum: float = 0.9) -> None:
        super().__init__(groups, lion, lr=lr, betas=(momentum, KEPT))

    def step_one(self, parameter: Tensor, group: dict[str, Any]) -> None:
        """Step one parameter with the numbers of its group."""
        g = parameter.grad
        assert g is not None, "asked only where there is a gradient"
        numbers = {name: group[name] for name in ("lr", "betas", "weight_decay")}
        new, self.state[parameter] = lion(parameter.detach(), g, self.state[parameter], **numbers)
        parameter.copy_(new)
