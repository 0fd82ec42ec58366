"""Muon for whole networks: matrices take its steps, tables of vectors and everything else AdamW's.

The rows of a table are looked up one by one: they are vectors, which nothing is multiplied with as a matrix.
Matrices of one size are stacked, as one large product takes a fraction of the time of many small ones.
Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks".
"""

from collections.abc import Callable, Sequence
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
        dtype: in which matrices are made orthogonal; None: their own.
    """

    def __init__(
        self, groups: Sequence[dict[str, Any]], lr: float, momentum: float, betas: tuple[float, float],
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        super().__init__(groups, ops.muon, lr=lr, momentum=momentum, betas=betas)
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; matrices of one size go together, unless it is the op itself that is wanted."""
        self.stacks: dict[tuple[int, torch.Size], list[torch.Tensor]] = {}
        self.others: dict[int, list[torch.Tensor]] = {}
        # 1. The base class goes through the parameters, which `step_one` sorts.
        loss = super().step(closure)
        # 2. The steps.
        groups = {id(group): group for group in self.param_groups}
        for (key, _), matrices in self.stacks.items():
            self.step_stack(groups[key], matrices)
        for key, some in self.others.items():
            self.step_others(groups[key], some)
        return loss

    def step_one(self, parameter: torch.Tensor, group: dict[str, Any]) -> None:
        """Put one parameter to those that it is stepped with, or step it by the op."""
        together = ops.muon.is_replaceable and ops.orthogonalise.is_replaceable
        if group["table"] or (together and parameter.dim() < 2):
            self.others.setdefault(id(group), []).append(parameter)
        elif together:
            self.stacks.setdefault((id(group), parameter.shape), []).append(parameter)
        else:
            super().step_one(parameter, group)

    def step_others(self, group: dict[str, Any], others: list[torch.Tensor]) -> None:
        """AdamW's step in one kernel: tables are large, and vectors are many."""
        states = [self.state[each] for each in others]
        for state, each in zip(states, others, strict=True):
            if not state:
                state["step"] = torch.zeros((), device=each.device)
                state["m"], state["v"] = torch.zeros_like(each), torch.zeros_like(each)
        beta1, beta2 = group["betas"]
        gradients = [each.grad for each in others if each.grad is not None]
        m, v, steps = ([state[name] for state in states] for name in ("m", "v", "step"))
        adamw(
            others, gradients, m, v, [], steps, fused=True, amsgrad=False, beta1=beta1, beta2=beta2,
            lr=group["lr"], weight_decay=group["weight_decay"], eps=ops.EPS, maximize=False,
        )  # fmt: skip

    def step_stack(self, group: dict[str, Any], matrices: list[torch.Tensor]) -> None:
        """`ops.muon` for matrices of one size; the comments there say why."""
        lr, momentum = group["lr"], group["momentum"]
        # 1. Moving means of the gradients, with Nesterov's look-ahead.
        gradients = [each.grad for each in matrices if each.grad is not None]
        for each in matrices:
            self.state[each].setdefault("velocity", torch.zeros_like(each))
        velocities = [self.state[each]["velocity"] for each in matrices]
        torch._foreach_lerp_(velocities, gradients, 1 - momentum)
        ahead = torch.stack(torch._foreach_lerp(gradients, velocities, momentum)).flatten(2)
        # 2. All of them made orthogonal.
        found = orthogonalised(ahead if self.dtype is None else ahead.to(self.dtype))
        directions = list(found.to(ahead.dtype).view(-1, *matrices[0].shape))
        # 3. Decay, then step.
        torch._foreach_mul_(matrices, 1 - lr * group["weight_decay"])
        torch._foreach_add_(matrices, directions, alpha=-lr * 0.2 * max(ahead.shape[1:]) ** 0.5)


def orthogonalised(stack: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """`ops.orthogonalise` for each matrix of a stack (k, n, m), in two kernels a step for all of them."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = stack.shape[1] > stack.shape[2]
    X = stack.mT if tall else stack
    X = X / torch.linalg.vector_norm(X, dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(steps):
        A = X @ X.mT
        X = torch.baddbmm(X, torch.baddbmm(A, A, A, beta=b, alpha=c), X, beta=a)
    back: torch.Tensor = X.mT if tall else X
    return back


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
