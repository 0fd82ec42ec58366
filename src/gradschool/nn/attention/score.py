"""A number for a text: a linear layer on what a decoder expects after the text's last token.

Source: Ouyang et al. 2022, section 3.5 (reward model). Deviation: the layer reads the logits, a linear
function of the last vector, in place of that vector; so any decoder will do as it is.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gradschool.nn.linear import Linear


class Score(nn.Module):
    """One number for each text, 0 before training.

    Args:
        decoder: tokens (b, t) to logits (b, t, kinds).
        kinds: number of different tokens.
    """

    def __init__(self, decoder: nn.Module, kinds: int) -> None:
        super().__init__()
        self.decoder, self.head = decoder, Linear(kinds, 1, False)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Int64[Tensor, "b t"], last: Int64[Tensor, " b"]) -> Float[Tensor, " b"]:
        """The score of each text; `last` is where its last token stands, what follows is not seen."""
        logits = self.decoder(tokens)
        ends = logits[torch.arange(len(tokens), device=tokens.device), last]
        return self.head(ends).squeeze(1)
