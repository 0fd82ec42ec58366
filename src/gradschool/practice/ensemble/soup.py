"""Model soups: one network whose weights are the mean of several, which costs no more than one to run.

Source: Wortsman et al. 2022, section 2 and recipe 1 (greedy soup). It works for networks in one basin of the
loss: fine-tuned from the same start, or checkpoints of one run. Statistics of batch normalisation are taken
anew (Izmailov et al. 2018).
"""

from collections.abc import Callable, Sequence

import torch
from safetensors.torch import save
from torch import Tensor

from gradschool.engine.checkpoint import write_whole
from gradschool.engine.run import RunFolder
from gradschool.engine.weights import read_weights
from gradschool.errors import UserError
from gradschool.practice.ensemble.members import Member
from gradschool.runs.ensembles.ensemble import Ensemble

FILE = "model.safetensors"


def check_same(members: Sequence[Member]) -> None:
    """Refuse networks whose weights cannot be averaged.

    Raises:
        UserError: one is an ensemble, or has other parameters than the first.
    """
    wanted, advice = "runs of one architecture", "Try --how mean."
    for member in members:
        if isinstance(member.run, Ensemble):
            raise UserError(f"{member.name} is {member.run.title}, which no soup can hold", wanted, advice)
    first = shapes(members[0].folder)
    for member in members[1:]:
        own = shapes(member.folder)
        for name in [*first, *own]:
            if own.get(name) != first.get(name):
                told = f"{name} is {own.get(name, 'absent')} and {first.get(name, 'absent')}"
                what = f"{member.name} has another architecture than {members[0].name} ({told})"
                raise UserError(what, wanted, advice)


def shapes(folder: RunFolder) -> dict[str, tuple[int, ...]]:
    """The shape of every weight."""
    return {name: tuple(value.shape) for name, value in read_weights(folder.path / FILE).items()}


def averaged(weights: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight over networks; whole numbers are those of the first."""
    found = {}
    for name, first in weights[0].items():
        if first.is_floating_point():
            mean = torch.stack([each[name].double() for each in weights]).mean(0)
            found[name] = mean.to(first.dtype)
        else:
            found[name] = first
    return found


def greedy_soup(
    scores: Sequence[float], score_of: Callable[[Sequence[int]], float]
) -> tuple[list[int], float]:
    """Which networks go into the soup.

    Args:
        scores: of each by itself on held-out data, higher is better.
        score_of: of the soup of these networks.

    Returns:
        Their places, best first, and the score of their soup.

    Source: Wortsman et al. 2022, recipe 1.
    """
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    chosen, reached = [order[0]], scores[order[0]]
    for index in order[1:]:
        score = score_of([*chosen, index])
        if score >= reached:
            chosen, reached = [*chosen, index], score
    return chosen, reached


def cook(place: RunFolder, folders: Sequence[RunFolder]) -> None:
    """Write the mean of some runs' weights over those of a folder."""
    mean = averaged([read_weights(folder.path / FILE) for folder in folders])
    write_whole(place.path / FILE, save({name: each.contiguous() for name, each in mean.items()}))
