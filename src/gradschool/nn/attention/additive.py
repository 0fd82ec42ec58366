"""A recurrent network that looks at a memory before every step, with additive attention.

Source: Bahdanau et al. 2015, section 3.1 and appendix A.
"""

import torch
from torch import Tensor, nn

from gradschool.nn.attention.memory import Memory
from gradschool.nn.linear import Linear
from gradschool.nn.sequence.recurrent import GRU
from gradschool.ops.attention.biased import additive_attend
from gradschool.ops.sequence.recurrent import gru_step


class AttentiveGRU(nn.Module):
    """A gated recurrent network whose input is joined by what its last state finds in a memory.

    `forward(x, memory, h)` takes inputs (b, n, inputs), a memory of vectors (b, m, width) and the state
    before the first step (b, hidden). It returns input, context and new state of each step side by side
    (b, n, inputs + width + hidden), the state after the last step, and the weights (b, n, m) with which
    each step looked, without gradients.

    Args:
        inputs: features of a step.
        width: numbers of a vector of the memory.
        hidden: units of the network and of the attention.
    """

    def __init__(self, inputs: int, width: int, hidden: int) -> None:
        super().__init__()
        self.network = GRU(inputs + width, hidden)
        self.query, self.key = Linear(hidden, hidden, bias=False), Linear(width, hidden)
        self.score = Linear(hidden, 1, bias=False)

    def forward(self, x: Tensor, memory: Memory, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # 1. What does not depend on the step.
        keys, w, weights = self.key(memory.vectors), self.score.weight[0], self.network.weights("_l0")
        mask = None if memory.valid is None else memory.valid.unsqueeze(1)
        steps, looks = [], []
        for token in x.unbind(1):
            # 2. Look at the memory from the state before this step.
            context, seen = additive_attend(self.query(h).unsqueeze(1), keys, memory.vectors, w, mask)
            # 3. Input and context move the state.
            joined = torch.cat([token, context[:, 0]], 1)
            h = gru_step(joined, h, weights)
            steps.append(torch.cat([joined, h], 1))
            looks.append(seen.detach())
        return torch.stack(steps, 1), h, torch.cat(looks, 1)
