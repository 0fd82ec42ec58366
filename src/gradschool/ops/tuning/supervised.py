"""Supervised fine-tuning: the loss counts the tokens of the answer only, and texts may share a row.

The logits at position t are about token t + 1, so a mask belongs to the token that is predicted: one place
off, and the last token of the question is learnt and the first of the answer is not.
Sources: Ouyang et al. 2022, section 3.5 (fine-tuning on demonstrations); Krell et al. 2021 (packing without
cross-contamination).
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.ops.activation import log_softmax
from gradschool.ops.loss import cross_entropy
from gradschool.ops.switch import op

IGNORED = -100  # the target of a position that the loss leaves out, as in torch
PADDING = -1  # the document of a position that holds no text

Tokens = Int64[Tensor, "b t"]


@op
def next_token_targets(
    tokens: Tokens, answer: Bool[Tensor, "b t"] | None = None, document: Tokens | None = None
) -> Tokens:
    """What each position has to predict: the token after it, or IGNORED.

    Args:
        tokens: b rows of t tokens.
        answer: True for tokens that count; False for the question and for padding. None: all count.
        document: the number of the text that each token belongs to, PADDING for none; the last token of a
            text predicts nothing. None: a row is one text.

    Returns:
        Targets for the logits of the same positions; IGNORED in the last column.
    """
    # 1. Everything moves one place to the left.
    targets = torch.full_like(tokens, IGNORED)
    targets[:, :-1] = tokens[:, 1:]
    # 2. A target counts if it is in the answer itself, wherever it is predicted from.
    if answer is not None:
        targets[:, :-1] = targets[:, :-1].masked_fill(~answer[:, 1:], IGNORED)
    # 3. The first token of a text cannot be known from the text before it.
    if document is not None:
        other = (document[:, 1:] != document[:, :-1]) | (document[:, 1:] == PADDING)
        targets[:, :-1] = targets[:, :-1].masked_fill(other, IGNORED)
    return targets


@op
def supervised_loss(
    logits: Float[Tensor, "b t v"],
    tokens: Tokens,
    answer: Bool[Tensor, "b t"] | None = None,
    document: Tokens | None = None,
) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of the tokens that count, in nats; see `next_token_targets`.

    The mean is over all tokens of the batch: a long answer weighs more than a short one.
    """
    targets = next_token_targets(tokens, answer, document)
    return cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


@op
def answer_log_prob(
    logits: Float[Tensor, "b t v"], tokens: Tokens, answer: Bool[Tensor, "b t"] | None = None
) -> Float[Tensor, " b"]:
    """Log-probability of each row's answer given what comes before it, in nats: a sum over its tokens.

    Args:
        logits: at every position of a row.
        tokens: of the row.
        answer: True for tokens of the answer; None: all but the first.
    """
    # 1. Log-probabilities of the targets; what is ignored looks up token 0 and is multiplied by 0.
    targets = next_token_targets(tokens, answer)
    counts = targets != IGNORED
    log_p = log_softmax(logits, 2).gather(2, torch.where(counts, targets, 0)[..., None]).squeeze(2)
    return (log_p * counts).sum(1)
