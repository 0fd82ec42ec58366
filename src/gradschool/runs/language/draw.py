"""New lines from a model of the next character: draw a character, move the context on by one, again.

Source: Bengio et al. 2003, section 2 (a product of conditional probabilities).
"""

import torch
from torch import nn

from gradschool.data.rows import seeded
from gradschool.data.text.vocabulary import END, Vocabulary
from gradschool.ops.activation import softmax
from gradschool.ops.language import inverse_cdf


@torch.inference_mode()
def draw(
    model: nn.Module, vocabulary: Vocabulary, context: int, n: int, seed: int, longest: int
) -> list[str]:
    """New lines of at least one character.

    Args:
        model: contexts to logits, in eval mode.
        vocabulary: of the model.
        context: tokens that it looks back.
        n: how many lines. Line i is the same however many are asked for.
        seed: of the draws.
        longest: characters after which a line that has not ended is cut off.
    """
    # 1. All randomness beforehand, a row for each line; each line starts from end tokens alone.
    u = torch.rand(n, longest, generator=seeded("draw", seed))
    device = next(model.parameters()).device
    tokens = torch.full((n, context + longest), END)
    alive = torch.ones(n, dtype=torch.bool)
    for i in range(longest):
        # 2. What may come next; a line does not end before it has begun.
        p = softmax(model(tokens[:, i : i + context].to(device)).float().cpu(), 1)
        if i == 0:
            p[:, END] = 0
        # 3. Draw it; a line that has ended stays so.
        drawn = inverse_cdf(p, u[:, i])
        tokens[:, i + context] = torch.where(alive, drawn, END)
        alive &= drawn != END
        if not alive.any():
            break
    return [vocabulary.decode(row) for row in tokens[:, context:].tolist()]
