"""The members of an ensemble as one network, from pixels to log-probabilities, e.g. for one ONNX file."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gradschool.evals.classification.blend import Blend
from gradschool.ops.practice.selection import LEAST


class Together(nn.Module):
    """Several networks that take the same input, and the rule that mixes what they say.

    Args:
        members: from the same input to logits (n, classes).
        blend: with a weight for each.
    """

    weights: Tensor
    layer: Tensor
    bias: Tensor

    def __init__(self, members: Sequence[nn.Module], blend: Blend) -> None:
        super().__init__()
        self.members, self.mixing = nn.ModuleList(members), blend.mixing
        self.register_buffer("weights", blend.weights.float().view(-1, 1, 1))
        if blend.layer is not None and blend.bias is not None:
            self.register_buffer("layer", blend.layer.float())
            self.register_buffer("bias", blend.bias.float())

    def forward(self, x: Tensor) -> Tensor:
        """The log-probabilities of all members together, (n, classes)."""
        logits = torch.stack([member(x) for member in self.members])
        if self.mixing == "logits":
            return (self.weights * logits).sum(0).log_softmax(1)
        shares = logits.log_softmax(2)
        if self.mixing == "stack":
            seen = shares.clamp(min=float(torch.tensor(LEAST).log())).transpose(0, 1).flatten(1)
            return (seen @ self.layer.T + self.bias).log_softmax(1)
        return (shares + self.weights.log()).logsumexp(0)
