"""What the losses of fine-tuning refuse; see gradschool.ops.tuning.supervised."""

import torch
from torch import Tensor

from gradschool.ops.accepts.common import axes, floating, shaped


def next_token_targets(tokens: Tensor, answer: Tensor | None = None, document: Tensor | None = None) -> None:
    """Masks of the tokens' shape, of truth values."""
    axes("tokens", tokens, "(batch, steps)", 2, 2)
    shaped("answer", answer, tokens.shape)
    shaped("document", document, tokens.shape)
    if answer is not None and answer.dtype != torch.bool:
        raise ValueError(f"answer is of type {answer.dtype}, bool was wanted: True for tokens that count")


def supervised_loss(
    logits: Tensor, tokens: Tensor, answer: Tensor | None = None, document: Tensor | None = None
) -> None:
    """Logits of the tokens' shape, besides."""
    next_token_targets(tokens, answer, document)
    floating(logits=logits)
    if logits.dim() != 3 or logits.shape[:2] != tokens.shape:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)} and tokens {tuple(tokens.shape)}, "
            "logits (batch, steps, tokens of the vocabulary) for every token were wanted"
        )


def answer_log_prob(logits: Tensor, tokens: Tensor, answer: Tensor | None = None) -> None:
    """As for the loss."""
    supervised_loss(logits, tokens, answer)
