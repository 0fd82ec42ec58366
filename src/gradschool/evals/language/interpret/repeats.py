"""What the heads of a decoder do on random tokens that come twice: who looks one token back, who looks at
what followed the last occurrence.

Source: Olsson et al. 2022, section "Defining induction heads".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, nn

from gradschool.evals.language.interpret.inside import watched_heads
from gradschool.ops.interpret.heads import induction_score, looking_back
from gradschool.ops.loss import cross_entropy

LEAST = 4  # tokens of a half: in shorter ones every head scores high by chance
TEXTS, LONGEST = 16, 24  # texts, and tokens of a half at most


@dataclass(frozen=True)
class Repeats:
    """Scores of every head, a list a layer, and what the network makes of the repetition.

    Args:
        period: tokens of the half that is repeated.
        induction: mean weight that the second occurrence of a token gives to what followed the first.
        previous: mean weight of the token before.
        chance: the induction score of a head that looks at all tokens alike.
        first: mean surprise at the tokens of the first half, in nats.
        second: the same of the second half without its first token, which nothing foretells.
    """

    period: int
    induction: Sequence[Sequence[float]]
    previous: Sequence[Sequence[float]]
    chance: float
    first: float
    second: float


@torch.inference_mode()
def repeats_of(model: nn.Module, kinds: int, context: int, draw: Generator) -> Repeats | None:
    """The scores of a decoder's heads; None where its context or its tokens are too few for a repetition.

    Args:
        model: tokens to logits in eval mode, with attention in heads.
        kinds: number of different tokens.
        context: tokens that it reads at most.
        draw: generator of the texts.
    """
    period = min(context // 2, kinds, LONGEST)
    if period < LEAST:
        return None
    # 1. Different tokens in random order, twice.
    half = torch.stack([torch.randperm(kinds, generator=draw)[:period] for _ in range(TEXTS)])
    x = torch.cat([half, half], 1).to(next(model.parameters()).device)
    with watched_heads() as layers:
        logits = model(x)
    # 2. What each head looks at, and whether it helped.
    nats = cross_entropy(logits[:, :-1].flatten(0, 1).float(), x[:, 1:].flatten(), reduction="none")
    of_place = nats.view(TEXTS, -1).mean(0)
    alike = torch.tril(torch.ones(2 * period, 2 * period))
    chance = induction_score((alike / alike.sum(1, keepdim=True))[None, None], period)
    return Repeats(
        period,
        [induction_score(each.float(), period).tolist() for each in layers],
        [looking_back(each.float(), 1).tolist() for each in layers],
        float(chance),
        float(of_place[: period - 1].mean()),
        float(of_place[period:].mean()),
    )
