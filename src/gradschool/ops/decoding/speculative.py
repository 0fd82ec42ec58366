"""Speculative decoding: a small model proposes k tokens, one pass of the large model checks all of them.

What comes out has exactly the large model's distribution, whatever the small one proposes; the more alike the
two are, the more tokens a pass gives.
Sources: Leviathan et al. 2023, algorithm 1; Chen et al. 2023.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.language import inverse_cdf
from gradschool.ops.switch import op

Probabilities = Callable[[Int64[Tensor, " t"]], Float[Tensor, "t v"]]  # after each token


@op
def acceptance(p: Float[Tensor, "*b"], q: Float[Tensor, "*b"]) -> Float[Tensor, "*b"]:
    """Probability that a proposed token is accepted: min(1, p / q).

    Args:
        p: its probability under the large model.
        q: under the small one, which drew it, > 0.
    """
    return (p / q).clamp(max=1)


@op
def residual(p: Float[Tensor, "*b v"], q: Float[Tensor, "*b v"]) -> Float[Tensor, "*b v"]:
    """What a rejected token is replaced from: max(p - q, 0), divided by its sum.

    Args:
        p: probabilities of v tokens under the large model.
        q: under the small one. Where the two are equal nothing is ever rejected, and p is returned.
    """
    more = (p - q).clamp(min=0)
    total = more.sum(-1, keepdim=True)
    return torch.where(total > 0, more / total.clamp(min=torch.finfo(p.dtype).tiny), p)


@op
def verify(
    p: Float[Tensor, "k1 v"], q: Float[Tensor, "k v"], proposed: Int64[Tensor, " k"], u: Float[Tensor, " k1"]
) -> Int64[Tensor, " n"]:
    """Accept proposed tokens from left to right up to the first rejection, and add one of the large model.

    Args:
        p: probabilities under the large model before each proposed token and after the last: k1 = k + 1 rows.
        q: what each proposed token was drawn from.
        proposed: k tokens of the small model.
        u: uniform random numbers, 0 to below 1: one for each decision and one for the draw.

    Returns:
        1 to k + 1 tokens, distributed as if the large model had drawn them one after the other.
    """
    # 1. How many are accepted before the first rejection.
    k = len(proposed)
    each = torch.arange(k, device=p.device)
    chance = acceptance(p[each, proposed], q[each, proposed])
    accepted = int((u[:k] < chance).cumprod(0).sum())
    # 2. The next token: what the small model proposed too rarely, or after all k an ordinary draw.
    last = p[k] if accepted == k else residual(p[accepted], q[accepted])
    return torch.cat([proposed[:accepted], inverse_cdf(last[None], u[k:])])


def speculate(
    large: Probabilities, small: Probabilities, prompt: Int64[Tensor, " t"], length: int, k: int,
    generator: torch.Generator,
) -> tuple[Int64[Tensor, " n"], int]:  # fmt: skip
    """Go on with a prompt by `length` tokens of the large model, with fewer passes of it.

    Args:
        large: tokens to the probabilities of the next one after each of them.
        small: the same of the model that proposes.
        prompt: at least one token.
        length: tokens to add.
        k: tokens that are proposed at a time, >= 1.
        generator: of the draws, on the CPU.

    Returns:
        The new tokens, and how often the large model was asked.
    """
    tokens, passes, end = prompt, 0, len(prompt) + length
    while len(tokens) < end:
        # 1. The small model draws; the last new token comes from the large one in any case.
        ahead, q = tokens, []
        for _ in range(min(k, end - len(tokens) - 1)):
            q.append(small(ahead)[-1])
            draw = inverse_cdf(q[-1][None], torch.rand(1, generator=generator).to(q[-1]))
            ahead = torch.cat([ahead, draw])
        # 2. The large model reads all of them at once.
        proposed = ahead[len(tokens) :]
        p = large(ahead)[len(tokens) - 1 :]
        passes += 1
        u = torch.rand(len(proposed) + 1, generator=generator).to(p)
        tokens = torch.cat([tokens, verify(p, torch.stack(q) if q else p[:0], proposed, u)])
    return tokens[len(prompt) :], passes
