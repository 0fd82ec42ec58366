"""How sure a language model is of its next token, and how often it is right: what calibration compares.

Source: Guo et al. 2017, section 2, with every token as an example.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.data.text.running.chunks import UNSCORED, Tokens, in_chunks, rows_for
from gradschool.evals.language.reading import has_state
from gradschool.ops.activation import softmax


@torch.inference_mode()
def certainties(
    model: nn.Module, tokens: Tokens, context: int
) -> tuple[Float[Tensor, " m"], Float[Tensor, " m"]]:
    """The probability of the most probable next token, and 1 where it is the one that comes, else 0.

    Args:
        model: in eval mode.
        tokens: (n,) with n >= 2.
        context: tokens of a chunk.

    Returns:
        Both for each of the n - 1 tokens that are predicted, in float64, in the order of the chunks.
    """
    place, state = next(model.parameters()).device, None
    sure, right = [], []
    for x, y, _ in in_chunks(tokens, rows_for(tokens), context, has_state(model)):
        if has_state(model):
            logits, state = model(x.to(place), state)
        else:
            logits = model(x.to(place))
        best = softmax(logits.double().cpu(), 2).max(2)
        scored = y != UNSCORED
        sure.append(best.values[scored])
        right.append((best.indices == y)[scored].double())
    return torch.cat(sure), torch.cat(right)
