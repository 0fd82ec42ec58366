"""What happens to logits before a token is drawn: temperature, truncation, and a penalty on repetition.

Each function maps logits to logits, so they can be chained; a token that may not be drawn gets minus
infinity. Sources: Ackley et al. 1985 (temperature); Fan et al. 2018 (top-k); Holtzman et al. 2020 (top-p);
Nguyen et al. 2025 (min-p); Keskar et al. 2019 (repetition penalty).
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.activation import softmax
from gradschool.ops.switch import op

Logits = Float[Tensor, "*b v"]


@op
def temperature(x: Logits, t: float) -> Logits:
    """Divide the logits by t: below 1 probable tokens become more probable, above 1 less.

    Args:
        x: logits of v tokens.
        t: temperature, >= 0; 0 leaves the most probable token alone (greedy decoding), the first of equals:
            its logit is any finite number, those of all others are minus infinity.

    Source: Ackley et al. 1985.
    """
    if t > 0:
        return x / t
    chosen = torch.arange(x.shape[-1], device=x.device) == x.argmax(-1, keepdim=True)
    return torch.where(chosen, 0.0, -torch.inf).to(x.dtype)


@op
def top_k(x: Logits, k: int) -> Logits:
    """Keep the k most probable tokens, and all that are as probable as the last of them.

    Args:
        x: logits of v tokens.
        k: >= 1; all tokens stay if there are no more than k.

    Source: Fan et al. 2018, section 5.1.
    """
    least = x.topk(min(k, x.shape[-1])).values[..., -1:]
    return x.masked_fill(x < least, -torch.inf)


@op
def top_p(x: Logits, p: float) -> Logits:
    """Keep the nucleus: the fewest most probable tokens whose probabilities sum to p or more.

    Args:
        x: logits of v tokens.
        p: 0 to 1. The most probable token always stays; at 1 all do. Probabilities are summed in float32.

    Returns:
        The logits of the nucleus as they are, minus infinity for all other tokens.

    Source: Holtzman et al. 2020, section 3.1.
    """
    if p >= 1:
        return x
    # 1. Tokens from the most to the least probable, and what those before each sum to.
    order = x.argsort(dim=-1, descending=True, stable=True)
    share = softmax(x.gather(-1, order).float(), -1)
    before = share.cumsum(-1) - share
    # 2. A token is left out if those before it are enough. Nothing is before the first.
    out = before >= p
    out[..., 0] = False
    # 3. Back in the tokens' own order.
    return x.masked_fill(out.scatter(-1, order, out), -torch.inf)


@op
def min_p(x: Logits, p: float) -> Logits:
    """Keep tokens that are at least p times as probable as the most probable one.

    Args:
        x: logits of v tokens.
        p: 0 to 1; 0 keeps all.

    Source: Nguyen et al. 2025, section 3.1.
    """
    share = softmax(x.float(), -1)
    return x.masked_fill(share < p * share.amax(-1, keepdim=True), -torch.inf)


@op
def repetition_penalty(x: Logits, seen: Int64[Tensor, "*b t"], penalty: float) -> Logits:
    """Make tokens that occurred before less probable: positive logits are divided, negative ones multiplied.

    Args:
        x: logits of v tokens.
        seen: tokens that occurred before; -1 stands for none (padding).
        penalty: > 0; 1 changes nothing, 1.2 is usual, below 1 repetition becomes more probable.

    Source: Keskar et al. 2019, section 4.1. Deviation: the paper divides negative logits as well, which would
    make their tokens more probable; every implementation multiplies them.
    """
    # 1. Which tokens occurred: place v collects the padding.
    v = x.shape[-1]
    occurred = torch.zeros(*x.shape[:-1], v + 1, dtype=torch.bool, device=x.device)
    occurred = occurred.scatter(-1, torch.where(seen < 0, v, seen), True)[..., :v]
    # 2. Towards minus infinity, whatever the sign.
    return torch.where(occurred, torch.where(x < 0, x * penalty, x / penalty), x)
