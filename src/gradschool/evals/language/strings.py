"""How well a network answers after every symbol of strings from a formal language.

Source: Hochreiter and Schmidhuber 1997, section 5.1 (a string is right if at every step all legal symbols are
more active than any other).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gradschool.data.text.formal.counting import Counting
from gradschool.data.text.formal.language import Strings


def right(p: Float[Tensor, "n t k"], truth: Float[Tensor, "n t k"]) -> Bool[Tensor, "n t"]:
    """Whether every legal answer is more probable than every illegal one.

    Args:
        p: probabilities of the answers.
        truth: the true ones; an answer is legal where this is above 0.
    """
    legal = truth > 0
    return p.masked_fill(~legal, torch.inf).amin(2) > p.masked_fill(legal, -torch.inf).amax(2)


def judged(p: Float[Tensor, "n t k"], strings: Strings) -> dict[str, float]:
    """Scores over the steps that are judged.

    Args:
        p: probabilities of the answers.
        strings: what was read, and the true probabilities.

    Returns:
        "error", the mean squared error of the probabilities; "accuracy", the share of steps that are right;
        "strings", the share of strings that are right at every step.
    """
    # 1. Step by step.
    fine = right(p, strings.truth) | ~strings.judged
    wrong = (p - strings.truth).square().mean(2)
    # 2. Means over steps and over strings.
    return {
        "error": float(wrong[strings.judged].mean()),
        "accuracy": float(fine[strings.judged].float().mean()),
        "strings": float(fine.all(1).float().mean()),
    }


def probabilities(model: nn.Module, strings: Strings) -> Float[Tensor, "n t k"]:
    """What a network answers, without gradients."""
    with torch.no_grad():
        logits, _ = model(strings.inputs)
        return logits.softmax(2)


def reach(model: nn.Module, language: Counting, most: int) -> int:
    """The largest n up to which every string is right; `most` if none is wrong.

    Args:
        model: what reads them.
        language: that counts.
        most: the largest n to try, >= 1.
    """
    strings = language.each(1, most)
    fine = right(probabilities(model, strings), strings.truth) | ~strings.judged
    return int(fine.all(1).long().cumprod(0).sum())
