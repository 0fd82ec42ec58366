"""Answer after every symbol of a string: the cross-entropy of the right answers."""

from jaxtyping import Bool, Float, Int64
from torch import Tensor

from gradschool.ops.loss import cross_entropy


def answer_loss(
    logits: Float[Tensor, "b t k"], targets: Int64[Tensor, "b t"], asked: Bool[Tensor, "b t"]
) -> Float[Tensor, ""]:
    """The mean negative log-likelihood of the right answers, in nats.

    Args:
        logits: of all answers, after each symbol.
        targets: the right answers.
        asked: where there is one: not at the end of a string, not in the padding.
    """
    return cross_entropy(logits[asked], targets[asked])
