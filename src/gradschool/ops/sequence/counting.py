"""Smoothing for n-gram models: how much probability seen tokens give up, and who gets it.

Sources: Kneser and Ney 1995; Chen and Goodman 1999, sections 2.6 (Witten-Bell), 2.7 and 3 (modified
Kneser-Ney). Deviation: a discount that the counts do not determine is half its count.
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.switch import op


@op
def kneser_ney_discounts(count: Int64[Tensor, " g"]) -> Float[Tensor, "4"]:
    """The discounts of modified Kneser-Ney: what is taken off a count of 0, 1, 2, and 3 or more.

    With n_j the number of n-grams of count j, and Y = n_1 / (n_1 + 2 n_2):
    D_j = j - (j + 1) Y n_{j+1} / n_j for j = 1, 2, 3.

    Args:
        count: of every n-gram of one order, >= 0; zeros do not matter.

    Returns:
        0, D_1, D_2, D_3 in float64, each from 0 to its j. Where n_j or n_1 is 0, or the formula leaves this
        range, which small samples bring about, D_j is j / 2.

    Source: Chen and Goodman 1999, eq. 17.
    """
    # 1. Counts of counts n_1 to n_4.
    n = [int((count == j).sum()) for j in (1, 2, 3, 4)]
    # 2. The discounts, as far as they are determined.
    D = [0.0]
    for j in (1, 2, 3):
        known = n[0] > 0 and n[j - 1] > 0
        found = j - (j + 1) * n[0] / (n[0] + 2 * n[1]) * n[j] / n[j - 1] if known else j / 2
        D.append(found if 0 <= found <= j else j / 2)
    return torch.tensor(D, dtype=torch.float64)


@op
def discounted(
    count: Int64[Tensor, "*n"], total: Int64[Tensor, "*n"], discounts: Float[Tensor, "4"]
) -> Float[Tensor, "*n"]:
    """The share of a token after its history once its count is discounted: (c - D(c)) / C; 0 where C is 0.

    Args:
        count: c, how often the token was seen after the history, >= 0.
        total: C, the sum of c over all tokens after that history.
        discounts: D(0), D(1), D(2), D(3 and more), each at most its count.

    Source: Chen and Goodman 1999, eq. 15, first term.
    """
    return (count - discounts[count.clamp(max=3)]) / total.clamp(min=1)


@op
def back_off_weight(
    kinds: Int64[Tensor, "*n 3"], total: Int64[Tensor, "*n"], discounts: Float[Tensor, "4"]
) -> Float[Tensor, "*n"]:
    """What discounting has taken off all tokens after a history, as a share: the weight of the shorter one.

    Args:
        kinds: N_1, N_2, N_3+, the number of different tokens seen once, twice, and more often after it.
        total: C, the sum of their counts.
        discounts: D(0), D(1), D(2), D(3 and more).

    Returns:
        (D_1 N_1 + D_2 N_2 + D_3 N_3+) / C, from 0 to 1; 1 where C is 0: nothing was seen after it.

    Source: Chen and Goodman 1999, eq. 16.
    """
    taken = (kinds * discounts[1:]).sum(-1)
    return torch.where(total > 0, taken / total.clamp(min=1), 1.0)


@op
def continuation_counts(shorter: Int64[Tensor, " m"], n: int) -> Int64[Tensor, " n"]:
    """In how many different contexts each n-gram was seen: what lower orders count in Kneser-Ney.

    "Francisco" is frequent, but only after "San": as a continuation it counts once.

    Args:
        shorter: for every different (n+1)-gram the number of the n-gram that it ends with, 0 to n - 1.
        n: how many different n-grams there are.

    Source: Kneser and Ney 1995, eq. 8.
    """
    return torch.bincount(shorter, minlength=n)


@op
def kneser_ney(count: Int64[Tensor, "v v"], discount: float = 0.75) -> Float[Tensor, "v v"]:
    """Interpolated Kneser-Ney for pairs of words: the probability of each word after each other one.

    With c(u, w) how often w came after u, C(u) the sum of c over w, T(u) the number of different words after
    u, N(w) the number of different words before w, and N the number of different pairs:
    p(w | u) = max(c(u, w) - D, 0) / C(u) + D T(u) / C(u) * N(w) / N.

    Args:
        count: c, a row for each word u that comes first, a column for each word w that follows; >= 0, and
            not all 0.
        discount: D, taken off every count, above 0, at most 1.

    Returns:
        p in float64, shaped as `count`; each row sums to 1. After a word that nothing ever followed it is
        N(w) / N.

    Source: Kneser and Ney 1995; Chen and Goodman 1999, section 2.7.
    """
    seen, total = (count > 0).double(), count.sum(1, keepdim=True)
    # 1. The share that each pair keeps of its own.
    own = (count - discount * seen) / total.clamp(min=1)
    # 2. The share that was taken off all pairs of a row; all of it, if nothing was seen there.
    taken = torch.where(total > 0, discount * seen.sum(1, keepdim=True) / total, 1.0)
    # 3. In how many different contexts each word was seen, as a share of all pairs.
    continuation = seen.sum(0) / seen.sum()
    # 4. What was taken off is given out by these shares.
    return own + taken * continuation


@op
def witten_bell_weight(kinds: Int64[Tensor, "*n"], total: Int64[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The weight of the shorter history: T / (C + T), the share of times that something new came.

    Args:
        kinds: T, how many different tokens were seen after the history.
        total: C, how often anything was.

    Returns:
        From 0 to 1 in float64; 1 where C is 0.

    Source: Chen and Goodman 1999, eq. 8 (after Witten and Bell 1991, method C).
    """
    seen = kinds + total
    return torch.where(seen > 0, kinds.double() / seen.clamp(min=1), 1.0)


@op
def bits_per_byte(nats: Float[Tensor, "*n"] | float, tokens: int, size: int) -> Float[Tensor, "*n"] | float:
    """The cost of a text in bits per byte, which does not depend on how the text is cut into tokens.

    Nats per token cannot be compared between vocabularies: longer tokens are fewer and harder.

    Args:
        nats: mean negative log-likelihood of a token, >= 0; a number, or a tensor of several.
        tokens: in the text, >= 0.
        size: of the text in bytes (UTF-8), > 0.

    Source: Gao et al. 2020 (The Pile), section 3.1.
    """
    # 1. What all tokens cost together, in nats.
    whole = nats * tokens
    # 2. In bits: a bit is log 2 nats.
    bits = whole / math.log(2)
    # 3. A byte's share of it.
    return bits / size
