"""A DINO-like task: a student predicts from one view what a moving average of itself says of the other.

Source: Caron et al. 2021, algorithm 1. Deviations: two views of one size in place of two large and several
small ones, a constant temperature of the teacher.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gradschool.ops.practice.self_distillation import self_distillation_loss, teacher_probabilities
from gradschool.tasks.representation.represent import Represent
from gradschool.tasks.update import Batch, Update


@dataclass(frozen=True)
class Teaching:
    """How the teacher answers and follows.

    Args:
        temperature: of the student, > 0.
        sharp: temperature of the teacher, > 0, below that of the student.
        momentum: share of the teacher's weights that stays at a step at the start of the run, 0 to 1; it
            rises to 1 along a cosine.
        centre: share of the centre that stays at a step, 0 to 1.
    """

    temperature: float = 0.1
    sharp: float = 0.04
    momentum: float = 0.99
    centre: float = 0.9

    def at(self, progress: float) -> float:
        """The momentum at this share of the run. Source: Grill et al. 2020, section 3.2."""
        return 1 - (1 - self.momentum) * (math.cos(math.pi * min(progress, 1.0)) + 1) / 2


class DistilSelf(Represent):
    """Train `models.vision.projected.SelfDistilled`; batches are two views. The teacher is what is kept.

    Args:
        arguments: as of `Represent`.
        teaching: temperatures and momenta.
    """

    def __init__(self, *arguments: Any, teaching: Teaching | None = None) -> None:
        super().__init__(*arguments)
        self.teaching = teaching or Teaching()
        self.answers = list[Tensor]()  # of the teacher to the parts of this batch

    def body(self) -> nn.Module:
        """The teacher's encoder."""
        return self.inner.teacher.body

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The cross-entropy between views, and what the teacher's answers say of a picture."""
        on = self.teaching
        student, teacher = (
            out.float().unflatten(0, (2, -1)) for out in self.parts["model"](torch.cat(batch[:2]))
        )
        self.answers.append(teacher)
        loss = self_distillation_loss(student, teacher, self.inner.centre, on.temperature, on.sharp)
        return {
            "loss": loss,
            "information": information(teacher_probabilities(teacher, self.inner.centre, on.sharp)),
        }

    def outputs(self, features: Tensor) -> Tensor:
        """The teacher's answers."""
        answers: Tensor = self.inner.teacher.head(features)
        return answers

    def step(self, batch: Batch, update: Update) -> dict[str, Tensor]:
        """One step of the student; then the teacher follows, and the centre moves to the whole batch."""
        self.answers.clear()
        found = update("model", batch, self.losses)
        answers = torch.cat(self.answers, 1)
        self.inner.follow(answers, self.teaching.at(update.progress), self.teaching.centre)
        return found


def information(p: Tensor) -> Tensor:
    """What an answer says of its picture, in nats: H(mean of p) - mean of H(p), over all but the last axis.

    It is 0 after either collapse: where all answers are the same, and where each is even.
    """
    p = p.flatten(0, -2)
    mean = p.mean(0)
    return torch.special.entr(mean).sum() - torch.special.entr(p).sum(1).mean()
