"""Which words of a text speak for a class: the gradient of its logit with respect to each word's vector,
times that vector.

For a network that is linear in the vectors these products add up to the logit but for a constant; for any
other they say what a small change would do. Source: Denil et al. 2014, "Extraction of salient sentences
from labelled documents"; Ancona et al. 2018, section 3.1 (gradient x input).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gradschool.evals.inference import device_of, evaluating


def word_saliency(
    model: nn.Module, embedding: nn.Module, tokens: Sequence[int], label: int
) -> Float[Tensor, " t"]:
    """How much each word of a text speaks for a class, in logits; negative numbers speak against it.

    Args:
        model: tokens (1, t) to logits (1, k).
        embedding: the module of the model that makes the words' vectors.
        tokens: of one text.
        label: the class.
    """
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: object, vectors: Tensor) -> Tensor:
        kept.append(vectors.detach().requires_grad_())
        return kept[-1]

    hook = embedding.register_forward_hook(keep)
    try:
        with evaluating(model), torch.enable_grad():
            logits = model(torch.tensor([list(tokens)], device=device_of(model)))
            (gradient,) = torch.autograd.grad(logits[0, label], kept[0])
    finally:
        hook.remove()
    # A network may have read padding behind the text.
    return (gradient * kept[0].detach()).sum(-1)[0, : len(tokens)].float().cpu()
