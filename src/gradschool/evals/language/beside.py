"""What counting achieves on the same text: n-gram models, which a neural language model has to beat."""

from collections.abc import Sequence

import numpy as np
import torch

from gradschool.data.text.running.chunks import Tokens
from gradschool.evals.language.ngrams import NGram

COUNTED = 20_000_000  # tokens of a longer text are not all counted


def counted_models(train: Tokens, test: Tokens, kinds: int, orders: Sequence[int]) -> dict[str, float]:
    """Mean negative log-likelihood of every test token but the first, in nats, for n-gram models.

    Args:
        train: what is counted; of a longer text the last 20 million tokens.
        test: what is predicted, with all tokens before it known, as for the network.
        kinds: number of different tokens.
        orders: of the models, smoothed by interpolated modified Kneser-Ney.
    """
    # 1. As tensors.
    known, asked = (torch.from_numpy(part.astype(np.int64)) for part in (train[-COUNTED:], test))
    cut = f", of the last {COUNTED:,} tokens" if len(train) > COUNTED else ""
    # 2. One model after the other.
    return {
        f"{n}-gram{cut}": float(NGram.fit(known, n, kinds).surprisals(asked)[1:].mean())
        for n in orders
        if n <= len(known)
    }
