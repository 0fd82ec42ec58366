"""A mixture of experts: many feed-forward layers, of which each position uses the few that a router chooses.

Sources: Shazeer et al. 2017, section 2 (the k best); Fedus et al. 2022, section 2.2 (the loss that spreads
the load); Jiang et al. 2024, section 2.1 (SwiGLU experts, a softmax over the chosen). Deviation: an expert
takes all that is sent to it, so nothing is dropped.
"""

import torch
from torch import Tensor, nn

from gradschool.nn.attention.feedforward import SwiGLU
from gradschool.nn.linear import Linear
from gradschool.ops.activation import softmax


class Experts(nn.Module):
    """A feed-forward layer of n experts, k for each position.

    `forward(x)` takes (..., width). Afterwards `balance` is the loss that spreads the load, 1 where every
    expert gets the same share and n / k where k experts get all; a task adds a small share of it (0.01).
    `load` is the share of choices that went to each expert.

    Args:
        width: numbers of a position.
        experts: n.
        chosen: k, 1 to n.
        hidden: units of each expert; None: as `SwiGLU` has.

    Raises:
        ValueError: k is not from 1 to n.
    """

    def __init__(self, width: int, experts: int = 8, chosen: int = 2, hidden: int | None = None) -> None:
        super().__init__()
        if not 1 <= chosen <= experts:
            raise ValueError(f"{chosen} of {experts} experts are chosen, 1 to {experts} was wanted")
        self.chosen = chosen
        self.router = Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(SwiGLU(width, hidden) for _ in range(experts))
        self.balance: Tensor | None = None
        self.load: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        # 1. The k experts with the highest scores for each position, and their weights, which sum to 1.
        scores = self.router(rows).float()
        best, choice = scores.topk(self.chosen)
        weights = softmax(best).to(x.dtype)
        # 2. Each expert works on the positions that chose it.
        y = torch.zeros_like(rows)
        for number, expert in enumerate(self.experts):
            row, rank = (choice == number).nonzero(as_tuple=True)
            y = y.index_add(0, row, expert(rows[row]) * weights[row, rank, None])
        # 3. How evenly they were chosen. The share of choices has no gradient, the mean probability has.
        load = torch.stack([(choice == number).float().mean() for number in range(len(self.experts))])
        self.load = load.detach()
        self.balance = len(self.experts) * (self.load * softmax(scores).mean(0)).sum()
        return y.view_as(x)


def balance(model: nn.Module) -> Tensor:
    """The mean of the balance losses of all layers of experts that have just run.

    Raises:
        ValueError: there are none.
    """
    found = [layer.balance for layer in model.modules() if isinstance(layer, Experts)]
    losses = [each for each in found if each is not None]
    if not losses:
        raise ValueError("no layer of experts has run, one or more was wanted")
    return torch.stack(losses).mean()
