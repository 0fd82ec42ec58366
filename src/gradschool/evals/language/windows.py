"""What a language model says in windows of a text, each read from nothing: how well it does with little and
with much before it, and whether it is right as often as it is sure.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gradschool.data.text.running.chunks import Tokens
from gradschool.evals.language.reading import has_state
from gradschool.ops.loss import cross_entropy

AT_ONCE = 1 << 12  # tokens that are read together


@dataclass(frozen=True)
class Windows:
    """The answers in w windows of t tokens.

    Args:
        nats: the surprisal of each token's follower.
        confidence: the probability of the most probable follower.
        right: whether that one came.
    """

    nats: Float[Tensor, "w t"]
    confidence: Float[Tensor, "w t"]
    right: Bool[Tensor, "w t"]


@torch.inference_mode()
def read_windows(model: nn.Module, tokens: Tokens, context: int) -> Windows:
    """Read a text in windows that do not overlap; what is left over at its end is not read.

    Args:
        model: in eval mode.
        tokens: (n,), n >= 2.
        context: tokens of a window; fewer if the text is shorter.
    """
    # 1. Windows beside each other, and what follows each of their tokens.
    place, length = next(model.parameters()).device, min(context, len(tokens) - 1)
    text = torch.from_numpy(tokens.astype(np.int64)).to(place)
    count = (len(text) - 1) // length
    x, y = (text[shift : shift + count * length].view(count, length) for shift in (0, 1))
    # 2. Some at a time.
    found = []
    rows = max(1, AT_ONCE // length)
    for some, wanted in zip(torch.split(x, rows), torch.split(y, rows), strict=True):
        logits = model(some)[0] if has_state(model) else model(some)
        logits = logits.float()
        nats = cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none").view(wanted.shape)
        best = logits.softmax(2).max(2)
        found.append((nats.cpu(), best.values.cpu(), (best.indices == wanted).cpu()))
    return Windows(*(torch.cat(column) for column in zip(*found, strict=True)))


def by_position(nats: Float[Tensor, "w t"]) -> tuple[list[float], list[float]]:
    """The mean surprisal by the number of tokens that were seen: 1, 2, 3 to 4, 5 to 8, and so on.

    Returns:
        The middle of each group of positions, and the mean over it, in nats.
    """
    ends = [1]
    while ends[-1] < nats.shape[1]:
        ends.append(min(2 * ends[-1], nats.shape[1]))
    starts = [0, *ends[:-1]]
    groups = list(zip(starts, ends, strict=True))
    middles = [(start + 1 + end) / 2 for start, end in groups]
    return middles, [float(nats[:, start:end].mean()) for start, end in groups]
