"""The logit lens of a sentence: what a decoder would say next if it stopped after each of its blocks.

Source: nostalgebraist 2020, "interpreting GPT: the logit lens". What follows the last block of the network
turns vectors into logits, so nothing has to be known of its last layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gradschool.evals.language.interpret.inside import changed, logit_lens
from gradschool.ops.activation import log_softmax


@dataclass(frozen=True)
class Lens:
    """What each block would say, first block first.

    Args:
        best: of each block the most probable next token at every position.
        sure: their probabilities.
        nats: of each block the mean surprise at the tokens that came, in nats; NaN for a sentence of one.
    """

    best: Sequence[Sequence[int]]
    sure: Sequence[Sequence[float]]
    nats: Sequence[float]


@torch.inference_mode()
def lens_of(model: nn.Module, tokens: Sequence[int]) -> Lens:
    """The logit lens of a decoder.

    Args:
        model: tokens to logits in eval mode, with `blocks` of which each hands vectors to the next.
        tokens: of the sentence, at least one.
    """
    # 1. Whatever vectors the last block is said to have given, the rest of the network makes logits of them.
    blocks = [f"blocks.{number}" for number in range(len(list(model.get_submodule("blocks").children())))]
    x = torch.tensor([tokens], device=next(model.parameters()).device)

    def rest(h: Tensor) -> Tensor:
        with changed(model, {blocks[-1]: lambda _: h}):
            logits: Tensor = model(x)
        return logits

    logs = log_softmax(logit_lens(model, x, blocks, rest)[:, 0].float(), 2)
    # 2. The most probable token after each block, and how surprising the one that came would be.
    top = logs.max(2)
    came = logs[:, :-1].gather(2, x[0, 1:].expand(len(blocks), -1)[..., None])
    return Lens(top.indices.tolist(), top.values.exp().tolist(), (-came.mean((1, 2))).tolist())
