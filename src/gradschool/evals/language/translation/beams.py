"""Beam search for many texts side by side.

It finds what `ops.decoding.search.beam_search` finds for each text alone, but one call of the network serves
all of them; a text that is done leaves the batch.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from gradschool.ops.activation import log_softmax
from gradschool.ops.decoding.search import Hypothesis, Step


def beam_search_each(
    step: Step,
    starts: Int64[Tensor, " b"],
    beams: int,
    lengths: Sequence[int],
    end: int,
    penalty: float = 1.0,
) -> list[list[Hypothesis]]:
    """The most probable continuations of b start tokens that a search with a limited number of beams finds.

    Args:
        step: tokens and rows to the next logits, as for `beam_search`. In the first call there are b rows,
            and later up to b times `beams`.
        starts: the token with which each text begins.
        beams, end, penalty: as for `beam_search`; the vocabulary has twice as many tokens as there are beams,
            or more.
        lengths: tokens of each text at most, >= 1.

    Returns:
        At most `beams` texts for each start, the best first.
    """
    tokens, rows = starts[:, None], torch.arange(len(starts), device=starts.device)
    log_p = torch.zeros(len(starts), 1, dtype=torch.float64, device=starts.device)
    done: list[list[Hypothesis]] = [[] for _ in starts]
    alive = list(range(len(starts)))
    for n in range(1, max(lengths) + 1):
        # 1. The best continuations of all beams of a text together: one of two could be an end.
        k = log_p.shape[1]
        near, token = log_softmax(step(tokens, rows), 1).topk(2 * beams, 1)
        total = log_p[..., None] + near.double().view(len(alive), k, -1)
        best, place = total.flatten(1).topk(2 * beams, 1)
        parent, new = place // (2 * beams), token.view(len(alive), -1).gather(1, place)
        most = torch.tensor([lengths[g] for g in alive], device=starts.device)
        ends = (new == end) | (most == n)[:, None]
        # 2. Texts that end here are done if they are among the best.
        for g, i in (ends & (best > -torch.inf))[:, :beams].nonzero().tolist():
            text = (*tokens[g * k + int(parent[g, i]), 1:].tolist(), int(new[g, i]))
            done[alive[g]].append(Hypothesis(text, float(best[g, i]), float(best[g, i]) / n**penalty))
        # 3. The best of the others go on.
        order = ends.long().argsort(dim=1, stable=True)[:, :beams]
        log_p = best.gather(1, order).masked_fill(ends.gather(1, order), -torch.inf)
        parent, new = parent.gather(1, order), new.gather(1, order)
        # 4. A text is left when nothing that goes on can become better than what is done.
        later = most.double() ** penalty if penalty > 0 else (n + 1) ** penalty
        for g in alive:
            done[g] = sorted(done[g], key=lambda text: -text.score)[:beams]
        on = going([done[g] for g in alive], (log_p[:, 0] / later).tolist(), beams).to(starts.device)
        if not on.any():
            break
        rows = (torch.arange(len(alive), device=starts.device)[:, None] * k + parent)[on].flatten()
        tokens = torch.cat([tokens[rows], new[on].view(-1, 1)], 1)
        log_p, alive = log_p[on], [g for g, goes in zip(alive, on.tolist(), strict=True) if goes]
    return done


def going(done: list[list[Hypothesis]], bounds: list[float], beams: int) -> Bool[Tensor, " b"]:
    """Which texts go on: something is left that could become better than the worst that is done."""
    able = [
        bound > -math.inf and (len(texts) < beams or bound > texts[-1].score)
        for texts, bound in zip(done, bounds, strict=True)
    ]
    return torch.tensor(able)
