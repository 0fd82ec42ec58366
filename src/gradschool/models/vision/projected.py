"""An encoder with a projection head, which is left off after training; and a pair of these, a student and a
teacher that follows it.

Sources: Chen et al. 2020, section 4.2 (why features before the head are better than those after it); Caron et
al. 2021, section 3.1 and appendix C (the head with directions). Deviations: narrower heads, views of one
size, no frozen last layer in the first epoch.
"""

import copy

import torch
from torch import Tensor

from gradschool import nn
from gradschool.ops.linear import linear
from gradschool.ops.practice.contrastive import directions
from gradschool.ops.practice.self_distillation import moving_centre


class Prototypes(nn.Module):
    """Cosines of a vector with k learned vectors."""

    def __init__(self, width: int, k: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(k, width))

    def forward(self, x: Tensor) -> Tensor:
        return linear(directions(x), directions(self.weight))


class Projected(nn.Module):
    """Pictures to what the loss sees.

    Args:
        body: pictures to features (b, width).
        head: features to projections (b, d).
    """

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class SelfDistilled(nn.Module):
    """A student, a teacher that starts as its copy and follows it, and the centre of the teacher's answers.

    Args:
        student: pictures to answers (b, k).
        k: outputs.
    """

    centre: Tensor

    def __init__(self, student: Projected, k: int) -> None:
        super().__init__()
        self.student = student
        self.teacher = copy.deepcopy(student).requires_grad_(False)
        self.register_buffer("centre", torch.zeros(k))

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """The student's answers to all views, and the teacher's, which have no gradient."""
        with torch.no_grad():
            taught = self.teacher(views)
        return self.student(views), taught

    @torch.no_grad()
    def follow(self, answers: Tensor, momentum: float, centre_momentum: float) -> None:
        """Move the teacher's weights towards the student's, and the centre to its latest answers (g, n, k).

        Args:
            answers: of the teacher to this batch.
            momentum: share of the teacher's weights that stays, 0 to 1.
            centre_momentum: share of the centre that stays, 0 to 1.
        """
        pairs = zip(self.teacher.parameters(), self.student.parameters(), strict=True)
        for slow, quick in pairs:
            slow.lerp_(quick, 1 - momentum)
        self.centre.copy_(moving_centre(self.centre, answers, centre_momentum))


def contrastive_head(width: int, out: int = 128) -> nn.Module:
    """SimCLR's head: one hidden layer as wide as the features."""
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, out))


def prototype_head(width: int, k: int, hidden: int = 256, bottleneck: int = 64) -> nn.Module:
    """DINO's head: a hidden layer, a narrow one, and cosines with k prototypes."""
    narrow = nn.Linear(hidden, bottleneck)
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), narrow, Prototypes(bottleneck, k))
