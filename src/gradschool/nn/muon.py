"""Muon for whole networks: matrices take its steps, tables of vectors and everything else AdamW's.

The rows of a table are looked up one by one: they are vectors, which nothing is multiplied with as a matrix.
Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.adamw import adamw

from gradschool.nn.optim import Plain
from gradschool.ops import optim as ops


class Muon(Plain):
    """`Plain` with Muon's step; groups that are marked as tables take AdamW's.

    Args:
        groups: of parameters, as `tables_apart` makes them.
        lr: > 0.
        momentum: of matrices, 0 to below 1.
        betas: of everything else.
    """

    def __init__(
        self, groups: Sequence[dict[str, Any]], lr: float, momentum: float, betas: tuple[float, float]
    ) -> None:
        super().__init__(groups, ops.muon, lr=lr, momentum=momentum, betas=betas)

    def step_one(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        """Step one parameter with the numbers of its group."""
        g = parameter.grad
        if not group["table"] or g is None:
            super().step_one(parameter, group)
            return
        # 1. A table is large and its step small: one kernel in place of a pass for each operation.
        state, (beta1, beta2) = self.state[parameter], group["betas"]
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            state["m"], state["v"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        adamw(
            [parameter], [g], [state["m"]], [state["v"]], [], [state["step"]], fused=True,
            amsgrad=False, beta1=beta1, beta2=beta2, lr=group["lr"], weight_decay=group["weight_decay"],
            eps=ops.EPS, maximize=False,
        )  # fmt: skip


def tables_apart(groups: Sequence[dict[str, Any]], module: nn.Module) -> list[dict[str, Any]]:
    """Groups of parameters, each cut in two: what tables of vectors (embeddings) hold, and the rest.

    Args:
        groups: with "params" and numbers of their own.
        module: that the parameters belong to.
    """
    tables = {id(part.weight) for part in module.modules() if hasattr(part, "num_embeddings")}
    found = []
    for group in groups:
        for is_table in (False, True):
            some = [each for each in group["params"] if (id(each) in tables) == is_table]
            if some:
                found.append(group | {"params": some, "table": is_table})
    return found
