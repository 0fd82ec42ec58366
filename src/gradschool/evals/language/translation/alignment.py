"""Where a translator looks: for every token of a translation, the weights over the tokens of its source."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gradschool.data.text.pairs.batches import padded
from gradschool.data.text.pairs.joint import source_tokens, target_tokens
from gradschool.evals.language.interpret.inside import watched_heads
from gradschool.evals.language.translation.translator import Translator


@dataclass(frozen=True)
class Alignment:
    """The attention of one sentence.

    Args:
        source: its tokens, as they are shown.
        target: those of the translation.
        weights: a row for each token of the translation, a column for each of the source; rows sum to 1.
    """

    source: Sequence[str]
    target: Sequence[str]
    weights: Float[Tensor, "n m"]


@torch.inference_mode()
def alignment(translator: Translator, source: str, target: str) -> Alignment:
    """The attention with which a network would write `target` for `source`.

    A recurrent decoder has one set of weights, left in `seen`. A transformer has one for each block and head:
    this is the mean over all heads of all decoder blocks.
    """
    # 1. One pass with the translation as it is.
    device = next(translator.model.parameters()).device
    read, written = (
        source_tokens(translator.tokeniser, [source]),
        target_tokens(translator.tokeniser, [target]),
    )
    x, lengths = (value.to(device) for value in padded(read))
    y = torch.tensor(written, device=device)
    with watched_heads() as heads:
        translator.model(x, y[:, :-1], lengths)
    # 2. Which of the weights look from the translation to the source: in a decoder block they come second.
    seen = getattr(translator.model, "seen", None)
    if seen is None:
        decoder = heads[len(translator.model.encoder) :]  # type: ignore[arg-type]
        seen = torch.cat(decoder[1::2], 1).mean(1)
    shown = [[translator.tokeniser.shown(token) for token in tokens] for tokens in (read[0], written[0][1:])]
    return Alignment(shown[0], shown[1], seen[0].float().cpu())
