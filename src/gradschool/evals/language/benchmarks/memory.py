"""What a model knows by heart: passages of its training text that it recites, and secrets that it gives away.

Sources: Carlini et al. 2023 (recited passages); Carlini et al. 2019 (exposure of a canary).
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

Logits = Callable[[Int64[Tensor, "b t"]], Float[Tensor, "b t v"]]


@torch.inference_mode()
def recited(model: Logits, passages: Int64[Tensor, "b t"], prompt: int) -> Bool[Tensor, " b"]:
    """Which passages a model writes to the end by itself, given their beginning: it knows them by heart.

    Greedy decoding writes a passage if and only if every token is the most probable one after those before
    it, so one pass over the passage is enough.

    Args:
        model: tokens to logits, causal.
        passages: tokens of the training text (or of another one, to compare).
        prompt: tokens that are given, 1 to t - 1.

    Source: Carlini et al. 2023, definition 3.1.
    """
    best = model(passages[:, :-1]).argmax(2)[:, prompt - 1 :]
    return (best == passages[:, prompt:]).all(1)


def exposure(canary: float, others: Float[Tensor, " n"]) -> float:
    """How well a secret is remembered: log2 of how many texts of its form there are over its rank, in bits.

    Args:
        canary: nats of the secret that was in the training text.
        others: nats of other texts of the same form, drawn at random, that were not.

    Returns:
        From 0, the worst of all, to log2(n + 1), better than all others.

    Source: Carlini et al. 2019, definition 4.
    """
    rank = 1 + int((others < canary).sum())
    return float(torch.log2(torch.tensor((len(others) + 1) / rank)))
