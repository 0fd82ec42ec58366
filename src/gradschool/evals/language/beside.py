"""What counting achieves on the same text: n-gram models, which a neural language model has to beat."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from gradschool.data.text.running.chunks import Tokens
from gradschool.evals.language.ngrams import NGram

COUNTED = 20_000_000  # tokens of a longer text are not all counted
_last: dict[str, dict[str, list[NDArray[np.float32]]]] = {}  # several models on one text: it is counted once


def counted_nats(
    train: Tokens, parts: Sequence[Tokens], kinds: int, orders: Sequence[int]
) -> dict[str, list[Float[np.ndarray, " _"]]]:
    """The surprisals of every token but the first of some texts, in nats, for n-gram models.

    Args:
        train: what is counted; of a longer text the last 20 million tokens.
        parts: what is predicted, with all tokens before it known, as for the network.
        kinds: number of different tokens.
        orders: of the models, smoothed by interpolated modified Kneser-Ney.

    Returns:
        For each model, by its name, the surprisals of each part.
    """
    # 1. The same texts as the last time have the same answer.
    digest = hashlib.sha256(train[-COUNTED:].tobytes())
    for part in parts:
        digest.update(b"|" + part.tobytes())
    key = repr((digest.hexdigest(), len(train), kinds, tuple(orders)))
    if key in _last:
        return dict(_last[key])
    # 2. As tensors.
    known, *asked = (torch.from_numpy(part.astype(np.int64)) for part in (train[-COUNTED:], *parts))
    cut = f", of the last {COUNTED:,} tokens" if len(train) > COUNTED else ""
    # 3. One model after the other.
    found = {}
    for n in orders:
        if n <= len(known):
            model = NGram.fit(known, n, kinds)
            found[f"{n}-gram{cut}"] = [model.surprisals(part)[1:].numpy() for part in asked]
    _last.clear()
    _last[key] = found
    return dict(found)
