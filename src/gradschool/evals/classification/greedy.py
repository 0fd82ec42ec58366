"""Greedy ensemble selection: add the member that helps most, with replacement, until nothing is gained.

Source: Caruana et al. 2004, sections 2 and 2.1. Deviations: the loss is the log-loss, and of all steps the
best is kept. Only the probability of the true class matters to it, so the sum of the chosen members is one
number an example, and all candidates are scored at once.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradschool.ops.practice.selection import candidate_losses

TIE = 1e-12  # candidates whose losses differ by less, in nats, are alike: the first is taken


def greedy(
    probabilities: Float[Tensor, "m n k"], labels: Int64[Tensor, " n"], steps: int = 50
) -> Int64[Tensor, " m"]:
    """How often each member is chosen.

    Args:
        probabilities: of m members for n examples and k classes, each in [0, 1].
        labels: the true classes.
        steps: members that are chosen at most, repetitions counted, >= 1.

    Returns:
        (m,) counts, of the shortest selection whose mean has the lowest log-loss of all steps.

    Source: Caruana et al. 2004, section 2.
    """
    # 1. Only what each member gives the true class.
    known = probabilities.double()[:, torch.arange(len(labels)), labels].contiguous()
    members, examples = known.shape
    counts, best, lowest = known.new_zeros(members, dtype=torch.int64), None, float("inf")
    chosen = known.new_zeros(examples)
    for step in range(1, steps + 1):
        # 2. The loss of every candidate beside those chosen so far; the first of equals.
        losses = candidate_losses(known, chosen, step)
        index = int((losses <= losses.min() + TIE).nonzero()[0])
        # 3. Take it, and remember the best selection.
        chosen += known[index]
        counts[index] += 1
        if float(losses[index]) < lowest - TIE:
            best, lowest = counts.clone(), float(losses[index])
    assert best is not None, "steps >= 1"
    return best
